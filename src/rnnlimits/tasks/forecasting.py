"""Forecast the next hours of seven columns of a power transformer, having read the hours before.

    hours 0 .. 95 of 6 loads and a temperature, one hour a step     ->  after hour 95: hours 96 .. 119

    >>> x_BTI, target_BO = _forecasts.take(torch.arange(5.0)[:, None], torch.tensor([3]), length=3, horizon=2)
    >>> x_BTI[..., 0], target_BO
    (tensor([[0., 1., 2.]]), tensor([[3., 4.]]))

ETTh1 as Zhou et al. (2021) cut it: 12 months to learn from, 4 to validate, 4 to test; scaled by the mean and
deviation of the training. Each forecast of a split lies in it; its window may reach into the split before.
`relative` subtracts a window's last hour from window and forecast, as NLinear does (Zeng et al. 2023). A fold
holds out a block of training and validation, and learns from no window that touches it.

Chance: always the mean of the training, whose squared error there is 1. Relative to the last hour a constant
forecasts that hour; what that is worth only the data tell (see `references`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks import _forecasts
from rnnlimits.tasks.base import Batch, Split, Task, check_split, passes
from rnnlimits.tasks.data import electricity_transformer


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    horizon: int = 24  # hours to forecast
    relative: bool = False  # to the last hour of the window

    def widths(self, length: int) -> tuple[int, int]:
        columns = len(electricity_transformer.COLUMNS)
        return columns, columns * self.horizon

    def problem(self, length: int) -> str | None:
        train, validation = (electricity_transformer.hours(split) for split in ("train", "validation"))
        if not 1 <= self.horizon <= validation:
            return f"horizon must be 1 to {validation} hours, which validation and test have"
        fits = 1 <= length <= train - self.horizon
        return None if fits else f"the training has windows of 1 to {train - self.horizon} hours"


class Forecasting(Task):
    options: Options
    metric = "mean_squared_error"
    higher_is_better = False
    units: ClassVar = {metric: "squared error", "loss": "squared error", "mean_absolute_error": "error"}
    reads_last = True
    finite = True

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        train = electricity_transformer.SPLITS["train"]
        self.scaled_HI = _forecasts.scaled(electricity_transformer.read(), *train)
        self.firsts = {  # the first hour of each forecast
            split: torch.arange(max(start, length), end - options.horizon + 1)
            for split, (start, end) in electricity_transformer.SPLITS.items()
        }
        self.evaluations: dict[str, list[Batch]] = {}

    @property
    def chance(self) -> dict[str, float]:
        return {} if self.options.relative else {"mean_squared_error": 1.0, "loss": 1.0}

    def _take(self, first_B: Tensor) -> Batch:
        of = self.options
        return Batch(*_forecasts.take(self.scaled_HI, first_B, self.length, of.horizon, of.relative))

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        return (self._take(some) for some in passes(self.firsts["train"], batch, generator))

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        check_split(split)
        if split not in self.firsts:
            raise ValueError("forecasting: a fold has no test split; refit the chosen size to test it")
        if split not in self.evaluations:
            pieces = self.firsts[split].split(self.options.evaluation_batch)
            self.evaluations[split] = [self._take(some) for some in pieces]
        return self.evaluations[split]

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        return (output_NTO[:, -1] - batch.target).square().mean(1)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        squared_N = self.loss_N(output_NTO, batch)
        absolute_N = (output_NTO[:, -1] - batch.target).abs().mean(1)
        return {"loss": squared_N, "mean_squared_error": squared_N, "mean_absolute_error": absolute_N}

    def solved(self, scores: dict[str, float]) -> bool:
        return False  # nobody knows how well the next hours can be known

    def references(self) -> dict[str, float]:
        train, test = (self.firsts[split].numpy() for split in ("train", "test"))
        hour_HI = self.scaled_HI.double().numpy()
        return _forecasts.errors(hour_HI, train, test, self.length, self.options.horizon)

    def fold(self, k: int, folds: int) -> Task:
        task = Forecasting(self.length, self.options)
        first_B = torch.arange(self.length, int(self.firsts["validation"][-1]) + 1)
        task.firsts = _forecasts.fold(first_B, k, folds, self.length, self.options.horizon)
        return task

    def facts(self) -> dict[str, str]:
        return electricity_transformer.facts()
