"""Add the two marked numbers: a real number has to survive until the end.

    number  0.5  0.9  0.1  0.7  0.3  0.2
    marker   0    1    0    0    0    1      ->  after the last step: 0.9 + 0.2 = 1.1

    >>> batch = Adding(length=6, options=Options()).sample(3, torch.Generator().manual_seed(0))
    >>> torch.equal(batch.x.prod(2).sum(1, keepdim=True), batch.target)
    True

Hochreiter & Schmidhuber (1997), experiment 4, in the form of Arjovsky, Shah & Bengio (2016): numbers from
U(0,1), one marker drawn uniformly in the first half and one in the second. Forms differ between papers:
Bai et al. (2018) put both markers anywhere, Hochreiter & Schmidhuber add numbers from U(-1,1) and scale.

Chance: the best constant answer is the mean, 1, and its squared error is the variance of the sum of two
independent U(0,1), 2 * 1/12 = 1/6 = 0.1667. (Bai et al. (2018) print 0.1767, which is wrong.)
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import NumberAtEnd
from rnnlimits.tasks.base import Batch

SHORTEST = 2  # steps: one for each marker
SOLVED_BELOW = 0.01  # mean squared error: 17 times better than chance


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    def widths(self, length: int) -> tuple[int, int]:
        return 2, 1  # the number and its marker; the sum

    def problem(self, length: int) -> str | None:
        return None if length >= SHORTEST else f"two markers need at least {SHORTEST} steps"


class Adding(NumberAtEnd):
    metric = "mean_squared_error"
    higher_is_better = False
    units: ClassVar = {"mean_squared_error": "squared error", "loss": "squared error"}

    @property
    def chance(self) -> dict[str, float]:
        return {"mean_squared_error": 1 / 6, "loss": 1 / 6}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        number_BT = torch.rand(batch, self.length, generator=generator)
        half = self.length // 2
        first_B1 = torch.randint(0, half, (batch, 1), generator=generator)
        second_B1 = torch.randint(half, self.length, (batch, 1), generator=generator)
        marker_BT = torch.zeros(batch, self.length).scatter(1, torch.cat([first_B1, second_B1], 1), 1.0)
        target_B1 = (number_BT * marker_BT).sum(1, keepdim=True)
        return Batch(torch.stack([number_BT, marker_BT], 2), target_B1)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        error_N = self.loss_N(output_NTO, batch)
        return {"loss": error_N, "mean_squared_error": error_N}

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["mean_squared_error"] < SOLVED_BELOW
