"""Multiply the two marked numbers: no sum that a memory cell keeps by itself gives the answer.

    number  0.5  0.9  0.1  0.7  0.3  0.2
    marker  -1    1    0    1    0   -1    ->  after the last step: 0.9 x 0.7 = 0.63

>>> batch = Multiplication(length=20, options=Options()).sample(3, torch.Generator().manual_seed(0))
>>> marked_BT = torch.where(batch.x[:, :, 1] == 1, batch.x[:, :, 0], 1.0)
>>> torch.allclose(marked_BT.prod(1), batch.target[:, -1, 0])
True

Hochreiter & Schmidhuber (1997), experiment 5: numbers from U(0,1), T to 1.1 T steps, marks as described in
marked_pairs.py. A sequence is right within 0.04; a run counts as a success when fewer than 13 of 2,000
sequences are wrong (or 140, which they say suffices to store the numbers but not to multiply them well).

Chance, with q the odds that the first pair is marked: the target is a product of two numbers, or with odds q
one number, so its mean is m = (1 - q)/4 + q/2, and the best squared error is its variance,
(1 - q)/9 + q/3 - m^2; 0.0486 for q = 0. Small products are the most frequent, so 0.04 is the answer that is
right most often: (1 - q) 0.08 (1 - ln 0.08) + 0.08 q of the time. (Their Table 8 calls 0.0139 a mean squared
error where 14 of 2,560 were wrong: that cannot be, as it would be at most 0.04^2 + 14/2560 = 0.0071
for answers between 0 and 1.)
"""

import math
from dataclasses import dataclass

import torch

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks import _marked_pairs as marked_pairs
from rnnlimits.tasks._families import NumberAtEachStep
from rnnlimits.tasks.base import Batch

RIGHT_WITHIN = 0.04
JUDGED = 2_000  # sequences, of which fewer than `wrong_below` may be wrong


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    wrong_below: int = 13  # of 2,000 sequences; 140 is the easier criterion of the source

    def widths(self, length: int) -> tuple[int, int]:
        return 2, 1  # the number and its marker; the product

    def steps(self, length: int) -> int:
        return length + length // 10

    def problem(self, length: int) -> str | None:
        if not 1 <= self.wrong_below <= 2000:
            return f"wrong_below ({self.wrong_below}) must be 1 to 2000"
        return None if length >= 20 else "the marks need at least 20 steps"


class Multiplication(NumberAtEachStep):
    right_within = RIGHT_WITHIN
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        q = marked_pairs.first_pair_marked(self.length)
        mean = (1 - q) / 4 + q / 2
        error = (1 - q) / 9 + q / 3 - mean**2
        window = 2 * RIGHT_WITHIN
        right = (1 - q) * window * (1 - math.log(window)) + q * window
        return {"mean_squared_error": error, "loss": error, "accuracy": right}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        x_BT2, marked_B2, last_BT = marked_pairs.marked_pairs(batch, self.length, 0.0, 1.0, generator)
        target_BT1 = marked_B2.prod(1).view(-1, 1, 1).expand(-1, x_BT2.shape[1], -1)
        return Batch(x_BT2, target_BT1, last_BT)

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] > 1 - self.options.wrong_below / JUDGED
