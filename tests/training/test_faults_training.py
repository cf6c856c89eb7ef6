"""Damage done to a training: whatever happens to it, the rows at the end are those of an undisturbed one."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from rnnlimits import rows
from rnnlimits.planning import progress, provenance
from rnnlimits.planning.shard import Shard
from rnnlimits.training import checkpoints
from rnnlimits.training import progress as watched
from rnnlimits.training.module import ReplicaTraining
from support.forked_job import ForkedJob
from support.small_disk import mounted
from support.small_shards import BUDGET, a_shard

LANGUAGE = {"task_options": {"corpus": "python_reference", "characters": 4000, "embedding": 4}}
SHORT = BUDGET | {"updates": 40}
SHARDS = {
    # One rate makes every replica diverge, one improves nothing, so that patience stops it.
    "some stop early": a_shard(
        architecture_options={"nonlinearity": "relu"}, learning_rates=[1e30, 1e-30, 1e-2],
        budget=SHORT | {"patience": 2, "patience_from": 0, "probe_at": 0.4},
        probes={"gradient_reach": {"sequences": 4}},
    ),
    "carries its state on": a_shard(
        "lstm", "character_language_model", 20, budget=SHORT | {"dropout": 0.3}, **LANGUAGE,
    ),
    "folds of images": a_shard(
        "gru", "sequential_digits", 64, kind="cross_validation", folds=3,
        budget=SHORT | {"optimiser": "rmsprop"},
    ),
    "a rate that halves": a_shard(
        learning_rates=[0.3, 1e-30], budget=SHORT | {"schedule": "halve_on_plateau", "plateau": 1},
    ),
    "a rate that rises and falls": a_shard(
        budget=SHORT | {"schedule": "cosine", "warmup": 12, "optimiser": "sgd", "clip_value": 0.01},
    ),
    "online updates, regularised, of a rate that decays": a_shard(
        budget=SHORT | {
            "batch_size": 1, "optimiser": "sgd", "clip_norm": None, "schedule": "step_decay",
            "decay_every": 13, "gradient_norm_penalty": 2.0, "not_finite": "shrink",
        },
    ),
    "in groups": a_shard("temporal_convolution", learning_rates=[1e-2, 1e-3], budget=SHORT),
}  # fmt: skip
LONG = a_shard("gru", length=60, budget=BUDGET | {"updates": 600, "validate_every": 50})


class Job:
    """One shard, in a folder of its own, run again and again."""

    def __init__(self, folder: Path, shard: Shard, every_s: float = 1000, **options: object):
        self.folder = folder
        self.shard = shard
        self.out = folder / "rows" / f"{shard.id}.parquet"
        self.checkpoint = folder / "checkpoints" / f"{shard.id}.checkpoint"
        self.log = folder / "log"
        more = [
            text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))
        ]
        self.arguments = [
            "train", "--spec", shard.to_json(), "--out", str(self.out), "--checkpoint-every", str(every_s),
            "--checkpoints", str(self.checkpoint.parent), *more,
        ]  # fmt: skip

    def start(self, before=lambda: None) -> ForkedJob:
        self.folder.mkdir(exist_ok=True)
        return ForkedJob(self.arguments, self.log, before)

    def run(self, before=lambda: None) -> int:
        return self.start(before).wait()

    @property
    def said(self) -> str:
        """What it said beside how far it was."""
        lines = self.log.read_text().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(("training: update ", "told to end; ")))

    @property
    def digest(self) -> str:
        return rows.content_digest(self.out)

    def check_equal_to(self, undisturbed: "Job") -> None:
        """Same rows, and nothing left over."""
        assert self.digest == undisturbed.digest
        assert not list(self.checkpoint.parent.iterdir())
        assert "Traceback" not in self.said


def undisturbed(folder: Path, shard: Shard, **options: object) -> Job:
    job = Job(folder, shard, **options)
    assert job.run() == 0, job.said
    return job


def resumed_from(job: Job) -> list[int]:
    (facts,) = rows.read_provenance(job.out)["shards"].values()
    assert facts["seconds_before"] < facts["seconds_training"] < facts["seconds_total"]
    return facts["resumed_from_updates"]


def terminated_after(steps: int, number: signal.Signals = signal.SIGTERM):
    """The job gets a SIGTERM in its so-and-so-many-th step, as of a scheduler; or what a Ctrl-C sends."""

    def prepare() -> None:
        whole, taken = ReplicaTraining.training_step, []

        def step(self, batch):
            taken.append(batch)
            if len(taken) == steps:
                os.kill(os.getpid(), number)
            return whole(self, batch)

        ReplicaTraining.training_step = step

    return prepare


@pytest.mark.parametrize("name", SHARDS)
def test_a_training_told_to_end_every_few_steps_ends_with_the_same_rows(tmp_path, name):
    shard, options = SHARDS[name], {"memory_mb": 1} if name == "in groups" else {}
    job = Job(tmp_path / "disturbed", shard, **options)
    told = 0
    while (code := job.run(terminated_after(25 if options else 9))) != 0:
        assert code == 128 + signal.SIGTERM
        assert not job.out.exists()
        told += 1
    assert told >= 3
    assert len(resumed_from(job)) == told
    job.check_equal_to(undisturbed(tmp_path / "undisturbed", shard, **options))


def test_two_short_starts_ended_by_ctrl_c_lose_no_update(tmp_path):
    job = Job(tmp_path / "disturbed", SHARDS["carries its state on"])
    for _ in range(2):
        assert job.run(terminated_after(9, signal.SIGINT)) == 128 + signal.SIGTERM
    assert job.run() == 0, job.said
    assert resumed_from(job) == [9, 18]
    assert "told to end; saved after update 9\n" in job.log.read_text()
    assert f"training: update 9 of {job.shard.updates}, 0 of " in job.log.read_text()
    job.check_equal_to(undisturbed(tmp_path / "undisturbed", job.shard))


def test_a_training_says_in_a_file_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "FILE_EVERY_S", 0.0)
    job = Job(tmp_path / "disturbed", SHARDS["in groups"], memory_mb=1)
    job.run(terminated_after(25))
    said = progress.read(job.checkpoint.with_suffix(".progress"))
    # Each replica is a group of its own here, and the first of them is at work.
    assert (said.updates, said.replicas) == (job.shard.updates, job.shard.replicas)
    assert said.update == 24, "the update at work is not counted"
    assert said.share == pytest.approx(24 / job.shard.updates / job.shard.replicas)
    assert said.whole_s > 0


def test_a_training_killed_at_twenty_random_moments_ends_with_the_same_rows(tmp_path):
    started = time.monotonic()
    whole = undisturbed(tmp_path / "undisturbed", LONG, every_s=0.02)
    duration_s = time.monotonic() - started
    moments, killed, resumed, ended = random.Random(4), 0, 0, 0
    job = Job(tmp_path / "disturbed", LONG, every_s=0.02)
    while killed < 20:
        running = job.start()
        time.sleep(moments.uniform(0, 0.7 * duration_s))
        if running.kill() == 0:  # it was quicker
            ended += 1
            resumed += len(resumed_from(job))
            job.check_equal_to(whole)
            job.out.unlink()
        else:
            killed += 1
    assert job.run() == 0, job.said
    job.check_equal_to(whole)
    assert resumed + len(resumed_from(job)) >= 5


@pytest.mark.parametrize("moment", ["half of it is written", "it is not yet renamed"])
def test_a_training_killed_while_it_writes_a_checkpoint_goes_on_from_the_one_before(tmp_path, moment):
    job = Job(tmp_path / "disturbed", SHARDS["carries its state on"], every_s=0.000001)
    reached = tmp_path / "reached"

    def stop_in_the_second() -> None:
        write, sync, written = checkpoints.write, os.fsync, []

        def stop(number: int) -> None:
            if moment == "half of it is written":
                os.truncate(f"/proc/self/fd/{number}", os.fstat(number).st_size // 2)
            sync(number)
            reached.touch()
            signal.pause()

        def counted(*arguments) -> None:
            written.append(1)
            if len(written) == 2:
                os.fsync = stop
            write(*arguments)

        checkpoints.write = counted

    running = job.start(stop_in_the_second)
    while not reached.exists():
        time.sleep(0.01)
    assert running.kill() == -signal.SIGKILL
    assert len(list(job.checkpoint.parent.glob("*.checkpoint*"))) == 2
    assert job.run() == 0, job.said
    assert resumed_from(job) == [1]
    job.check_equal_to(undisturbed(tmp_path / "undisturbed", job.shard))


@pytest.fixture
def interrupted(tmp_path) -> Job:
    job = Job(tmp_path / "disturbed", SHARDS["carries its state on"])
    assert job.run(terminated_after(9)) == 128 + signal.SIGTERM
    return job


def damage(job: Job, how: str) -> None:
    content = job.checkpoint.read_bytes()
    middle = len(content) // 2
    if how == "truncated":
        job.checkpoint.write_bytes(content[:middle])
    else:
        job.checkpoint.write_bytes(content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :])


@pytest.mark.parametrize("how", ["truncated", "a bit flipped"])
def test_a_damaged_checkpoint_is_told_and_the_training_starts_anew(tmp_path, interrupted, how):
    damage(interrupted, how)
    assert interrupted.run() == 0
    assert (
        interrupted.said
        == f"{interrupted.checkpoint}: damaged (its sha256 is another); training starts anew\n"
    )
    assert resumed_from(interrupted) == []
    interrupted.check_equal_to(undisturbed(tmp_path / "undisturbed", interrupted.shard))


def test_the_checkpoint_of_another_spec_is_refused(tmp_path, interrupted):
    other = Job(
        interrupted.folder, a_shard("lstm", "character_language_model", 20, budget=BUDGET, **LANGUAGE)
    )
    assert other.checkpoint == interrupted.checkpoint
    assert other.run() == 0
    assert "made for another job (spec " in other.said
    other.check_equal_to(undisturbed(tmp_path / "undisturbed", other.shard))


def test_the_checkpoint_of_other_code_is_refused(tmp_path, interrupted):
    def edit() -> None:
        provenance.fingerprint = lambda shard: "another"

    assert interrupted.run(edit) == 0
    assert "made for another job (code " in interrupted.said
    assert "now another); training starts anew" in interrupted.said
    interrupted.check_equal_to(undisturbed(tmp_path / "undisturbed", interrupted.shard))


@pytest.mark.parametrize("how", ["restart", "refuse"])
def test_a_training_does_not_go_on_where_numbers_are_rounded_differently(tmp_path, interrupted, how):
    """Half of the updates from each of two machines would be the rows of neither."""

    def elsewhere() -> None:
        os.environ["RNNLIMITS_BACKEND"] = "torch"

    interrupted.arguments += ["--checkpoint-elsewhere", how]
    before = interrupted.checkpoint.read_bytes()
    code = interrupted.run(elsewhere)
    told = f"{interrupted.checkpoint}: made where numbers are rounded differently ("
    assert interrupted.said.startswith(told)
    assert interrupted.said.count("\n") == 1
    if how == "refuse":
        assert code == 1
        assert interrupted.checkpoint.read_bytes() == before
        assert interrupted.run() == 0
        assert resumed_from(interrupted)
    else:
        assert code == 0
        assert resumed_from(interrupted) == []
        (facts,) = rows.read_provenance(interrupted.out)["shards"].values()
        assert facts["arithmetic"]["loops"] == "torch"
        whole = Job(tmp_path / "undisturbed", interrupted.shard)
        assert whole.run(elsewhere) == 0
        interrupted.check_equal_to(whole)


def test_a_full_disk_costs_the_checkpoints_and_not_the_training(tmp_path):
    whole = undisturbed(tmp_path / "undisturbed", SHARDS["carries its state on"])
    with mounted(tmp_path / "disk", size="8k") as disk:
        job = Job(tmp_path / "disturbed", whole.shard, every_s=0.001, checkpoints=disk)
        assert job.run() == 0
        assert not list(disk.iterdir())
    path = tmp_path / "disk" / job.checkpoint.name
    assert job.said.startswith(f"{path}: cannot be written: No space left on device")
    assert job.said.endswith("; training goes on without this checkpoint\n")
    assert job.said.count("\n") == 1
    assert job.digest == whole.digest


def test_no_checkpoint_is_written_where_none_is_wanted(tmp_path):
    job = Job(tmp_path / "disturbed", SHARDS["carries its state on"], every_s=0)
    assert job.run(terminated_after(9)) == 128 + signal.SIGTERM
    assert not job.checkpoint.exists()
