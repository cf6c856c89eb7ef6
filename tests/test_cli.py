"""The command line: quick where nothing is computed, one line where the user is wrong."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from rnnlimits import __version__, catalog, rows
from rnnlimits.execution import pipeline, planned_rows
from rnnlimits.execution.run_lock import NAME, RunLock
from rnnlimits.planning import calibration, duration, gpu, grid, memory, metric_loggers, provenance
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from support.command_line import run
from support.example_config import GOOD, changed

COMMANDS = [
    "list",
    "plan",
    "data",
    "train",
    "table",
    "judge",
    "explain",
    "plot",
    "report",
    "verdicts",
    "archive",
    "compare",
    "merge",
]


@pytest.fixture
def good(tmp_path, monkeypatch) -> Path:
    """A working directory with a good config in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(GOOD))
    monkeypatch.setattr(calibration, "file", lambda: tmp_path / "no_calibration.json")
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
    planned = grid.shards(load(good))
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:-6]] == [shard.id for shard in planned]
    matched = next(shard for shard in planned if shard.parameters_target)
    deviation = 100 * (matched.parameters - 500) / 500
    assert any(matched.id in line and f"{deviation:+.1f} %" in line for line in out.splitlines())
    assert out.splitlines()[-6].startswith(f"{len(planned)} shards: ")
    takes = duration.planned(planned)
    longest = max(takes, key=takes.__getitem__)
    whole, one = duration.in_words(sum(takes.values())), duration.in_words(takes[longest])
    assert out.splitlines()[-5] == (
        f"time, if nothing stops early: {whole} one after another, {one} the longest ({longest})"
    )
    largest, peak = max(memory.planned(planned).items(), key=lambda item: item[1])
    assert out.splitlines()[-2] == f"memory: at most {peak:.0f} MB a job ({largest})"
    assert re.fullmatch(
        r"weights: \d+ models are kept, \d+\.\d MB in results/test/rows", out.splitlines()[-1]
    )
    assert any(line.split()[0] == largest and line.endswith(f" {peak:.0f}") for line in out.splitlines())


def test_plan_prints_specs_that_train_takes(good, monkeypatch, capsys):
    _, out, _ = run(monkeypatch, capsys, "plan", "--config", good, "--json")
    assert [Shard.from_json(line) for line in out.splitlines()] == grid.shards(load(good))


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
        f"{good}: device: got 'gpu'; did you mean 'cpu'? (possible: cpu, cuda)",
        f"{good}: confidence: got 3.0; expected a number less than 1",
    ]
    assert sorted(good.parent.rglob("*")) == before


def test_the_version_is_told(monkeypatch, capsys):
    assert run(monkeypatch, capsys, "--version") == (0, f"rnnlimits {__version__}\n", "")


@pytest.mark.parametrize(("asked", "shown"), [("tasks", "task"), ("probe", "probe"), ("lstm", "lstm")])
def test_list_shows_one_kind_or_one_page(asked, shown, monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "list", asked)
    heads = [line for line in out.splitlines() if not line.startswith(" ")]
    pages = [line.split()[0] for line in out.splitlines() if re.match(r"  \S", line)]
    kind = {"task": "tasks", "probe": "probes", "lstm": "architectures"}[shown]
    assert (code, heads) == (0, [kind])
    assert pages == (["lstm"] if shown == "lstm" else catalog.names(kind))


CONFIG = ("--config", "config.yaml")
MISSING = "not there; name what an earlier step wrote, or run `snakemake`, which makes all of it"
WRONG = {
    "a page that is not there": (["list", "lstn"], "no kind or page 'lstn'; did you mean 'lstm'? (known: "),
    "a config without its option": (
        ["plan", "config.yaml"],
        "plan config.yaml: a config is given with --config: rnnlimits plan --config config.yaml",
    ),
    "a page instead of a result": (
        ["explain", "lstm", *CONFIG],
        "explain: 'lstm' is a page (architecture); expected a claim, a figure, a table or a shard; "
        "the options of a page: rnnlimits list lstm",
    ),
    "rows that are not there": (
        ["explain", "cost", *CONFIG, "--rows", "r.parquet"], f"--rows r.parquet: {MISSING}",
    ),
    "tables that are not there": (["plot", "--tables", "t", "--out", "f"], f"--tables t: {MISSING}"),
    "three things that are not there": (
        ["report", "--tables", "t", "--figures", "f", "--claims", "c", "--out", "o", *CONFIG],
        f"--tables t, --figures f, --claims c: {MISSING}",
    ),
    "verdicts that are not there": (
        ["verdicts", "--claims", "c", "--details", "d", "--figures", "f", "--out", "o", *CONFIG],
        f"--claims c, --details d: {MISSING}",
    ),
    "a claim that is not there": (
        ["judge", "--only", "bond", "--out", "c.csv", *CONFIG], "the config: no claim 'bond'; ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_there_is_one_line_and_exit_code_1(what, good, monkeypatch, capsys):
    arguments, said = WRONG[what]
    before = sorted(good.parent.rglob("*"))
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(said)
    assert sorted(good.parent.rglob("*")) == before


def test_a_logger_whose_package_is_missing_is_one_line_before_any_job(good, monkeypatch, capsys):
    monkeypatch.setattr(metric_loggers, "find_spec", lambda name: None)
    said = "log: wandb: the package wandb is not installed here; `pip install wandb`, or set `log: csv`"
    spec = grid.shards(load(good))[0].to_json()
    arguments = ["--spec", spec, "--out", "rows.parquet", "--log", "m", "--log-as", "wandb"]
    assert run(monkeypatch, capsys, "train", *arguments) == (1, "", f"{said}\n")
    good.write_text(yaml.safe_dump(GOOD | {"log": "wandb"}))
    with pytest.raises(SystemExit, match="the package wandb is not installed here"):
        pipeline.start(load(good), RunLock(good.parent), jobs_run_here=True)
    assert not (good.parent / NAME).exists(), "nothing was begun"


@pytest.mark.parametrize("arguments", [[], ["--out", "claims.csv", "--explain", "some_claim"]])
def test_judge_writes_all_verdicts_or_explains_one(arguments, good, monkeypatch, capsys):
    before = sorted(good.parent.rglob("*"))
    code, out, err = run(monkeypatch, capsys, "judge", "--config", good, *arguments)
    assert (code, out) == (1, "")
    assert err == "judge: give --out FILE to write all verdicts, or --explain CLAIM to print one\n"
    assert sorted(good.parent.rglob("*")) == before


def test_judge_explains_a_claim_of_the_archive_by_its_beginning(monkeypatch, capsys):
    arguments = ["--config", "config/config.yaml", "--rows", "results/archive/laptop/rows.parquet"]
    code, out, err = run(monkeypatch, capsys, "judge", "--explain", "gates_model", *arguments)
    assert (code, err) == (0, "")
    assert out.startswith("claim gates_model_text_better: ")
    for part in (
        "The arithmetic",
        "without seed 0: ",
        "learning rate 0.03 on both sides",
        " sequences; 10 trials",
    ):
        assert part in " ".join(out.split()), part
    code, out, err = run(monkeypatch, capsys, "judge", "--explain", "gates_modell", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("nothing is called 'gates_modell'; did you mean 'gates_model_text_better'?")


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


def test_an_unknown_choice_of_weights_is_one_line(good, monkeypatch, capsys):
    code, _, err = run(
        monkeypatch, capsys, "train", "--spec", "{}", "--out", "rows.parquet", "--keep-weights", "chose"
    )
    expected = "no choice of weights 'chose'; did you mean 'chosen'? (known: all, chosen, none)\n"
    assert (code, err) == (1, expected)


def test_an_unknown_device_is_one_line(good, monkeypatch, capsys):
    code, _, err = run(
        monkeypatch, capsys, "train", "--spec", "{}", "--out", "rows.parquet", "--device", "gpu"
    )
    assert (code, err) == (1, "no device 'gpu'; did you mean 'cpu'? (known: any, cpu, cuda)\n")


def test_our_own_mistakes_keep_their_traceback(good, monkeypatch, capsys):
    monkeypatch.setattr(grid, "shards", lambda loaded: {}["nowhere"])
    with pytest.raises(KeyError, match="nowhere"):
        run(monkeypatch, capsys, "plan", "--config", good)


def test_a_simulation_runs_without_torch(good):
    spec = next(shard for shard in grid.shards(load(good)) if shard.kind == "simulation").to_json()
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
    shard = next(one for one in grid.shards(load(good)) if one.variant == "gru" and not one.folds)
    code, _, _ = run(
        monkeypatch, capsys, "train", "--spec", shard.to_json(), "--out", f"rows/{shard.id}.parquet"
    )
    assert code == 0
    assert {row.shard for row in rows.read(f"rows/{shard.id}.parquet")} <= {shard.id}


def written(shards: list[Shard], folder: Path) -> None:
    """A rows file for each shard, with one row in it, as it was planned."""
    for shard in shards:
        facts = {
            "config_hash": provenance.config_hash(shard),
            "code_fingerprint": provenance.fingerprint(shard),
        }
        row = shard.row(split="test", stage="final", update=0, metric="loss", unit="nats", status="measured")
        rows.write([row], facts, folder / f"{shard.id}.parquet")


def test_an_archive_holds_the_planned_shards_and_the_config(good, monkeypatch, capsys):
    planned = grid.shards(load(good))
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


def test_an_archive_is_made_of_a_part_only_when_asked(good, monkeypatch, capsys):
    planned = grid.shards(load(good))
    written(planned[1:], Path("results/test/rows"))
    code, _, err = run(monkeypatch, capsys, "archive", "--config", good, "--out", "archive.parquet")
    assert code == 1
    assert err.startswith(f"results/test/rows: 1 of {len(planned)} planned shards have no rows; train them")
    assert not Path("archive.parquet").exists()
    code, _, err = run(
        monkeypatch, capsys, "archive", "--incomplete", "--config", good, "--out", "archive.parquet"
    )
    assert code == 0
    assert err.startswith(f"results/test/rows: 1 of {len(planned)} planned shards have no rows; going on")
    shards = rows.read_provenance("archive.parquet")["shards"]
    assert set(shards) == {shard.id for shard in planned[1:]}


def test_tables_of_a_part_say_how_large_it_is(good, monkeypatch, capsys):
    pytest.importorskip("pandas")
    from rnnlimits.analysis import tables

    planned = grid.shards(load(good))
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


def test_studies_that_wait_for_a_gpu_are_planned_apart_until_there_is_one(good, monkeypatch, capsys):
    monkeypatch.delenv(gpu.VARIABLE, raising=False)
    good.write_text(yaml.safe_dump(changed(GOOD, ("studies", "folded", "device"), "cuda")))
    planned = grid.shards(load(good))
    waiting = [shard.id for shard in planned if shard.study == "folded"]
    _, out, _ = run(monkeypatch, capsys, "plan", "--config", good)
    head, told, apart = out.partition(f"1 study waits for a GPU: {len(waiting)} jobs, ")
    assert told
    assert not any(name in head for name in waiting)
    assert [line.split()[0] for line in apart.splitlines()[1:] if "folded." in line] == waiting
    assert f"{len(planned) - len(waiting)} shards: " in apart
    assert apart.rstrip().endswith("; set RNNLIMITS_GPU=1 where there is one")
    _, specs, _ = run(monkeypatch, capsys, "plan", "--config", good, "--json")
    assert len(specs.splitlines()) == len(planned) - len(waiting)
    monkeypatch.setenv(gpu.VARIABLE, "1")
    _, out, _ = run(monkeypatch, capsys, "plan", "--config", good)
    assert f"{len(planned)} shards: " in out
    assert "GPU:" not in out


def test_rows_of_a_waiting_study_are_read_where_another_machine_made_them(good, monkeypatch):
    monkeypatch.delenv(gpu.VARIABLE, raising=False)
    good.write_text(yaml.safe_dump(changed(GOOD, ("studies", "matched", "device"), "cuda")))
    loaded = load(good)
    (waiting,) = grid.waiting(loaded)
    here = {shard.id for shard in pipeline.here(loaded)}
    assert here == {shard.id for shard in grid.shards(loaded)} - {waiting.id}
    assert not pipeline.needs_a_gpu(loaded)
    monkeypatch.setenv(gpu.VARIABLE, "1")
    assert waiting.id in {shard.id for shard in pipeline.here(loaded)}
    monkeypatch.delenv(gpu.VARIABLE)

    folder = Path(loaded.results) / "rows"
    for name in sorted(here):
        rows.write([], {}, folder / f"{name}.parquet", name)
    with planned_rows.of(loaded, folder, complete=True) as found:
        assert waiting.id not in {path.stem for path in found}
    rows.write([], {}, folder / f"{waiting.id}.parquet", waiting.id)
    assert waiting.id in {shard.id for shard in pipeline.here(loaded)}
    with planned_rows.of(loaded, folder, complete=True) as found:
        assert waiting.id in {path.stem for path in found}


def test_a_gpu_is_needed_only_as_long_as_its_rows_are_not_there(good, monkeypatch):
    monkeypatch.setenv(gpu.VARIABLE, "1")
    good.write_text(yaml.safe_dump(changed(GOOD, ("studies", "folded", "device"), "cuda")))
    loaded = load(good)
    assert pipeline.needs_a_gpu(loaded)
    for shard in grid.shards(loaded):
        rows.write([], {}, pipeline.rows_file(loaded, shard), shard.id)
    assert not pipeline.needs_a_gpu(loaded)


def test_a_study_that_can_do_without_a_gpu_waits_until_somebody_says_which(good, monkeypatch, capsys):
    good.write_text(yaml.safe_dump(changed(GOOD, ("studies", "matched", "device"), "any")))
    loaded = load(good)
    for said, waits, device in ((None, {"matched"}, "cpu"), ("0", set(), "cpu"), ("1", set(), "cuda")):
        monkeypatch.delenv(gpu.VARIABLE, raising=False)
        if said:
            monkeypatch.setenv(gpu.VARIABLE, said)
        assert {shard.study for shard in grid.waiting(loaded)} == waits
        assert loaded.device_of("matched") == device
        # The command stays the same, so that rows of a GPU are not made anew on the CPU.
        assert loaded.machine_options("matched") == ["--device", "any"]
    monkeypatch.delenv(gpu.VARIABLE)
    _, out, _ = run(monkeypatch, capsys, "plan", "--config", good)
    assert "on one core without" in out
    assert out.rstrip().endswith("set RNNLIMITS_GPU=1 where there is one, or RNNLIMITS_GPU=0 to do without")


def test_a_config_in_which_every_study_waits_for_a_gpu_has_no_jobs(good, monkeypatch):
    monkeypatch.delenv(gpu.VARIABLE, raising=False)
    only = {"matched": GOOD["studies"]["matched"] | {"device": "cuda"}}
    good.write_text(yaml.safe_dump(GOOD | {"studies": only}))
    with pytest.raises(SystemExit, match="every study waits for a GPU; set RNNLIMITS_GPU=1"):
        pipeline.plan(SimpleNamespace(configfiles=[good], config={}))


def test_a_plan_says_how_many_seeds_a_claim_would_take_by_the_rows_of_record(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "plan", "--config", "config/replicate.yaml", "--power", "C3")
    assert code == 0
    head, columns, first, *_ = out.splitlines()
    assert head.startswith("C3: ")
    assert columns.split()[:4] == ["part", "check", "seeds", "verdict"]
    assert re.match(r"1\.1   near_chance +40  reproduced +decided  elman on adding", first)
    code, _, err = run(monkeypatch, capsys, "plan", "--config", "config/replicate.yaml", "--power", "C99")
    assert (code, err.partition(";")[0]) == (1, "no claim 'C99'")
