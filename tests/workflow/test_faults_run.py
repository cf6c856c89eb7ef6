"""The whole run is disturbed: the same command again ends with what an undisturbed run gives."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from rnnlimits import rows
from rnnlimits.execution import run_lock
from rnnlimits.storage import locks
from support.repository_copy import Copy, fresh
from support.small_disk import mounted, read_only

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there are no locks that end with their process"),
    pytest.mark.xdist_group("faults of a run"),
]
CONFIG = """
name: tiny
results: results/tiny
studies:
  short:
    title: A run to disturb
    kind: training
    tasks: {adding: {}}
    architectures: {elman: {}, gru: {}}
    lengths: [6, 8]
    hidden_sizes: [4]
    seeds: 2
    learning_rates: [0.01]
    budget: {updates: 60, batch_size: 8, validate_every: 20, validation_sequences: 8, test_sequences: 8}
"""
TINY = ("--configfile", "config/tiny.yaml")
SHARDS = 4
WAIT_S = 300  # for what takes seconds on an idle machine


@pytest.fixture(scope="module", autouse=True)
def without_compiling():
    """Each copy of the package would compile its loops anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLIMITS_BACKEND", "torch")
        yield


def copy(folder: Path) -> Copy:
    made = fresh(folder)
    (made.folder / "config" / "tiny.yaml").write_text(CONFIG)
    return made


def start(run: Copy, *arguments: str, own_group: bool = False) -> subprocess.Popen:
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(run.folder / "src"),
    }
    command = ["snakemake", "--cores", "2", *TINY, *arguments]
    return subprocess.Popen(
        command, cwd=run.folder, env=environment, text=True, stdout=PIPE, stderr=STDOUT,
        start_new_session=own_group,
    )  # fmt: skip


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def finished(run: Copy) -> dict[str, tuple[int, bytes]]:
    """The rows files that are there, by name: when they were written, and what is in them."""
    paths = sorted(run.folder.glob("results/tiny/rows/*.parquet"))
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def content(run: Copy) -> dict[str, object]:
    """What must not differ between two runs."""
    tables = {**run.files("results/tiny/tables/*.csv"), **run.files("results/tiny/claims.csv")}
    digests = {
        path.name: rows.content_digest(path) for path in run.folder.glob("results/tiny/rows/*.parquet")
    }
    del tables["results/tiny/tables/timings.csv"]
    return digests | tables


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Copy, list[tuple[int, str]]]:
    """Two runs started at once in one folder, and how each of them ended."""
    run = copy(tmp_path_factory.mktemp("both"))
    jobs = [start(run), start(run)]
    said = [job.communicate()[0] for job in jobs]
    return run, sorted((job.returncode, text) for job, text in zip(jobs, said))


def test_of_two_runs_at_once_one_does_the_work_and_the_other_says_who(both):
    run, ((code, _), (refused, said)) = both
    assert (code, refused) == (0, 1)
    *_, line = said.strip().splitlines()
    assert line.startswith("results/tiny: another run (process ")
    assert "Traceback" not in said
    assert (run.folder / "results" / "tiny" / "report.html").is_file()
    assert len(finished(run)) == SHARDS
    left = [name for name in run.files("results/**/*") if ".lock" in name or ".part" in name]
    assert left == []


def test_a_run_beside_another_touches_no_file(tmp_path):
    run = copy(tmp_path)
    path = run.folder / "results" / "tiny" / run_lock.NAME
    lock = locks.take(path)
    before = run.files("results/**/*")
    done = run.snakemake(*TINY, check=False)
    assert done.returncode == 1
    *_, last = done.stdout.strip().splitlines()
    assert (
        last == f"results/tiny: another run ({locks.holder(path)}) works here; wait for its end, or stop it"
    )
    assert "Traceback" not in done.stdout
    assert run.files("results/**/*") == before
    assert run.snakemake(*TINY, "--dry-run", "--quiet").returncode == 0, "who only looks is let in"
    locks.let_go(path, lock)


def test_a_run_that_was_planned_beside_another_is_not_begun(tmp_path):
    first = locks.take(tmp_path / run_lock.NAME)
    second = run_lock.RunLock(tmp_path)
    with pytest.raises(SystemExit, match="works here; wait for its end, or stop it"):
        second.take()
    locks.let_go(tmp_path / run_lock.NAME, first)
    with pytest.raises(SystemExit, match="was still at work when this run was planned; start it again"):
        second.take()
    assert list(tmp_path.iterdir()) == []


def test_snakemake_killed_at_any_moment_goes_on_with_the_same_command(both, tmp_path):
    """Killed with its jobs alive, again and again, each time further on."""
    run, kept = copy(tmp_path), {}
    table = run.folder / "results" / "tiny" / "tables" / "replicas.csv"
    moments = [lambda: held(run), lambda: len(finished(run)) >= 2, table.is_file]
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    for moment in moments:
        snakemake = start(run)
        until(lambda: moment() or snakemake.poll() is not None)  # noqa: B023
        time.sleep(chance.random())
        noted = {name: was for name, was in finished(run).items() if name in noted_as_finished(run)}
        snakemake.send_signal(signal.SIGKILL)
        said = snakemake.communicate()[0]
        assert "unlock" not in said.lower(), seed
        kept |= noted
    last = run.snakemake(*TINY)
    assert "unlock" not in last.stdout.lower()
    there = finished(run)
    assert {name: there[name] for name in kept} == kept, f"seed {seed}: a finished file was written again"
    assert content(run) == content(both[0]), seed
    until(lambda: not [name for name in run.files("results/**/*") if name.endswith((".lock", ".part"))])
    assert "Nothing to be done" in run.snakemake(*TINY).stdout


def test_ctrl_c_saves_what_was_learned_and_the_same_command_goes_on(tmp_path):
    run = copy(tmp_path)
    run.edit("config/tiny.yaml", "updates: 60", "updates: 100000")
    run.edit("config/tiny.yaml", "lengths: [6, 8]", "lengths: [6]")
    run.edit(
        "config/tiny.yaml", "[0.01]", "[1.0e-9]"
    )  # or it solves the task, and is done, before the Ctrl-C
    checkpoints = run.folder / "results" / "tiny" / "checkpoints"

    def learning() -> bool:
        return len(list(checkpoints.glob("*.progress"))) == 2

    first = interrupted(run, learning)
    assert first.splitlines()[-1] == (
        "stopping: what is being trained is saved; the same command goes on from there"
    )
    assert len(list(checkpoints.glob("*.checkpoint"))) == 2
    for told in checkpoints.glob("*.progress"):
        told.unlink()
    again = interrupted(run, learning)
    assert "goes on: 0 of 2 jobs are done, 2 left, " in again
    assert "; 2 trainings from a checkpoint\n" in again


def interrupted(run: Copy, moment: Callable[[], bool]) -> str:
    """What a run said that got a Ctrl-C soon after this moment: on a terminal it reaches the jobs, too."""
    snakemake = start(run, own_group=True)
    until(lambda: moment() or snakemake.poll() is not None)
    time.sleep(0.5)
    os.killpg(snakemake.pid, signal.SIGINT)
    said = snakemake.communicate()[0]
    assert snakemake.returncode == 1
    assert "Traceback" not in said
    assert "{" not in said, "no JSON"
    return said


def held(run: Copy) -> bool:
    return locks.is_held(run.folder / "results" / "tiny" / run_lock.NAME)


def noted_as_finished(run: Copy) -> set[str]:
    """The rows files that Snakemake has noted as complete."""
    from base64 import b64decode

    notes = run.folder / ".snakemake"
    incomplete = {path.name for path in (notes / "incomplete").glob("*")}
    complete = {path.name for path in (notes / "metadata").glob("*")} - incomplete
    return {Path(b64decode(name).decode()).name for name in complete}


def test_a_damaged_rows_file_is_trained_again_by_the_next_run_alone(both, tmp_path):
    run = both[0]
    before, right = finished(run), content(run)
    damaged = run.folder / "results" / "tiny" / "rows" / sorted(before)[1]
    damaged.write_bytes(damaged.read_bytes()[:-50])
    first = run.snakemake(*TINY, check=False)
    assert first.returncode == 1
    assert f"{damaged.name}: damaged: " in first.stdout
    assert "Traceback" not in first.stdout
    run.snakemake(*TINY)
    assert content(run) == right
    after = finished(run)
    assert {name for name in after if after[name] != before[name]} == {damaged.name}
    assert not list(damaged.parent.glob("*.damaged"))


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("src/rnnlimits/training/protocol.py", "started_s = ", "edited = started_s = ", "{file}"),
        ("src/rnnlimits/analysis/tables/training.py", '"""', '"""Edited. ', "{file}"),
        ("config/tiny.yaml", "seeds: 2", "seeds: 3", "the config"),
    ],
)
def test_what_is_edited_under_a_run_and_put_back_leaves_no_other_number(
    both, tmp_path, file, old, new, named
):
    run = copy(tmp_path)
    path, said = run.folder / file, f"{named.format(file=file)}: edited after this run was planned (got "
    text, was = path.read_text(), path.stat()
    snakemake = start(run)
    until(lambda: held(run))  # it has planned, and no job has begun
    run.edit(file, old, new)
    printed = snakemake.communicate()[0]
    assert snakemake.returncode == 1
    assert said in printed
    assert "Traceback" not in printed
    path.write_text(text)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    run.snakemake(*TINY)
    assert content(run) == content(both[0])
    assert "Nothing to be done" in run.snakemake(*TINY).stdout


def test_a_read_only_results_folder_is_told_before_any_job(tmp_path):
    run = copy(tmp_path / "copy")
    (run.folder / "results").mkdir()
    with mounted(run.folder / "results" / "tiny") as disk, read_only(disk):
        done = run.snakemake(*TINY, check=False)
    assert done.returncode == 1
    *_, last = done.stdout.strip().splitlines()
    assert last.startswith(
        "results/tiny/.run.lock: cannot be written: Read-only file system; make the folder"
    )
    assert "Traceback" not in done.stdout
    assert "rule train" not in done.stdout


def test_notes_of_snakemake_that_cannot_be_written_are_told_in_one_line(tmp_path):
    run = copy(tmp_path / "copy")
    with mounted(run.folder / ".snakemake") as disk, read_only(disk):
        done = run.snakemake(*TINY, check=False)
    assert done.returncode == 1
    *_, last = done.stdout.strip().splitlines()
    assert last.startswith(
        f"{run.folder}/.snakemake: cannot be written: Read-only file system; Snakemake keeps"
    )
    assert "Traceback" not in done.stdout


def test_a_clone_in_a_folder_with_braces_is_told_in_one_line(tmp_path):
    run = copy(tmp_path / "a{b}c")
    done = run.snakemake(*TINY, check=False)
    assert done.returncode == 1
    *_, last = done.stdout.strip().splitlines()
    assert last.startswith(
        f"{run.folder}: got a folder with a brace in its name, which Snakemake takes for a "
    )
    assert "Traceback" not in done.stdout


def test_a_gpu_that_is_not_there_is_told_before_any_job(tmp_path, monkeypatch):
    run = copy(tmp_path)
    run.edit("config/tiny.yaml", "name: tiny", "name: tiny\ndevice: cuda")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = run.snakemake(*TINY, check=False)
    assert done.returncode == 1
    *_, last = done.stdout.strip().splitlines()
    assert last.startswith("device: cuda: this machine offers no GPU; set `device: cpu` in the config")
    assert "Traceback" not in done.stdout
    assert "rule train" not in done.stdout
    assert run.files("results/**/*") == {}
