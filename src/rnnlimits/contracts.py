"""What a page's `Options` tells planning, with what holds where a page says nothing.

A page of architectures/, tasks/, probes/, simulations/ or analysis/claims/checks/ writes
`class Options(ArchitectureOptions)`, or the base of its own folder, and overrides what is otherwise for it.
`parameters` of an architecture and `widths` of a task have no default.

Everything here is known without torch: the catalog reads Options without importing the page.  What is
impossible is refused before a job starts: by `problem`, which knows the sizes, or, whatever the sizes, by a
ValueError when the Options are made.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

# Sequences: bounds the memory of an evaluation, and divides 1,000 and 10,000.
EVALUATION_BATCH = 250
# Share of the steps up to which those that count are read out alone; a copy of most costs what it saves.
READ_ALONE = 1 / 2
# Sequences, of which a probe keeps the graph where it does not say what it needs.
PROBED_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class ArchitectureOptions:
    """Of a page of architectures/.  What is a property here may be an option there, of the same name.

    >>> class Options(ArchitectureOptions):
    ...     def parameters(self, inputs, hidden): return hidden * (inputs + hidden + 1)
    >>> Options().parameters(2, 10), Options().state_values(10), Options().receptive_field
    (130, 10, None)
    """

    def parameters(self, inputs: int, hidden: int) -> int:
        """Trainable numbers of one layer with so many inputs and hidden units, read-out not counted."""
        raise NotImplementedError("class Options needs parameters(inputs, hidden), the trainable numbers")

    def frozen(self, inputs: int, hidden: int) -> int:
        """Numbers of one layer that are drawn or set once and never trained, its buffers."""
        return 0

    def problem(self, hidden: int, length: int) -> str | None:
        """Why this hidden size or sequence length is impossible, and what is possible; None if it is fine."""
        return None

    @property
    def receptive_field(self) -> int | None:
        """y_t sees exactly this many last inputs; None: there is no such limit, as in a recurrence."""
        return None

    @property
    def tensors_kept(self) -> float | None:
        """So many tensors of B x H numbers are kept a step for the backward pass, in plain PyTorch.

        None: as the number of weights suggests, which is right within a factor of two for gates.
        """
        return None

    @property
    def tensors_kept_for_last(self) -> float | None:
        """The same where only the last step's output is computed; None: the same number."""
        return None

    def state_values(self, hidden: int) -> int:
        """Numbers in the full state of one sequence: of all that a step hands on to the next."""
        return hidden

    @property
    def readout_std(self) -> float:
        """The read-out's weights start as N(0, readout_std^2), its bias as 0; 0: torch's default."""
        return 0.0

    @property
    def of(self) -> str | None:
        """The page that this one is made of, layer upon layer; None: it is made of no other page."""
        return None

    @property
    def inner(self) -> dict[str, Any] | None:
        """The options of that page, as the config has them."""
        return None

    @property
    def last_layer(self) -> dict[str, Any] | None:
        """Those of them that differ in the last layer."""
        return None

    @property
    def time_loops(self) -> int:
        """Loops over time one after another; a stack of recurrent layers has as many as layers."""
        return 1


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """Of a page of tasks/; `length` is what the config calls a length, in the task's own meaning.

    >>> class Options(TaskOptions):
    ...     def widths(self, length): return 3, 1
    >>> Options().widths(50), Options().steps(50), Options().problem(50)
    ((3, 1), 50, None)
    """

    def widths(self, length: int) -> tuple[int, int]:
        """How many inputs the model is fed, or how many tokens there are; how many outputs it must give."""
        raise NotImplementedError("class Options needs widths(length) -> (inputs, outputs)")

    def problem(self, length: int) -> str | None:
        """Why this length is impossible, and what is possible; None if it is fine."""
        return None

    def steps(self, length: int) -> int:
        """Time steps of the longest sequence, those of validation and test included."""
        return length

    def asked_steps(self, length: int) -> int:
        """How many of them count at most; up to a half, the read-out is computed of no others."""
        return self.steps(length)

    @property
    def most_folds(self) -> int | None:
        """Into so many folds its training set can be cut; None: there is no such limit."""
        return None

    @property
    def embedding(self) -> int:
        """So many trained numbers stand for each token; 0: the inputs are numbers, and enter as they are."""
        return 0

    @property
    def evaluation_batch(self) -> int:
        """Sequences that are evaluated at once."""
        return EVALUATION_BATCH


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """Of a page of probes/: what a measurement of one replica in float64 costs.

    >>> ProbeOptions().peak_numbers(steps=100, kept=10, state=5), ProbeOptions().followed_steps(100)
    (16000, 100)
    """

    def peak_numbers(self, steps: int, kept: float, state: int) -> float:
        """Numbers held at once for a task of so many steps.

        A step of one sequence keeps `kept` numbers for the backward pass, the full state has `state`.
        """
        return PROBED_AT_ONCE * steps * kept

    def followed_steps(self, steps: int, asked: int = 1) -> int:
        """Steps that are computed of each sequence, where the task's have `steps` and so many are asked."""
        return steps

    def problem(self, state: int) -> str | None:
        """Why it cannot look at a recurrence whose full state has so many numbers; None if it can."""
        return None

    @property
    def weight_copies(self) -> int:
        """Copies of all weights that are held beside those numbers."""
        return 0


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """Of a page of simulations/: planning asks it nothing; impossible values are refused when it is made."""


FEWEST_OF_MEDIAN = 5  # seeds: of three the smallest and the largest hold the median in three cases of four


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Of a page of analysis/claims/checks/: the keys of a claim's part beside study and where.

    >>> CheckOptions(seeds=0)
    Traceback (most recent call last):
    ValueError: seeds: got 0; expected a whole number of at least 1
    """

    # What `judge` is given: each cell, each pair of cells (`where` and `against`), all cells at once, or the
    # table of all networks at once.
    looks_at: ClassVar[Literal["cell", "pair", "cells", "networks"]] = "cell"
    metric: ClassVar[str] = ""  # the only one that it can judge; "": any
    has_bound: ClassVar[bool] = True  # is there one that a figure of the numbers can show?
    shows: ClassVar[str] = ""  # of a pair: what is held against the bound
    no_difference: ClassVar[float] = 0.0  # of a pair: that value where both sides are equal
    whole_scale: ClassVar[bool] = False  # is it a share, of which an axis shows 0 to 1?
    seeds: int = 3  # the fewest that decide

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ValueError(f"seeds: got {self.seeds}; expected a whole number of at least 1")

    def fewest(self, confidence: float) -> int:
        """The fewest seeds with which the check can decide and err in at most 1 - confidence of the cases.

        A study of fewer is refused before anything starts.  Of three normally distributed seeds Student's
        interval errs just so often; a check that needs more says so itself.
        """
        return self.seeds

    def stricter(self, parts: int) -> Self:
        """The same check where one of several parts would contradict the whole claim: a check with a level of
        its own divides it; one that judges by its cells' confidence has nothing to do.
        """
        return self


@dataclass(frozen=True, kw_only=True)
class StatisticOptions(CheckOptions):
    """Of a check that holds one number of all seeds against bounds: which number that is."""

    statistic: Literal["mean", "median", "max", "min"] = "mean"

    def fewest(self, confidence: float) -> int:
        return max(self.seeds, FEWEST_OF_MEDIAN) if self.statistic == "median" else self.seeds


OPTIONS: dict[str, type] = {
    "architectures": ArchitectureOptions,
    "tasks": TaskOptions,
    "probes": ProbeOptions,
    "simulations": SimulationOptions,
    "checks": CheckOptions,
}


def checked(found: object, folder: str, file: Path) -> type:
    """A page's Options, or an error that says what to write."""
    if not isinstance(found, type):
        raise ValueError(f"{file}: no class Options; add one, a frozen dataclass, even if empty")
    base = OPTIONS[folder]
    if not issubclass(found, base):
        raise ValueError(
            f"{file}: class Options says nothing to planning; write `class Options({base.__name__})`, with "
            f"`from {base.__module__} import {base.__name__}`"
        )
    return found
