"""Repeat symbols after a wait without noise; the answer starts with the step that asks for it.

Here with 3 symbols from an alphabet of 5 and a wait of 4; 5 is the blank, 6 says "now":

    >>> task = NoiselessMemorisation(length=4, options=Options(symbols=3))
    >>> for row_1T in task.lay_out(torch.tensor([[4, 0, 2]])):
    ...     print(*row_1T[0].tolist())
    4 0 2 5 5 5 5 6 5 5
    5 5 5 5 5 5 5 4 0 2

Length T is the wait: T + 2 x 10 steps, one-hot. Martens & Sutskever (2011); laid out as in the code of
Pascanu, Mikolov & Bengio (2013), memorization.py: 10 symbols of 5 ("20 bit"; 10 log2 5 = 23.2), or with
{symbols: 5, alphabet: 2} the 5-bit problem. A sequence is right when all its steps are; a run succeeds when
fewer than 1 % of the sequences are wrong. Page `copy_memory` asks one step before the answer, not with it.

Chance, with S symbols of V: without memory every step but the last S is known, and there one symbol in V is
right: a loss of S ln V / (T + 2 S), a mean over all steps, and V^-S of the sequences.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks.base import Batch

WRONG_BELOW = 0.01  # share of sequences


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    symbols: int = 10  # how many symbols to remember
    alphabet: int = 5  # how many different symbols there are

    def widths(self, length: int) -> tuple[int, int]:
        return self.alphabet + 2, self.alphabet + 1  # symbols, blank, "now"; which is never an answer

    def steps(self, length: int) -> int:
        return length + 2 * self.symbols

    def problem(self, length: int) -> str | None:
        if self.symbols < 1 or self.alphabet < 2:
            return f"symbols ({self.symbols}) must be 1 or more, alphabet ({self.alphabet}) 2 or more"
        return None if length >= 1 else "the wait must be at least 1 step"


class NoiselessMemorisation(ClassAtEachStep):
    metric = "recall_accuracy"
    units: ClassVar = {"recall_accuracy": "share", "sequence_accuracy": "share", "loss": "nats"}
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        symbols, alphabet = self.options.symbols, self.options.alphabet
        return {
            "recall_accuracy": 1 / alphabet,
            "sequence_accuracy": alphabet**-symbols,
            "loss": symbols * math.log(alphabet) / self.options.steps(self.length),
        }

    def lay_out(self, remember_BS: Tensor) -> tuple[Tensor, Tensor]:
        """What is read and what is to be answered, as numbers, for S symbols to remember."""
        batch, symbols = remember_BS.shape
        blank, now = self.options.alphabet, self.options.alphabet + 1
        token_BT = torch.full((batch, self.length + 2 * symbols), blank)
        target_BT = token_BT.clone()
        token_BT[:, :symbols] = target_BT[:, -symbols:] = remember_BS
        token_BT[:, -symbols] = now
        return token_BT, target_BT

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        symbols, alphabet = self.options.symbols, self.options.alphabet
        token_BT, target_BT = self.lay_out(torch.randint(0, alphabet, (batch, symbols), generator=generator))
        return Batch(functional.one_hot(token_BT, self.inputs).float(), target_BT)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_NT = output_NTO.argmax(2) == batch.target
        return {
            "loss": self.loss_N(output_NTO, batch),
            "recall_accuracy": right_NT[:, -self.options.symbols :].double().mean(1),
            "sequence_accuracy": right_NT.all(1).double(),
        }

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["sequence_accuracy"] > 1 - WRONG_BELOW
