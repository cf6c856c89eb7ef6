"""One measured number per row: what a row says, and the words that its columns may hold."""

import dataclasses
import typing
from typing import Literal

Kind = Literal["training", "cross_validation", "refit", "simulation"]
Split = Literal["train", "validation", "test", "probe", "simulation", "reference"]
# mid_training: the weights at `probe_at` of the updates, or the last ones of a replica that stopped before.
Stage = Literal["initial", "training", "mid_training", "final"]
# solved: the task's own rule; early_stopped: validation stopped improving; out_of_updates: all were made;
# measured: nothing was trained (simulations, references).
Status = Literal["untrained", "solved", "early_stopped", "out_of_updates", "diverged", "measured"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One measured number.

    >>> Row(shard="s", study="s", kind="training", task="adding", architecture="gru", variant="gru",
    ...     hidden_size=8, length_steps=10, parameters=300, split="test", stage="finished", update=0,
    ...     metric="loss", unit="nats", status="out_of_updates")
    Traceback (most recent call last):
    ValueError: row of shard 's': stage 'finished' is none of initial, training, mid_training, final
    """

    shard: str
    study: str
    kind: Kind
    task: str
    architecture: str
    variant: str
    hidden_size: int
    length_steps: int
    parameters: int
    parameters_target: int | None = None
    seed: int | None = None  # of the random streams; fold k of a cross-validation has seed k
    fold: int | None = None  # the held-out fold of a cross-validation
    learning_rate: float | None = None
    selected: bool = False
    split: Split
    stage: Stage
    update: int  # how many the optimiser has made
    metric: str
    lag_steps: int | None = None
    value: float | None = None  # None where the number is not defined, or the run diverged
    unit: str
    chance: float | None = None
    status: Status

    def __post_init__(self) -> None:
        for column, allowed in WORDS.items():
            if (came := getattr(self, column)) not in allowed:
                possible = ", ".join(allowed)
                raise ValueError(f"row of shard {self.shard!r}: {column} {came!r} is none of {possible}")


COLUMNS = tuple(field.name for field in dataclasses.fields(Row))
# The columns that hold one of a few words only.
WORDS: dict[str, tuple[str, ...]] = {
    "kind": typing.get_args(Kind),
    "split": typing.get_args(Split),
    "stage": typing.get_args(Stage),
    "status": typing.get_args(Status),
}
