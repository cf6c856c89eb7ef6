"""The command line: quick where nothing is computed, one line where the user is wrong."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from example_config import GOOD

from rnnlimits import catalog, cli, config, duration, grid, memory, rows

COMMANDS = ["list", "plan", "train", "table", "judge", "explain", "draw", "report", "archive"]


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of `rnnlimits ...`, in this process."""
    monkeypatch.setattr(sys, "argv", ["rnnlimits", *map(str, arguments)])
    try:
        cli.main()
        code = 0
    except SystemExit as leave:
        code = int(leave.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def good(tmp_path, monkeypatch) -> Path:
    """A working directory with a good config in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(GOOD))
    return tmp_path / "config.yaml"


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)])
def test_help_costs_less_than_half_a_second(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "rnnlimits.cli", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time: on a busy machine the clock on the wall says nothing.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    assert "Usage: " in done.stdout


def test_list_shows_every_page_with_its_options(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "list")
    assert code == 0
    for kind in catalog.NOUNS:
        for name in catalog.names(kind):
            assert f"  {name:26} {catalog.summary(kind, name)}" in out
    assert "nonlinearity: tanh  (tanh | relu | sigmoid | identity)" in out


def test_plan_shows_every_shard_and_the_totals(good, monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "plan", "--config", good)
    planned = grid.shards(config.load(good))
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:-3]] == [shard.id for shard in planned]
    matched = next(shard for shard in planned if shard.parameters_budget)
    deviation = 100 * (matched.parameters - 500) / 500
    assert any(matched.id in line and f"{deviation:+.1f} %" in line for line in out.splitlines())
    assert out.splitlines()[-3].startswith(f"{len(planned)} shards: ")
    takes = duration.planned(planned)
    longest = max(takes, key=takes.__getitem__)
    whole, one = duration.in_words(sum(takes.values())), duration.in_words(takes[longest])
    assert out.splitlines()[-2] == (
        f"time, if nothing stops early: {whole} one after another, {one} the longest ({longest})"
    )
    largest, peak = max(memory.planned(planned).items(), key=lambda item: item[1])
    assert out.splitlines()[-1] == f"memory: at most {peak:.0f} MB a job ({largest})"
    assert any(line.split()[0] == largest and line.endswith(f" {peak:.0f}") for line in out.splitlines())


def test_plan_prints_specs_that_train_takes(good, monkeypatch, capsys):
    _, out, _ = run(monkeypatch, capsys, "plan", "--config", good, "--json")
    assert [grid.Shard.from_json(line) for line in out.splitlines()] == grid.shards(config.load(good))


@pytest.mark.parametrize("command", ["plan", "table", "judge", "explain", "report", "archive"])
def test_a_broken_config_is_one_line_each_and_touches_no_file(command, good, monkeypatch, capsys):
    good.write_text(yaml.safe_dump(GOOD | {"device": "gpu", "confidence": 3.0}))
    before = sorted(good.parent.rglob("*"))
    arguments = {"plan": [], "explain": ["cost"]}.get(command, ["--out", "out"])
    if command == "report":
        arguments += ["--tables", "t", "--figures", "f", "--claims", "c"]
    code, out, err = run(monkeypatch, capsys, command, "--config", good, *arguments)
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        f"{good}: device: 'gpu' came; did you mean 'cpu'? (possible: cpu, cuda)",
        f"{good}: confidence: 3.0 came; give a number less than 1",
    ]
    assert sorted(good.parent.rglob("*")) == before


def test_a_broken_config_loads_nothing_heavy(good):
    good.write_text("name: [")
    program = (
        "import sys; sys.argv = ['rnnlimits', 'table', '--config', 'config.yaml', '--out', 'out']\n"
        "from rnnlimits import cli\n"
        "try: cli.main()\n"
        "finally: print([name for name in ('torch', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (1, "[]")


def test_a_broken_spec_is_one_line(good, monkeypatch, capsys):
    code, _, err = run(monkeypatch, capsys, "train", "--spec", '{"study": 1}', "--out", "rows.parquet")
    assert code == 1
    assert err.startswith("--spec: these fields of a shard are missing: kind, task, ")
    assert err.count("\n") == 1


def test_an_unknown_device_is_one_line(good, monkeypatch, capsys):
    code, _, err = run(
        monkeypatch, capsys, "train", "--spec", "{}", "--out", "rows.parquet", "--device", "gpu"
    )
    assert (code, err) == (1, "no device 'gpu'; did you mean 'cpu'? (known: cpu, cuda)\n")


def test_our_own_mistakes_keep_their_traceback(good, monkeypatch, capsys):
    monkeypatch.setattr(grid, "shards", lambda loaded: {}["nowhere"])
    with pytest.raises(KeyError, match="nowhere"):
        run(monkeypatch, capsys, "plan", "--config", good)


def test_a_simulation_runs_without_torch(good):
    spec = next(shard for shard in grid.shards(config.load(good)) if shard.kind == "simulation").to_json()
    program = (
        "import sys; sys.modules['torch'] = None\n"
        f"sys.argv = ['rnnlimits', 'train', '--spec', {spec!r}, '--out', 'rows/simulated.parquet']\n"
        "from rnnlimits import cli; cli.main()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    found = rows.read("rows/simulated.parquet")
    assert {(row.split, row.status, row.architecture) for row in found} == {
        ("simulation", "measured", "none")
    }
    assert {row.seed for row in found} == {0, 1}
    provenance = rows.read_provenance("rows/simulated.parquet")["shards"][found[0].shard]
    assert provenance["seconds_total"] > 0


def test_a_shard_trains_from_its_printed_spec(good, monkeypatch, capsys):
    pytest.importorskip("torch")
    shard = next(one for one in grid.shards(config.load(good)) if one.variant == "gru" and not one.folds)
    code, _, _ = run(
        monkeypatch, capsys, "train", "--spec", shard.to_json(), "--out", f"rows/{shard.id}.parquet"
    )
    assert code == 0
    assert {row.shard for row in rows.read(f"rows/{shard.id}.parquet")} <= {shard.id}


def written(shards: list[grid.Shard], folder: Path) -> None:
    """A rows file for each shard, with one row in it."""
    for shard in shards:
        row = shard.row(split="test", stage="final", step=0, metric="loss", unit="nats", status="measured")
        rows.write([row], {}, folder / f"{shard.id}.parquet")


def test_an_archive_holds_the_planned_shards_and_the_config(good, monkeypatch, capsys):
    planned = grid.shards(config.load(good))
    written(planned, Path("results/test/rows"))
    rows.write(
        [rows.read(Path("results/test/rows") / f"{planned[0].id}.parquet")[0]],
        {},
        Path("results/test/rows/old.parquet"),
    )
    code, _, _ = run(monkeypatch, capsys, "archive", "--config", good, "--out", "archive.parquet")
    assert code == 0
    found = rows.read_provenance("archive.parquet")
    assert set(found["shards"]) == {shard.id for shard in planned}
    assert json.loads(json.dumps(found["config"]))["name"] == "test"


def test_an_archive_is_never_made_of_a_part(good, monkeypatch, capsys):
    planned = grid.shards(config.load(good))
    written(planned[1:], Path("results/test/rows"))
    code, _, err = run(monkeypatch, capsys, "archive", "--config", good, "--out", "archive.parquet")
    assert code == 1
    assert err.startswith(f"results/test/rows: 1 of {len(planned)} planned shards have no rows; train them")
    assert not Path("archive.parquet").exists()


def test_tables_of_a_part_say_how_large_it_is(good, monkeypatch, capsys):
    pytest.importorskip("pandas")
    from rnnlimits import tables

    planned = grid.shards(config.load(good))
    written(planned[3:], Path("elsewhere"))
    given = []
    monkeypatch.setattr(tables, "write", lambda paths, out, confidence: given.extend(paths))
    code, _, err = run(
        monkeypatch, capsys, "table", "--config", good, "--rows", "elsewhere", "--out", "tables"
    )
    assert code == 0
    assert err == f"elsewhere: 3 of {len(planned)} planned shards have no rows; going on with the others\n"
    assert {path.stem for path in given} == {shard.id for shard in planned[3:]}


def test_a_reader_that_leaves_early_sees_no_error():
    command = f"{sys.executable} -m rnnlimits.cli list | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("architectures\n", "")
