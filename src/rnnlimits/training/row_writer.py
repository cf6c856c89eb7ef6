"""Rows of what training, evaluation and probes have measured on one shard."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row, Split, Stage
from rnnlimits.tasks.base import Task
from rnnlimits.training.probing import Probed
from rnnlimits.training.replica import Reading, Replica
from rnnlimits.training.units import UNITS


@dataclass
class RowWriter:
    """Makes the rows of one shard, in the order in which it is told of the measurements."""

    shard: Shard
    task: Task
    rows: list[Row] = field(default_factory=list)

    def add(self, metric: str, value: float | None, unit: str, **columns: Any) -> None:
        """One row; a value that is not finite is none."""
        kept = None if value is None or not math.isfinite(value) else float(value)
        self.rows.append(self.shard.row(metric=metric, value=kept, unit=unit, **columns))

    def fold(self, seed: int) -> int | None:
        """Each fold is trained with the seed of its number."""
        return seed if self.shard.folds else None

    def probed(self, models: Sequence[Probed]) -> None:
        for one in models:
            for found in one.found:
                self.add(
                    found.metric, found.value, found.unit, seed=one.seed, fold=self.fold(one.seed),
                    learning_rate=one.learning_rate, selected=True, split="probe",
                    stage=one.stage, update=one.update, lag_steps=found.lag, chance=None, status=one.status,
                )  # fmt: skip

    def trained(self, replicas: Sequence[Replica], readings: Sequence[Reading], chosen: float) -> None:
        """The curves of all replicas, and how each of them ended; `chosen` is the learning rate."""
        for reading in readings:
            replica, selected = replicas[reading.replica], replicas[reading.replica].learning_rate == chosen
            self.score(
                replica, reading.metric, reading.value, split=reading.split, stage="training",
                update=reading.update, selected=selected,
            )  # fmt: skip
        for replica in replicas:
            diverged = replica.status == "diverged"
            final = {
                "updates_to_solve": replica.updates_to_solve if replica.status == "solved" else None,
                "best_update": replica.best_update,
                f"best_{self.task.metric}": None if diverged else replica.best_value,
            }
            for metric, value in final.items():
                self.score(
                    replica, metric, value, split="validation", stage="final", update=replica.stop_update,
                    selected=replica.learning_rate == chosen,
                )  # fmt: skip

    def tested(self, replica: Replica, scores: dict[str, float]) -> None:
        """Its scores on test, and whether they solve the task; one that diverged has no score."""
        diverged = replica.status == "diverged"
        values: dict[str, float | None] = dict.fromkeys(scores) if diverged else dict(scores)
        values["solved"] = float(not diverged and self.task.solved(scores))
        for metric, value in values.items():
            self.score(
                replica, metric, value, split="test", stage="final", update=replica.best_update, selected=True
            )

    def tested_last(self, replica: Replica, scores: dict[str, float]) -> None:
        """Its scores on test with the weights at which training stopped; of them nothing was chosen."""
        for metric, value in scores.items():
            kept = None if replica.status == "diverged" else value
            self.score(
                replica, metric, kept, split="test", stage="training", update=replica.stop_update,
                selected=True,
            )  # fmt: skip

    def score(
        self, replica: Replica, metric: str, value: float | None, *, split: Split, stage: Stage, update: int,
        selected: bool,
    ) -> None:  # fmt: skip
        """One number of a replica, with the unit and the level of chance that the task gives it."""
        known = metric.removeprefix("best_")
        unit = UNITS.get(metric) or self.task.units.get(known) or self.task.judged_units.get(known, "")
        self.add(
            metric, value, unit, seed=replica.seed, fold=self.fold(replica.seed),
            learning_rate=replica.learning_rate, selected=selected, split=split,
            stage=stage, update=update, chance=self.task.chance.get(known), status=replica.status,
        )  # fmt: skip

    def references(self) -> None:
        """What other methods reach: `reference_METHOD` of the primary metric, or `METRIC_of_METHOD`."""
        for name, value in self.task.references().items():
            self.reference(f"reference_{name}", value, self.task.units[self.task.metric])
        for name, scores in self.task.judged_references().items():
            for metric, value in scores.items():
                self.reference(f"{metric}_of_{name}", value, self.task.judged_units[metric])

    def reference(self, metric: str, value: float, unit: str) -> None:
        self.add(
            metric, value, unit, seed=None, learning_rate=None, selected=True,
            split="reference", stage="final", update=0, chance=None, status="measured",
        )  # fmt: skip
