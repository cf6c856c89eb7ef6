"""Shard ─► rows: build the replicas, train them, choose on validation, read test once, probe.

The order is the protocol: the learning rate is chosen by the mean validation score over the seeds; only the
replicas of the chosen rate are probed after training and read on test, with their best-validation weights.
"""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import torch

from rnnlimits import catalog
from rnnlimits.architectures import kernels
from rnnlimits.architectures._model import Model
from rnnlimits.planning import machine, memory, provenance
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row
from rnnlimits.rows.selection import best_learning_rate
from rnnlimits.tasks.base import Task, generator
from rnnlimits.training import gpu, groups
from rnnlimits.training.build import build_model, build_task
from rnnlimits.training.checkpoints import Checkpoint
from rnnlimits.training.refit import chosen_by_cross_validation
from rnnlimits.training.replicas import Replicas
from rnnlimits.training.units import UNITS


def run(
    shard: Shard, rows_dir: Path | None = None, log_dir: Path | None = None, device: str = "cpu",
    *, memory_mb: float = 0, tf32: bool = False, jobs_per_gpu: int = 1,
    checkpoint_path: Path | None = None, checkpoint_every_s: float = 60.0,
) -> tuple[list[Row], dict[str, Any]]:  # fmt: skip
    """Everything that one job does; `rows_dir` holds the rows that a refit shard reads.

    Where not all replicas fit `memory_mb` (0: what the machine has for a job), they are trained in groups.
    A training that was killed goes on from what it left at `checkpoint_path`; whoever has written the rows
    that come back removes that file.
    """
    started = time.monotonic()
    code = provenance.fingerprint(shard)  # now: a file that is edited from here on has no part in this
    clock = {"import": 0.0, "training": 0.0, "probing": 0.0, "evaluation": 0.0}
    # On a small shared machine one thread a job beats two by far; the number is part of the result's bytes.
    torch.set_num_threads(1)
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda was asked for and this machine offers no CUDA device; use device: cpu")
    if device == "cuda":
        gpu.prepare(tf32)
    wanted, shard = shard, chosen_by_cross_validation(shard, rows_dir) if shard.needs else shard
    seeds = list(range(shard.folds or shard.seeds))
    task = build_task(shard)
    tasks = {seed: task.fold(seed, shard.folds) if shard.folds else task for seed in seeds}
    models = {seed: build_model(shard, tasks[seed], seed) for seed in seeds}
    count = sum(weight.numel() for weight in models[0].parameters())
    writer = RowWriter(dataclasses.replace(shard, parameters=count), task)

    with timed(clock, "probing"):
        for seed in seeds:
            writer.probe("initial", 0, seed, None, "untrained", probe(shard, tasks[seed], models[seed], seed))
    updates, sizes, checkpoint = 0, [], None
    if shard.budget["updates"]:
        sizes = groups.sizes_that_fit(writer.shard, memory_mb, device, jobs_per_gpu)
        if checkpoint_path:
            made_for = {
                "spec": provenance.config_hash(shard), "code": code, "data": task.facts(), "groups": sizes,
                "device": device, "tf32": tf32, "torch": torch.__version__, "loops": kernels.backend(),
            }  # fmt: skip
            checkpoint = Checkpoint(checkpoint_path, made_for, checkpoint_every_s)
        updates = train_and_read(shard, tasks, models, writer, clock, log_dir, device, sizes, checkpoint)
        writer.references()
    before_s = checkpoint.seconds_before if checkpoint else 0.0
    facts: dict[str, Any] = {
        "seconds_total": before_s + time.monotonic() - started,
        "seconds_before": before_s,
        **{f"seconds_{part}": seconds for part, seconds in clock.items()},
        "updates_run": updates,
        "replicas": len(seeds) * max(1, len(shard.learning_rates)),
        "groups": sizes,
        "peak_memory_mb": machine.peak_memory_mb(),
        "resumed_from_updates": checkpoint.resumed_from_updates if checkpoint else [],
        "backend": kernels.backend(models[0].architecture.kernel),
        "facts": task.facts(),
    }
    if device == "cuda" and updates:
        facts |= gpu.facts(models[0].architecture, max(sizes), tf32)
    return writer.rows, provenance.collect(wanted, device) | facts


def train_and_read(shard, tasks, models, writer, clock, log_dir, device, sizes, checkpoint) -> int:
    with timed(clock, "import"):
        from rnnlimits.training.module import Replica

    task = writer.task
    replicas = [Replica(seed, rate) for rate in shard.learning_rates for seed in tasks]
    readings = []
    with timed(clock, "training"):
        for start, part in groups.in_groups(replicas, sizes):
            folder = log_dir and (log_dir if len(sizes) == 1 else log_dir / f"from_replica_{start}")
            found = groups.train(part, tasks, models, shard.budget, folder, device, checkpoint, start)
            readings += [dataclasses.replace(reading, replica=start + reading.replica) for reading in found]
    if checkpoint:
        clock["training"] += checkpoint.seconds_before
    readings.sort(key=lambda reading: (reading.update, reading.replica))  # as if they had been one group

    scores = {
        rate: [None if r.status == "diverged" else r.best_value for r in replicas if r.learning_rate == rate]
        for rate in shard.learning_rates
    }
    chosen = best_learning_rate(scores, task.higher_is_better)
    writer.training(replicas, readings, chosen)

    finalists = [replica for replica in replicas if replica.learning_rate == chosen]
    if not shard.folds:  # a fold is judged on its held-out part; the refit that follows reads test
        with timed(clock, "evaluation"):
            for _, part in groups.in_groups(finalists, memory.group_sizes(len(finalists), max(sizes))):
                writer.test(part, groups.read_test(part, tasks, models, shard.budget["test_sequences"]))
    with timed(clock, "probing"):
        kept = [("mid_training", one, one.mid_training_update, one.mid_training_theta_P) for one in finalists]
        kept += [("final", one, one.best_update, one.best_theta_P) for one in finalists]
        for stage, replica, update, theta_P in kept:
            if update is None:  # nobody asked for mid-training
                continue
            model = models[replica.seed]
            model = Replicas([model]).copy_into(model, theta_P, 0)
            measured = probe(shard, tasks[replica.seed], model, replica.seed)
            writer.probe(stage, update, replica.seed, chosen, replica.status, measured)
    return max(replica.stop_update for replica in replicas)


def probe(shard: Shard, task: Task, model: Model, seed: int) -> list:
    """Every probe of the shard, in float64, on a copy: a measurement moves nothing that is trained."""
    measurements = []
    for name, options in shard.probes.items():
        page = catalog.module("probes", name)
        copy = build_model(shard, task, seed).double()
        copy.load_state_dict(model.state_dict())
        measurements += page.measure(
            copy, task, catalog.make(page.Options, options), generator(seed, "probe")
        )
    return measurements


class RowWriter:
    """Makes the rows of one shard out of what training, evaluation and probes measured."""

    def __init__(self, shard: Shard, task: Task):
        self.shard = shard
        self.task = task
        self.rows: list[Row] = []

    def add(self, metric: str, value: float | None, unit: str, **columns: Any) -> None:
        kept = None if value is None or not math.isfinite(value) else float(value)
        self.rows.append(self.shard.row(metric=metric, value=kept, unit=unit, **columns))

    def fold(self, seed: int) -> int | None:
        """Each fold is trained with the seed of its number."""
        return seed if self.shard.folds else None

    def score(self, replica, chosen, split: str, stage: str, update: int, metric: str, value) -> None:
        known = metric.removeprefix("best_")
        unit = UNITS.get(metric) or self.task.units.get(known, "")
        self.add(
            metric, value, unit, seed=replica.seed, fold=self.fold(replica.seed),
            learning_rate=replica.learning_rate, selected=replica.learning_rate == chosen, split=split,
            stage=stage, update=update, chance=self.task.chance.get(known), status=replica.status,
        )  # fmt: skip

    def training(self, replicas: list, readings: list, chosen: float) -> None:
        for reading in readings:
            replica = replicas[reading.replica]
            self.score(
                replica, chosen, reading.split, "training", reading.update, reading.metric, reading.value
            )
        for replica in replicas:
            diverged = replica.status == "diverged"
            final = {
                "updates_to_solve": replica.updates_to_solve if replica.status == "solved" else None,
                "best_update": replica.best_update,
                f"best_{self.task.metric}": None if diverged else replica.best_value,
            }
            for metric, value in final.items():
                self.score(replica, chosen, "validation", "final", replica.stop_update, metric, value)

    def test(self, replicas: list, values: dict[str, list[float]]) -> None:
        for row, replica in enumerate(replicas):
            mine = {metric: column[row] for metric, column in values.items()}
            diverged = replica.status == "diverged"
            mine["solved"] = float(not diverged and self.task.solved(mine))
            for metric, value in mine.items():
                kept = None if diverged and metric != "solved" else value
                chosen = replica.learning_rate
                self.score(replica, chosen, "test", "final", replica.best_update, metric, kept)

    def probe(
        self, stage: str, update: int, seed: int, rate: float | None, status: str, measured: list
    ) -> None:
        for one in measured:
            self.add(
                one.metric, one.value, one.unit, seed=seed, fold=self.fold(seed), learning_rate=rate,
                selected=True, split="probe", stage=stage, update=update, lag_steps=one.lag, chance=None,
                status=status,
            )  # fmt: skip

    def references(self) -> None:
        for name, value in self.task.references().items():
            self.add(
                f"reference_{name}", value, self.task.units[self.task.metric], seed=None, learning_rate=None,
                selected=True, split="reference", stage="final", update=0, chance=None, status="measured",
            )  # fmt: skip


class timed:
    """Adds the seconds inside the block to one entry of a clock."""

    def __init__(self, clock: dict[str, float], part: str):
        self.clock, self.part = clock, part

    def __enter__(self) -> None:
        self.start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.clock[self.part] += time.monotonic() - self.start
