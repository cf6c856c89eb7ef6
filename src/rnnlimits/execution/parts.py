"""A part of a shard at work, and the job that joins the parts to the rows of the whole shard.

A part leaves what a checkpoint holds of replicas that are done: their best weights, their curves, how each
ended.  Joined, the parts are the checkpoint of the whole shard's job with nothing left to train.  That job
goes on from it as from any checkpoint: it chooses the learning rate over all seeds, reads test, probes and
writes.  So rows are made in one place, whether a shard was split or not.
"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlimits.planning import machine, origin, provenance
from rnnlimits.planning.job import Job
from rnnlimits.planning.parts import in_words
from rnnlimits.storage.integrity import DamagedError

if TYPE_CHECKING:
    from rnnlimits.rows import Row
    from rnnlimits.training.build import Setup
    from rnnlimits.training.checkpoints import State

# Of a part's facts, what the joined rows keep.
KEPT = (
    "host", "slurm_job", "slurm_node", "device", "started", "seconds_total", "seconds_import",
    "seconds_training", "peak_memory_mb", "groups", "resumed_from_updates",
)  # fmt: skip


def train(job: Job, started_s: float) -> None:
    """Train the seeds `job.seeds` of a shard at all its learning rates; `job.out` gets what that leaves."""
    assert job.seeds, "a part has seeds"
    from rnnlimits.training import checkpoints, device, protocol
    from rnnlimits.training.build import set_up
    from rnnlimits.training.clock import Clock

    imported_s = time.monotonic() - started_s
    clock = Clock("import", "training", "probing", "evaluation")
    code = provenance.fingerprint(job.shard)
    device.prepare(job.device, job.tf32)
    whole = set_up(job.shard)
    # Memory and groups are those of so many seeds; the models of the others cost next to nothing.
    shard = dataclasses.replace(whole.shard, seeds=len(job.seeds))
    tasks = {seed: whole.tasks[seed] for seed in job.seeds}
    setup = dataclasses.replace(whole, shard=shard, tasks=tasks)
    trained = protocol.train(job, setup, code, clock)
    facts = origin.collect(job.shard, job.device) | protocol.facts_of(job, setup, trained, clock)
    facts["seconds_import"] += imported_s
    facts["seconds_total"] = facts["seconds_before"] + time.monotonic() - started_s
    left = {
        "done": facts["updates_run"],
        "replicas": [dict(vars(replica)) for replica in trained.replicas],
        "readings": [dataclasses.astuple(reading) for reading in trained.readings],
        "facts": {"seeds": in_words(job.seeds)} | {name: facts[name] for name in KEPT if name in facts},
    }
    checkpoints.write(job.out, left, made_for(job, whole, code))


def is_done(job: Job) -> bool:
    """Is `job.out` what this part would leave?"""
    from rnnlimits.training import device
    from rnnlimits.training.build import set_up
    from rnnlimits.training.checkpoints import RefusedError, load

    device.prepare(job.device, job.tf32)
    try:
        load(job.out, made_for(job, set_up(job.shard), provenance.fingerprint(job.shard)))
    except (RefusedError, OSError):
        return False
    return True


def join(job: Job) -> tuple[list["Row"], dict[str, Any]]:
    """The rows and the facts of a whole shard, of the files `job.parts`."""
    from rnnlimits.training import device, protocol
    from rnnlimits.training.build import set_up

    device.prepare(job.device, job.tf32)
    setup, code = set_up(job.shard), provenance.fingerprint(job.shard)
    left = [read(path, made_for(job, setup, code)) for path in job.parts]
    facts = [one["facts"] for one in left]
    job = joining(job)
    assert job.checkpoint_path
    job.checkpoint_path.unlink(missing_ok=True)  # of a job that was killed while it joined
    try:
        fill(job, setup, code, left)
        found, of_joining = protocol.run(job)
    finally:
        job.checkpoint_path.unlink(missing_ok=True)
    return found, of_joining | together(facts, of_joining)


def joining(job: Job) -> Job:
    """The job that goes on from all parts: what decides its groups of replicas must not change meanwhile."""
    memory_mb = job.memory_mb or (0 if job.on_gpu else machine.memory_of_a_core())
    return dataclasses.replace(
        job, memory_mb=memory_mb, checkpoints=job.parts[0].parent, checkpoint_every_s=60,
        checkpoint_elsewhere="refuse",
    )  # fmt: skip


def made_for(job: Job, setup: "Setup", code: str) -> "State":
    """What a checkpoint of the whole shard is made for, whatever its groups of replicas."""
    from rnnlimits.training import protocol

    checkpoint = protocol.checkpoint_of(
        dataclasses.replace(job, checkpoints=job.out.parent, checkpoint_every_s=60), setup, code, []
    )
    assert checkpoint
    return {name: value for name, value in checkpoint.made_for.items() if name != "groups"}


def read(path: Path, made_for: "State") -> "State":
    """What a part has left; a DamagedError where that is of no use, so that the part is trained again."""
    from rnnlimits.training.checkpoints import ElsewhereError, RefusedError, load

    try:
        return load(path, made_for)
    except ElsewhereError as error:
        remedy = "join it where it was trained, or remove it, and start the run again"
        raise ValueError(f"{path}: {error}; {remedy}") from error
    except RefusedError as error:
        raise DamagedError(path, str(error)) from error


def fill(job: Job, setup: "Setup", code: str, left: Sequence["State"]) -> None:
    """Write the checkpoint of the whole shard's job: every replica in its place, with no updates left."""
    from rnnlimits.training import checkpoints, groups, protocol

    sizes = groups.sizes_that_fit(setup.shard, job)
    whole = protocol.checkpoint_of(job, setup, code, sizes)
    assert whole
    assert job.checkpoint_path
    replicas, readings = by_replica(left)
    order = [(rate, seed) for rate in setup.shard.learning_rates for seed in setup.tasks]
    if sorted(order) != sorted(replicas) or len(order) != sum(len(one["replicas"]) for one in left):
        names = ", ".join(one["facts"]["seeds"] for one in left)
        raise ValueError(
            f"{job.out}: got parts of the seeds {names}; expected 0-{setup.shard.seeds - 1}, each once"
        )
    for number, size in enumerate(sizes):
        start = sum(sizes[:number])
        mine = order[start : start + size]
        whole.groups[start] = {
            "done": max(one["done"] for one in left),
            "active": [],
            "replicas": [replicas[key] for key in mine],
            "readings": [(place, *rest) for place, key in enumerate(mine) for rest in readings[key]],
        }
    seconds = sum(one["facts"]["seconds_training"] for one in left)
    state = {"groups": whole.groups, "seconds": seconds, "resumed_from_updates": []}
    checkpoints.write(job.checkpoint_path, state, whole.made_for)


def by_replica(left: Sequence["State"]) -> tuple[dict[Any, "State"], dict[Any, list[tuple[Any, ...]]]]:
    """(learning rate, seed) -> what is known of the replica, and its readings without its number."""
    replicas: dict[Any, State] = {}
    readings: dict[Any, list[tuple[Any, ...]]] = {}
    for one in left:
        keys = [(known["learning_rate"], known["seed"]) for known in one["replicas"]]
        replicas |= zip(keys, one["replicas"], strict=True)
        readings |= {key: [] for key in keys}
        for number, *rest in one["readings"]:
            readings[keys[number]].append(tuple(rest))
    return replicas, readings


def together(parts: Sequence[dict[str, Any]], joining: dict[str, Any]) -> dict[str, Any]:
    """The facts of the joined rows that are not the joining job's alone; times are those of one core."""
    return {
        "parts": list(parts),
        "started": min(one["started"] for one in parts),
        "seconds_before": sum(one["seconds_total"] for one in parts),
        "seconds_import": joining["seconds_import"] + sum(one["seconds_import"] for one in parts),
        "peak_memory_mb": max(one["peak_memory_mb"] for one in (*parts, joining)),
        "groups": [size for one in parts for size in one["groups"]],
        "resumed_from_updates": [update for one in parts for update in one["resumed_from_updates"]],
    }
