"""Name the first of many symbols after the last: one bit of memory among 98 symbols of noise.

    input  1 57 3 88 21 ... 40 9     ->  after the last step: 1    (0 had the first been 0)

    >>> batch = RandomPermutation(length=9, options=Options()).sample(50, torch.Generator().manual_seed(0))
    >>> token_BT = batch.x.argmax(2)
    >>> torch.equal(token_BT[:, 0], batch.target), int(token_BT[:, 1:].min()) >= SIGNALS
    (True, True)

After Hochreiter & Schmidhuber (1997), experiment 2b, and Martens & Sutskever (2011); laid out as in the code
of Pascanu, Mikolov & Bengio (2013), permutation.py: 100 symbols, one-hot, the first one 0 or 1, the others
drawn from 2 to 99 with repetition (no permutation, in spite of the name), and one softmax over all 100 after
the last step. A run succeeds when fewer than 1 % of the sequences are wrong, as 2 of their 5 seeds did.

Chance: only 0 and 1 are ever asked for: half of the sequences are right, and the best loss is ln 2. (A guess
among all 100 symbols, with which an untrained network starts, costs ln 100.)
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEnd
from rnnlimits.tasks.base import Batch

SIGNALS = 2  # the first symbol is 0 or 1
WRONG_BELOW = 0.01  # share of sequences


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    symbols: int = 100

    def widths(self, length: int) -> tuple[int, int]:
        return self.symbols, self.symbols

    def problem(self, length: int) -> str | None:
        if self.symbols < 3:
            return f"symbols ({self.symbols}) must be 3 or more: 0, 1 and some noise"
        return None if length >= 2 else "at least 2 steps, or nothing follows the first symbol"


class RandomPermutation(ClassAtEnd):
    chance: ClassVar = {"accuracy": 1 / SIGNALS, "loss": math.log(SIGNALS)}
    options: Options

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        token_BT = torch.randint(SIGNALS, self.inputs, (batch, self.length), generator=generator)
        token_BT[:, 0] = torch.randint(0, SIGNALS, (batch,), generator=generator)
        return Batch(functional.one_hot(token_BT, self.inputs).float(), token_BT[:, 0].clone())

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] > 1 - WRONG_BELOW
