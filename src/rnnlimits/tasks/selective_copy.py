"""Repeat the symbols that lie scattered in noise, in their order: when to store depends on what is read.

Here with 3 symbols in 4 steps of noise; 0 is the noise, 15 asks for the answer:

    input   0 6 0 0 9 6 0 15 15 15
    target                6  9  6

    >>> task = SelectiveCopy(length=4, options=Options(symbols=3))
    >>> batch = task.sample(50, torch.Generator().manual_seed(0))
    >>> read_BT = batch.x.argmax(2)[:, :7]
    >>> torch.equal(read_BT[read_BT > 0].view(50, 3), batch.target[:, 7:])
    True

Gu & Dao (2023, Mamba), table 1 and appendix E.1, drawn as by the generator of S4 (copying.py, variable):
length T is the number of noise steps; 16 symbols at any places among T + 16 steps; then 16 times the
question. Only these last steps are judged. The vocabulary of 16 counts the noise and the question, so 14
symbols are ever asked for. They report the share of right symbols; 99 % of it counts as solved here.

Chance: the question says nothing, so one symbol in 14 is right, and the best loss is ln 14.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks.base import Batch, counted_mean

NOISE = 0
SOLVED_FROM = 0.99


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    symbols: int = 16  # how many symbols to remember
    vocabulary: int = 16  # how many different numbers there are, with the noise and the question

    def widths(self, length: int) -> tuple[int, int]:
        return self.vocabulary, self.vocabulary

    def steps(self, length: int) -> int:
        return length + 2 * self.symbols

    def asked_steps(self, length: int) -> int:
        return self.symbols

    def problem(self, length: int) -> str | None:
        if self.symbols < 1 or self.vocabulary < 4:
            return f"symbols ({self.symbols}) must be 1 or more, vocabulary ({self.vocabulary}) 4 or more"
        return None if length >= 1 else "at least 1 step of noise"


class SelectiveCopy(ClassAtEachStep):
    metric = "recall_accuracy"
    units: ClassVar = {"recall_accuracy": "share", "loss": "nats"}
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        asked = self.options.vocabulary - 2
        return {"recall_accuracy": 1 / asked, "loss": math.log(asked)}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        symbols, question = self.options.symbols, self.options.vocabulary - 1
        reading = self.length + symbols
        remember_BS = torch.randint(1, question, (batch, symbols), generator=generator)
        # The places of the largest of independent numbers are a random subset; sorted, the order is kept.
        place_BS = torch.rand(batch, reading, generator=generator).topk(symbols).indices.sort(1).values
        token_BT = torch.full((batch, reading + symbols), NOISE).scatter(1, place_BS, remember_BS)
        token_BT[:, reading:] = question
        target_BT = torch.full_like(token_BT, NOISE)
        target_BT[:, reading:] = remember_BS
        judged_BT = (torch.arange(reading + symbols) >= reading).float().repeat(batch, 1)
        return Batch(functional.one_hot(token_BT, self.inputs).float(), target_BT, judged_BT)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_NT = (output_NTO.argmax(2) == batch.target).double()
        recall_N = counted_mean(right_NT, batch.mask_BT)
        return {"loss": self.loss_N(output_NTO, batch), "recall_accuracy": recall_N}

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["recall_accuracy"] >= SOLVED_FROM
