"""Is the number of ones odd? One bit of memory, but every input must change it.

    bits  1 0 1 1 . . .    (. is nothing: this string has 4 bits)     ->  after the fourth: odd

    >>> batch = Parity(length=7, options=Options()).sample(20, torch.Generator().manual_seed(0))
    >>> last_B = batch.mask_BT.argmax(1)
    >>> torch.equal(batch.x[:, :, 1].sum(1) % 2, batch.target.gather(1, last_B[:, None])[:, 0].float())
    True

Delétang et al. (2022), task "parity check": random bits, one-hot, and one answer after the last; trained on
short strings, judged by longer ones. Here on 3 to T bits, as in Beck et al. (2024, xLSTM), who take T = 40
and judge by 40 to 256; Delétang et al. train on 1 to 40 and judge by 41 to 500. `longest` does that. Of the
lengths T + 1 to `longest` the first quarter is for validation and the others for test, so that nothing is
chosen by the lengths of test; the sources test on all of them. Without `longest` all splits have the same
lengths, and the shortest strings occur in each of them. Each sequence has a length of its own; theirs change
from batch to batch.

A network can be sure of wrong answers to longer strings, with a loss above that of guessing, while it gets
more of them right. So the score chooses weights, and the loss between equal scores.

Chance: the last bit says nothing of the others, so half of the strings are right, and the best loss is ln 2.
(That holds from 2 bits on; a string of one bit is its own parity.) Their scores are the best of several seeds
and have no threshold; here 99 % of the strings count as solved.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks.base import Batch, Split

CLASSES = 2
SOLVED_FROM = 0.99


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    shortest: int = 3  # bits of the shortest string
    longest: int | None = None  # validation and test have length + 1 to so many bits; null: as in training

    def widths(self, length: int) -> tuple[int, int]:
        return 2, CLASSES  # one-hot; even, odd

    def steps(self, length: int) -> int:
        return self.longest or length

    def problem(self, length: int) -> str | None:
        if self.shortest < 2 or (self.longest is not None and self.longest < length + 2):
            return (
                f"shortest ({self.shortest}) must be 2 or more, longest ({self.longest}) length + 2 or more: "
                "one length more for validation and one for test"
            )
        return None if length >= self.shortest else f"the shortest string needs {self.shortest} steps"


class Parity(ClassAtEachStep):
    chosen_by = "score"
    chance: ClassVar = {"accuracy": 1 / CLASSES, "loss": math.log(CLASSES)}
    options: Options

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        return self.strings(batch, self.options.shortest, self.length, generator)

    def evaluation_sample(self, split: Split, batch: int, generator: torch.Generator) -> Batch:
        if self.options.longest is None:
            return self.sample(batch, generator)
        last = self.length + max(1, (self.options.longest - self.length) // 4)  # of validation
        low, high = (self.length + 1, last) if split == "validation" else (last + 1, self.options.longest)
        return self.strings(batch, low, high, generator)

    def strings(self, batch: int, low: int, high: int, generator: torch.Generator) -> Batch:
        """Of low to high bits, with equal odds, all in `high` steps."""
        length_B1 = torch.randint(low, high + 1, (batch, 1), generator=generator)
        bit_BT = torch.randint(0, 2, (batch, high), generator=generator)
        step_T = torch.arange(high)
        x_BT2 = functional.one_hot(bit_BT, 2) * (step_T < length_B1).unsqueeze(2)
        return Batch(x_BT2.float(), bit_BT.cumsum(1) % 2, (step_T == length_B1 - 1).float())

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] >= SOLVED_FROM
