"""Add the two marked numbers, as the task was first posed: signed numbers, and a scaled sum.

    number  0.5  0.8 -0.1 -0.4  0.3  0.2
    marker  -1    1    0    1    0   -1    ->  after the last step: 0.5 + (0.8 - 0.4) / 4 = 0.6

>>> batch = Adding1997(length=20, options=Options()).sample(3, torch.Generator().manual_seed(0))
>>> marked_BT = torch.where(batch.x[:, :, 1] == 1, batch.x[:, :, 0], 0.0)
>>> torch.allclose(0.5 + marked_BT.sum(1) / 4, batch.target[:, -1, 0])
True

Hochreiter & Schmidhuber (1997), experiment 4: numbers from U(-1,1), T to 1.1 T steps, marks as described in
marked_pairs.py. A sequence is right within 0.04. They stop when the mean error is below 0.01 and the 2,000
latest sequences were right, and never find more than 3 of 2,560 test sequences wrong; so here at most that
share may be wrong, which means none of a set of fewer than 854. Later papers use the form of page `adding`.

Chance, with q the odds that the first pair is marked and one number counts as 0: 1/2 is the best constant
answer. Its squared error is the variance of the target, (2 - q)/3/16 = (2 - q)/48; 1/24 = 0.0417 for q = 0.
It is right where the marked numbers add up to less than 0.16: (1 - q)(0.16 - 0.16^2/4) + 0.16 q of the time.
"""

from dataclasses import dataclass

import torch

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks import _marked_pairs as marked_pairs
from rnnlimits.tasks._families import NumberAtEachStep
from rnnlimits.tasks.base import Batch

RIGHT_WITHIN = 0.04
WRONG_AT_MOST = 3 / 2560


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    def widths(self, length: int) -> tuple[int, int]:
        return 2, 1  # the number and its marker; the scaled sum

    def steps(self, length: int) -> int:
        return length + length // 10

    def problem(self, length: int) -> str | None:
        return None if length >= 20 else "the marks need at least 20 steps"


class Adding1997(NumberAtEachStep):
    right_within = RIGHT_WITHIN

    @property
    def chance(self) -> dict[str, float]:
        q = marked_pairs.first_pair_marked(self.length)
        error = (2 - q) / 48
        window = 4 * RIGHT_WITHIN  # of the sum before it is scaled
        right = (1 - q) * (window - window**2 / 4) + q * window
        return {"mean_squared_error": error, "loss": error, "accuracy": right}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        x_BT2, marked_B2, last_BT = marked_pairs.marked_pairs(batch, self.length, -1.0, 0.0, generator)
        target_B11 = (0.5 + marked_B2.sum(1) / 4).view(-1, 1, 1)
        return Batch(x_BT2, target_B11.expand(-1, x_BT2.shape[1], -1), last_BT)

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] >= 1 - WRONG_AT_MOST
