"""The whole pipeline, as a user runs it: config/smoke.yaml through Snakemake, in copies of the repository."""

import shutil

import pytest

from rnnlimits.analysis.tables import TABLES
from rnnlimits.execution import pipeline
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from support.repository_copy import Copy, fresh, planned_jobs, planned_shards, shell_lines

SMOKE = ("--configfile", "config/smoke.yaml")

# One worker runs them all, so that the pipeline is not run once per worker.
pytestmark = pytest.mark.xdist_group("pipeline")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke run, what stood on the screen, and what Snakemake wrote into its log."""
    copy = fresh(tmp_path_factory.mktemp("smoke"))
    copy.screen = copy.snakemake(*SMOKE).stdout
    copy.printed = copy.snakemake_log
    return copy


@pytest.fixture
def finished(smoke, tmp_path):
    """The finished run once more, for a test that edits; times of files are kept, so nothing is to do."""
    return Copy(shutil.copytree(smoke.folder, tmp_path / "copy"), smoke.printed)


@pytest.fixture(scope="module")
def shards():
    return grid.shards(load("config/smoke.yaml"))


def test_one_command_goes_from_the_config_to_the_report(smoke, shards):
    there = smoke.files("results/smoke/**/*")
    assert {f"results/smoke/rows/{shard.id}.parquet" for shard in shards} <= set(there)
    assert {f"results/smoke/tables/{name}.csv" for name in [*TABLES, "timings"]} <= set(there)
    assert b"</html>" in there["results/smoke/report.html"]


def test_the_screen_tells_how_it_goes_on_and_how_it_ended(smoke, shards):
    first, *_, verdicts, done, opened = smoke.screen.strip().splitlines()[1:]
    assert first.startswith(f"starts: {len(shards)} jobs that measure, 2 at once, about ")
    judged = pipeline.claims(load("config/smoke.yaml"))
    assert verdicts.startswith(f"verdicts on {len(judged)} claims: ")
    assert done.startswith("done in ")
    assert opened == "open results/smoke/report.html or results/smoke/verdicts.html"
    assert "{" not in smoke.screen, "no JSON"
    assert not smoke.files("results/smoke/checkpoints/*"), "nothing is left of what the line was made of"


def test_every_table_that_is_written_is_declared(smoke):
    assert {path.stem for path in smoke.folder.glob("results/smoke/tables/*")} == {*TABLES, "timings"}


def test_a_second_run_has_nothing_to_do(smoke):
    before = smoke.files("results/smoke/**/*")
    assert "Nothing to be done" in smoke.snakemake(*SMOKE).stdout
    assert smoke.files("results/smoke/**/*") == before


def test_the_archive_rebuilds_everything_without_torch(smoke, tmp_path):
    smoke.snakemake("archive", *SMOKE)
    for name in ("torch", "lightning"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not on this machine')")
    smoke.snakemake("from_archive", *SMOKE, path=(tmp_path,))
    trained = {**smoke.files("results/smoke/tables/*"), **smoke.files("results/smoke/figures/*")}
    trained |= smoke.files("results/smoke/claims.*") | smoke.files("results/smoke/verdicts*")
    trained |= smoke.files("results/smoke/verdicts/*.csv")
    assert "results/smoke/verdicts.html" in trained
    for name, content in trained.items():
        rebuilt = smoke.folder / name.replace("results/smoke", "results/smoke/from_archive")
        assert rebuilt.read_bytes() == content, name
    committed = smoke.files("results/archive/smoke/tables/*")
    assert len(committed) == len(TABLES) + 1
    for name, content in committed.items():
        assert trained[name.replace("results/archive/smoke", "results/smoke")] == content
    assert (smoke.folder / "results/smoke/from_archive/report.html").exists()


@pytest.mark.parametrize("command", ["train", "table", "judge", "plot", "verdicts", "report"])
def test_a_printed_shell_line_reruns_as_it_stands(finished, command):
    line = shell_lines(finished.printed, command)[0]
    out = finished.folder / line.partition("--out ")[2].split()[0]
    written = list(out.iterdir()) if out.is_dir() else [out]
    for path in written:
        path.unlink()
    finished.run("bash", "-c", line)
    assert all(path.is_file() for path in written)


def test_a_comment_reruns_nothing(finished):
    finished.edit("src/rnnlimits/architectures/lstm.py", "class LSTM(", "# A comment.\nclass LSTM(")
    assert "Nothing to be done" in finished.snakemake(*SMOKE, "--dry-run").stdout


def test_the_snakefile_of_the_workflow_is_the_same_one(finished):
    done = finished.snakemake("--snakefile", "workflow/Snakefile", *SMOKE, "--dry-run").stdout
    assert "Using workflow specific profile profiles/default" in done
    assert "Nothing to be done" in done


def test_an_edited_architecture_reruns_its_own_shards_and_what_follows(finished, shards):
    finished.edit("src/rnnlimits/architectures/lstm.py", "class LSTM(", "EDITED = 1\n\n\nclass LSTM(")
    dry = finished.snakemake(*SMOKE, "--dry-run").stdout
    assert planned_shards(dry) == {shard.id for shard in shards if shard.architecture == "lstm"}
    assert {name for name in planned_jobs(dry) if name != "train"} == {
        "default",
        "table",
        "plot",
        "judge",
        "verdicts",
        "report",
    }


def test_an_edited_figure_is_drawn_again_and_nothing_is_trained(finished):
    finished.edit("src/rnnlimits/analysis/figures/cost.py", "TITLE =", "EDITED = 1\nTITLE =")
    assert set(planned_jobs(finished.snakemake(*SMOKE, "--dry-run").stdout)) == {"default", "plot", "report"}


def test_a_changed_config_trains_what_it_changes(finished, shards):
    finished.edit("config/smoke.yaml", "seeds: 2", "seeds: 3")  # of the first study
    edited = grid.shards(load(finished.folder / "config" / "smoke.yaml"))
    dry = finished.snakemake(*SMOKE, "--dry-run").stdout
    assert planned_shards(dry) == {shard.id for shard in edited if shard not in shards}


def test_the_longest_jobs_start_first(smoke, shards):
    first_two = " ".join(shell_lines(smoke.printed, "train")[:2])  # one for each core
    able = [shard for shard in shards if not shard.needs]
    assert all(shard.to_json() in first_two for shard in able[:2])


def test_one_claim_is_judged_with_the_jobs_that_it_rests_on_and_no_others(finished, shards):
    page = "results/smoke/verdicts/plain_gradients_vanish.html"
    for shard in shards:
        (finished.folder / f"results/smoke/rows/{shard.id}.parquet").unlink()
    dry = finished.snakemake(page, *SMOKE, "--dry-run").stdout
    assert planned_shards(dry) == {"initialisation.adding.elman.h8.t30"}
    finished.snakemake(page, *SMOKE)
    text = (finished.folder / page).read_text()
    assert text.count('<section class="claim"') == 1
    assert "Gradients of a plain recurrent network vanish with the lag" in text


def test_a_claim_that_is_not_there_is_one_line_with_those_that_are(finished):
    done = finished.snakemake("results/smoke/verdicts/gradient_bond.html", *SMOKE, check=False)
    assert done.returncode == 1
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("config/claims.yaml: no claim 'gradient_bond'; did you mean 'gradient_bound'?")
    assert "chaos_above_gain_one" in last
    assert "Traceback" not in done.stdout


def test_snakemake_writes_its_own_report(smoke):
    smoke.snakemake(*SMOKE, "--report", "report.zip")
    assert (smoke.folder / "report.zip").stat().st_size > 10_000


def test_a_wrong_config_is_told_line_by_line_and_leaves_no_file(tmp_path):
    copy = fresh(tmp_path)
    copy.edit("config/config.yaml", "elman: {}", "elmann: {}")
    before = set(copy.files("**/*"))
    done = copy.snakemake(check=False)
    assert done.returncode == 1
    assert "no architecture 'elmann'; did you mean 'elman'?" in done.stdout
    assert "Traceback" not in done.stdout
    assert {name for name in set(copy.files("**/*")) - before if not is_a_cache(name)} == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--config", "seeds=9"), "--config seeds=9: has no effect here"),
        (("--configfile", "config/smoke.yaml", "config/paper.yaml"), "files are never merged; give one"),
    ],
)
def test_a_config_that_the_commands_would_not_see_is_refused(tmp_path, arguments, said):
    done = fresh(tmp_path).snakemake("--dry-run", *arguments, check=False)
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("name", ["config.yaml", "smoke.yaml", "paper.yaml"])
def test_every_shipped_config_dry_runs(tmp_path, name):
    planned = grid.shards(load(f"config/{name}"))
    dry = fresh(tmp_path).snakemake("--dry-run", "--quiet", "rules", "--configfile", f"config/{name}").stdout
    assert planned_jobs(dry)["train"] == len(planned)


def is_a_cache(name: str) -> bool:
    """Snakemake's own notes, and bytecode."""
    return name.startswith(".snakemake/") or "__pycache__" in name
