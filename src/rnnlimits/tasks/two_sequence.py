"""Remember one sign under noise: the smallest test of latching a bit.

    input  +1 +1 +1  0.3 -0.5  0.1 -0.2  0.4     ->  after the last step: 1    (0 had they been -1)

    >>> batch = TwoSequence(length=8, options=Options()).sample(50, torch.Generator().manual_seed(0))
    >>> torch.equal(batch.x[:, :3].mean(1), 2 * batch.target - 1)
    True

Bengio, Simard & Frasconi (1994), as specified by Hochreiter & Schmidhuber (1997), experiment 3a: the first 3
elements are +1 or -1 by class, the rest is Gaussian noise of variance 0.2, and an answer is right when it is
less than 0.2 away from its target. Their lengths are drawn from T to 1.1 T; here all have T, so that they
stack. They also report that guessing weights at random solves it faster than learning does.

Chance: the target is 0 or 1 with equal odds. Always answering 1 is right half of the time; always answering
1/2 has the smallest squared error, 1/4, and is never right.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import NumberAtEnd
from rnnlimits.tasks.base import Batch

NOISE_VARIANCE = 0.2
RIGHT_WITHIN = 0.2
SOLVED_FROM = 0.99


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    signal_steps: int = 3  # how many elements carry the sign

    def widths(self, length: int) -> tuple[int, int]:
        return 1, 1

    def problem(self, length: int) -> str | None:
        possible = 1 <= self.signal_steps < length
        return None if possible else f"signal_steps is {self.signal_steps}; it must be 1 to length - 1"


class TwoSequence(NumberAtEnd):
    metric = "accuracy"
    higher_is_better = True
    units: ClassVar = {"accuracy": "share", "loss": "squared error"}
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        return {"accuracy": 1 / 2, "loss": 1 / 4}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        target_B1 = torch.randint(0, 2, (batch, 1), generator=generator).float()
        noise_BT = math.sqrt(NOISE_VARIANCE) * torch.randn(
            batch, self.length - self.options.signal_steps, generator=generator
        )
        signal_BT = (2 * target_B1 - 1).expand(-1, self.options.signal_steps)
        return Batch(torch.cat([signal_BT, noise_BT], 1).unsqueeze(2), target_B1)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_N = (output_NTO[:, -1] - batch.target).abs().squeeze(1) < RIGHT_WITHIN
        return {"loss": self.loss_N(output_NTO, batch), "accuracy": right_N.double()}

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] >= SOLVED_FROM
