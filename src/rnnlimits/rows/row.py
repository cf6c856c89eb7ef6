"""One measured number per row: what a row says, and the words that its columns may hold."""

import dataclasses
import typing
from typing import Literal

Kind = Literal["training", "cross_validation", "refit", "simulation"]
Split = Literal["train", "validation", "test", "probe", "simulation", "reference"]
# middle: the weights at `probe_at` of the steps, or the last ones of a replica that stopped before.
Stage = Literal["initial", "training", "middle", "final"]
# solved: the task's own rule; stopped: validation stopped improving; budget: all steps used up;
# measured: nothing was trained (simulations, references).
Status = Literal["untrained", "solved", "stopped", "budget", "diverged", "measured"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One measured number.

    >>> Row(shard="s", study="s", kind="training", task="adding", architecture="gru", variant="gru",
    ...     hidden_size=8, length_steps=10, parameters=300, split="test", stage="finished", step=0,
    ...     metric="loss", unit="nats", status="budget")
    Traceback (most recent call last):
    ValueError: row of shard 's': stage 'finished' is none of initial, training, middle, final
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
    parameters_budget: int | None = None
    seed: int | None = None  # the fold's number in a cross-validation
    learning_rate: float | None = None
    selected: bool = False
    split: Split
    stage: Stage
    step: int
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
