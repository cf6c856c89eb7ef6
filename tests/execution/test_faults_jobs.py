"""One job goes wrong: what it leaves, what it says, and what the next one does."""

import dataclasses
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from rnnlimits import rows
from rnnlimits.execution import out_of_memory
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from support.repository_copy import ROOT
from support.small_shards import a_job, budgeted

SHARDS = grid.shards(load(ROOT / "config" / "smoke.yaml"))
SIMULATION = next(shard for shard in SHARDS if shard.study == "random_guessing")
TRAINED = next(shard for shard in SHARDS if shard.variant == "gru" and shard.updates)
ADDING = next(shard for shard in SHARDS if shard.task_page == "adding" and shard.updates)
HOLD = "import sys; from rnnlimits.rows import only_writer\nwith only_writer(sys.argv[1]): print(); input()"


def start(shard: Shard, out: Path, *more: str, limit: int | None = None, **variables: str):
    line = [sys.executable, "-m", "rnnlimits.cli", "train", "--spec", shard.to_json(), "--out", str(out)]
    return subprocess.Popen(
        [*line, *more],
        env=os.environ | variables,
        stdout=PIPE,
        stderr=PIPE,
        text=True,
        preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))),
    )


def train(*arguments, **options) -> tuple[int, str]:
    job = start(*arguments, **options)
    said = job.communicate()[1]
    return job.returncode, said


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """What the job writes when nothing disturbs it."""
    out = tmp_path_factory.mktemp("done") / "shard.parquet"
    assert train(SIMULATION, out) == (0, "")
    return out


def waiting(out: Path) -> subprocess.Popen:
    """A second job for a shard whose first is still alive, when it has said that it waits."""
    second = start(SIMULATION, out)
    said = second.stderr.readline()
    assert said.startswith(f"{out}: process ")
    assert said.endswith(", is writing it; waiting for its end\n")
    return second


def test_a_second_job_takes_what_the_first_has_written_meanwhile(tmp_path, done):
    out = tmp_path / "shard.parquet"
    with rows.only_writer(out):
        second = waiting(out)
        shutil.copy(done, out)
        before = out.stat().st_mtime_ns, out.stat().st_ino
    assert second.communicate()[1] == f"{out}: the other process has written it; nothing is left to do\n"
    assert second.returncode == 0
    assert (out.stat().st_mtime_ns, out.stat().st_ino) == before
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("key", ["config_hash", "code_fingerprint", None])
def test_a_second_job_does_its_work_where_the_first_wrote_something_else(tmp_path, done, key):
    out = tmp_path / "shard.parquet"
    facts = rows.read_provenance(done)["shards"][SIMULATION.id]
    if key is None:  # it was there before, and the first has written nothing
        rows.write([], facts, out, SIMULATION.id)
    with rows.only_writer(out):
        second = waiting(out)
        if key:
            rows.write([], facts | {key: "another"}, out, SIMULATION.id)
    assert second.communicate() == ("", "")
    assert second.returncode == 0
    assert rows.content_digest(out) == rows.content_digest(done)


def test_a_second_job_goes_on_where_the_first_is_killed(tmp_path, done):
    out = tmp_path / "shard.parquet"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(out)], stdin=PIPE, stdout=PIPE)
    first.stdout.readline()
    second = waiting(out)
    first.kill()
    first.communicate()
    assert second.communicate() == ("", "")
    assert rows.content_digest(out) == rows.content_digest(done)
    assert list(tmp_path.iterdir()) == [out], "the lock of the killed one is gone, too"


def test_a_job_without_enough_memory_says_what_it_needs_and_what_to_set(tmp_path):
    pytest.importorskip("torch")
    large = dataclasses.replace(TRAINED, hidden_size=64, probes={})
    large = budgeted(large, updates=2, batch_size=200_000, validate_every=1)
    out = tmp_path / "rows" / "shard.parquet"
    code, said = train(large, out, limit=3 * 2**30, RNNLIMITS_BACKEND="torch")
    *before, last = said.splitlines()
    assert code == 1
    assert last.startswith(f"{large.id}: out of memory (")
    assert "; one replica alone was estimated at " in last
    assert "set a smaller `batch_size`" in last
    told = [line for line in before if not line.startswith("training: update ")]
    assert all("needs about" in line for line in told), said
    assert list(out.parent.iterdir()) == []


def test_what_fits_in_groups_only_is_told_so():
    shard = dataclasses.replace(TRAINED, seeds=9)
    with (
        pytest.raises(
            MemoryError, match=r"replicas at once were estimated at \d+ MB; set a smaller `memory_"
        ),
        out_of_memory.told(a_job(shard, memory_mb=100_000)),
    ):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB.\nSee documentation")
    with pytest.raises(RuntimeError, match="shapes"), out_of_memory.told(a_job(shard)):
        raise RuntimeError("shapes do not fit")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_that_is_killed_leaves_nothing_that_the_next_one_stumbles_over(tmp_path, done, number):
    out = tmp_path / "shard.parquet"
    with rows.only_writer(out):  # so that it is surely not at its end
        job = waiting(out)
        job.send_signal(number)
        assert job.wait() == -number
    assert list(tmp_path.iterdir()) == []
    assert train(SIMULATION, out) == (0, "")
    assert rows.content_digest(out) == rows.content_digest(done)


def test_a_replica_that_diverges_at_its_first_step_is_a_row_and_spoils_no_other(tmp_path):
    pytest.importorskip("torch")
    shard = dataclasses.replace(ADDING, learning_rates=[0.01, 1e30], seeds=2, probes={})
    shard = budgeted(shard, updates=4, validate_every=2, patience=None)
    code, said = train(shard, tmp_path / "shard.parquet", RNNLIMITS_BACKEND="torch")
    assert code == 0, said
    found = rows.read(tmp_path / "shard.parquet")
    wild = [row for row in found if row.learning_rate == 1e30]
    assert {(row.seed, row.status) for row in wild} == {(0, "diverged"), (1, "diverged")}
    read = [row for row in wild if row.stage == "training" and row.update > 0]
    assert [row.value for row in read] == [None] * len(read)
    tame = [row for row in found if row.learning_rate == 0.01]
    assert {row.status for row in tame} == {"out_of_updates"}
    assert {row.update for row in tame if row.stage == "training"} == {0, 2, 4}
    (chosen,) = {row.learning_rate for row in found if row.split == "test"}
    assert chosen == 0.01


def test_a_job_that_finds_no_gpu_says_so_in_one_line(tmp_path):
    pytest.importorskip("torch")
    code, said = train(TRAINED, tmp_path / "shard.parquet", "--device", "cuda", CUDA_VISIBLE_DEVICES="")
    assert (code, len(said.splitlines())) == (1, 1)
    assert said.startswith(
        "device: cuda was asked for and this machine offers no CUDA device; use device: cpu"
    )
    assert list(tmp_path.iterdir()) == []
