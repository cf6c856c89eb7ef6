"""Shard ─► rows: build the replicas, train them, choose on validation, read test once, probe.

The order is the protocol: the learning rate is chosen on validation, over all seeds; only the replicas of the
chosen rate are probed after training and read on test, with their best-validation weights.
"""

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from rnnlimits.architectures import kernels
from rnnlimits.planning import machine, memory, origin, provenance
from rnnlimits.planning.job import Job
from rnnlimits.rows import Row
from rnnlimits.rows.selection import Ended, best_learning_rate
from rnnlimits.training import arithmetic, device, groups, kept_weights, probing
from rnnlimits.training.build import Setup, set_up
from rnnlimits.training.checkpoints import Checkpoint, GroupCheckpoint
from rnnlimits.training.clock import Clock
from rnnlimits.training.probing import Probed
from rnnlimits.training.refit import chosen_by_cross_validation
from rnnlimits.training.replica import Reading, Replica
from rnnlimits.training.row_writer import RowWriter
from rnnlimits.training.rule import rule_of

Tested = tuple[Replica, dict[str, float]]  # metric -> value


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the training of all replicas has left; nothing where none was asked for."""

    replicas: list[Replica] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)  # by update, then by replica
    chosen_rate: float = math.nan
    groups: list[int] = field(default_factory=list)  # how many replicas were trained at once
    seconds_before: float = 0.0  # by processes that were killed
    resumed_from_updates: list[int] = field(default_factory=list)  # updates, one for each of those

    @property
    def finalists(self) -> list[Replica]:
        """Those of the chosen learning rate."""
        return [replica for replica in self.replicas if replica.learning_rate == self.chosen_rate]


def run(job: Job) -> tuple[list[Row], dict[str, Any]]:
    """Everything that one job measures: the rows, and the facts of how they came about.

    Where not all replicas fit `job.memory_mb`, they are trained in groups.  A training that was killed goes
    on from what it left at `job.checkpoint_path`; who has written the rows that come back removes that file.
    The weights that are kept are written here, before the rows that name them.
    """
    started_s = time.monotonic()
    code = provenance.fingerprint(job.shard)  # now: a file that is edited from here on has no part in this
    clock = Clock("import", "training", "probing", "evaluation")
    device.prepare(job.runs_on, job.tf32)
    shard = chosen_by_cross_validation(job.shard, job.rows) if job.shard.needs else job.shard
    setup = set_up(shard)
    trained, tested, last, probed = Trained(), [], [], []

    with clock.timed("probing"):
        untrained = probing.untrained(setup)
    if setup.budget.updates:
        trained = train(job, setup, code, clock)
        if not shard.folds:  # a fold is judged on what it holds out; the refit that follows reads test
            with clock.timed("evaluation"):
                tested = read_test(job, setup, trained)
                if setup.budget.test_last_weights:
                    last = read_test(job, setup, trained, last=True)
        with clock.timed("probing"):
            probed = probing.trained(setup, trained.finalists)
    rows = rows_of(setup, untrained, trained, tested, last, probed)
    facts = facts_of(job, setup, trained, clock)
    facts["weights"] = kept_weights.write(job, setup, trained.replicas, trained.chosen_rate)
    facts["seconds_total"] = trained.seconds_before + time.monotonic() - started_s
    return rows, origin.collect(job.shard, job.runs_on) | facts


def train(job: Job, setup: Setup, code: str, clock: Clock) -> Trained:
    """Train all replicas of all learning rates; `code` is the fingerprint of what does so."""
    with clock.timed("import"):
        from rnnlimits.training import trainer

    sizes = groups.sizes_that_fit(setup.shard, job)
    checkpoint = checkpoint_of(job, setup, code, sizes)
    replicas = [Replica(seed, rate) for rate in setup.shard.learning_rates for seed in setup.tasks]
    readings: list[Reading] = []
    with clock.timed("training"):
        for group in groups.grouped(replicas, sizes):
            own = GroupCheckpoint(checkpoint, group.start) if checkpoint else None
            readings += trainer.train(job, setup, group, own)
    readings.sort(key=lambda reading: (reading.update, reading.replica))  # as if they had been one group
    return Trained(
        replicas=replicas,
        readings=readings,
        chosen_rate=chosen_rate(setup, replicas),
        groups=sizes,
        seconds_before=checkpoint.seconds_before if checkpoint else 0.0,
        resumed_from_updates=checkpoint.resumed_from_updates if checkpoint else [],
    )


def checkpoint_of(job: Job, setup: Setup, code: str, sizes: list[int]) -> Checkpoint | None:
    """Where the training goes on from, if it is of the same spec, code and data on the same means."""
    if job.checkpoint_path is None:
        return None
    made_for = {
        "spec": provenance.config_hash(setup.shard), "code": code, "data": setup.task.facts(),
        "groups": sizes, "device": job.device, "tf32": job.tf32, "torch": torch.__version__,
        **arithmetic.of_a_training(setup.models[0].architecture.kernel, job.on_gpu),
    }  # fmt: skip
    return Checkpoint(job.checkpoint_path, made_for, job.checkpoint_every_s, job.checkpoint_elsewhere)


def chosen_rate(setup: Setup, replicas: Sequence[Replica]) -> float:
    """The learning rate that validation chooses."""
    seeds_at = {
        rate: [ended(replica) for replica in replicas if replica.learning_rate == rate]
        for rate in setup.shard.learning_rates
    }
    return best_learning_rate(seeds_at, rule_of(setup.task))


def ended(replica: Replica) -> Ended:
    """What the choice of a learning rate looks at."""
    return Ended(
        best=None if replica.status == "diverged" else replica.best,
        updates_to_solve=replica.updates_to_solve if replica.status == "solved" else None,
    )


def read_test(job: Job, setup: Setup, trained: Trained, last: bool = False) -> list[Tested]:
    """Each finalist with its scores on test, by its best weights or by its last ones.

    On the device that trained: its memory is what the groups fit.
    """
    finalists = trained.finalists
    sizes = memory.group_sizes(len(finalists), max(trained.groups))
    parts = [
        groups.read_test(setup, group.replicas, last, job.runs_on)
        for group in groups.grouped(finalists, sizes)
    ]
    return list(zip(finalists, itertools.chain.from_iterable(parts), strict=True))


def rows_of(
    setup: Setup, untrained: list[Probed], trained: Trained, tested: list[Tested], last: list[Tested],
    probed: list[Probed],
) -> list[Row]:  # fmt: skip
    """All that was measured, in the order in which it was."""
    writer = RowWriter(setup.shard, setup.task)
    writer.probed(untrained)
    writer.trained(trained.replicas, trained.readings, trained.chosen_rate)
    for replica, scores in tested:
        writer.tested(replica, scores)
    for replica, scores in last:
        writer.tested_last(replica, scores)
    writer.probed(probed)
    if trained.replicas:
        writer.references()
    return writer.rows


def facts_of(job: Job, setup: Setup, trained: Trained, clock: Clock) -> dict[str, Any]:
    """For the provenance: how long what took, on what."""
    layer = setup.models[0].architecture
    seconds = clock.seconds | {"training": trained.seconds_before + clock.seconds["training"]}
    facts = {
        "seconds_before": trained.seconds_before,
        **{f"seconds_{part}": taken for part, taken in seconds.items()},
        "updates_run": max((replica.stop_update for replica in trained.replicas), default=0),
        "replicas": len(setup.tasks) * max(1, len(setup.shard.learning_rates)),
        "replicas_not_trained": sum(replica.best_update == 0 for replica in trained.replicas),
        "chosen_by": setup.task.chosen_by,
        "groups": trained.groups,
        "peak_memory_mb": machine.peak_memory_mb(),
        "resumed_from_updates": trained.resumed_from_updates,
        "backend": kernels.backend(layer.kernel),
        "facts": setup.task.facts(),
        "arithmetic": arithmetic.of_a_training(layer.kernel, job.on_gpu),
    }
    if job.on_gpu:
        facts |= device.facts(layer, max(trained.groups), job.tf32)
    return facts
