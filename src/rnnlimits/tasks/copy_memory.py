"""Write down ten symbols, wait, and repeat them: nothing on the way tells what they were.

Here with 3 symbols from an alphabet of 8 and a delay of 4; 0 is the blank, 9 says "now":

    >>> task = CopyMemory(length=4, options=Options(symbols=3))
    >>> for row_1T in task.lay_out(torch.tensor([[5, 2, 7]])):
    ...     print(*row_1T[0].tolist())
    5 2 7 0 0 0 9 0 0 0
    0 0 0 0 0 0 0 5 2 7

Length T is the delay: the input has T + 2 x 10 = T + 20 steps, one-hot: the symbols, T - 1 blanks, one
marker, 10 blanks. Hochreiter & Schmidhuber (1997) had the idea; this is the form of Arjovsky, Shah & Bengio
(2016). Two other forms, which cannot be compared with it:

    input: scalar    Bai, Kolter & Koltun (2018): each number as it stands, 0 to 9, in one channel, harder
                     than one-hot; the marker goes on to the end, 11 times; the marker is an output, too.
    delay: variable  Henaff, Szlam & LeCun (2016), as in Tallec & Ollivier (2018): 1 to T blanks before the
                     marker, and blanks after the answer, which blanks answer: T + 21 steps.

Chance: knowing when but not what, answer blank everywhere but in the 10 steps of recall, and guess among 8
symbols there: the loss, a mean over all steps, is 10 ln 8 / (T + 20), or (T + 21), and 1 in 8 is right.

The loss chooses weights: who answers blank everywhere has learnt much, and recalls less than at the start.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks.base import Batch

BLANK = 0
SOLVED_FROM = 0.99  # recall accuracy; chance is 0.125


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    symbols: int = 10  # how many symbols to remember
    alphabet: int = 8  # how many different symbols there are
    input: Literal["one_hot", "scalar"] = "one_hot"
    delay: Literal["fixed", "variable"] = "fixed"

    def widths(self, length: int) -> tuple[int, int]:
        marker = self.alphabet + 1  # after the blank and the symbols; it is never an answer
        return (marker + 1, marker) if self.input == "one_hot" else (1, marker + 1)

    def steps(self, length: int) -> int:
        return length + 2 * self.symbols + (self.delay == "variable")

    def problem(self, length: int) -> str | None:
        if self.symbols < 1 or self.alphabet < 2:
            return f"symbols ({self.symbols}) must be 1 or more, alphabet ({self.alphabet}) 2 or more"
        return None if length >= 1 else "the delay must be at least 1 step"


class CopyMemory(ClassAtEachStep):
    metric = "recall_accuracy"
    units: ClassVar = {"recall_accuracy": "share", "loss": "nats"}
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        symbols, alphabet = self.options.symbols, self.options.alphabet
        steps = self.options.steps(self.length)
        return {"recall_accuracy": 1 / alphabet, "loss": symbols * math.log(alphabet) / steps}

    def lay_out(self, remember_BS: Tensor, blanks_B1: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What is read and what is to be answered, as numbers, for S symbols to remember."""
        batch, symbols = remember_BS.shape
        blanks_B1 = torch.full((batch, 1), self.length - 1) if blanks_B1 is None else blanks_B1
        now_B1, step_T = symbols + blanks_B1, torch.arange(self.options.steps(self.length))
        marked_BT = step_T == now_B1 if self.options.input == "one_hot" else step_T >= now_B1
        token_BT = torch.where(marked_BT, self.options.alphabet + 1, BLANK)
        token_BT[:, :symbols] = remember_BS
        place_BS = now_B1 + 1 + torch.arange(symbols)
        return token_BT, torch.full_like(token_BT, BLANK).scatter(1, place_BS, remember_BS)

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        symbols, alphabet = self.options.symbols, self.options.alphabet
        remember_BS = torch.randint(1, alphabet + 1, (batch, symbols), generator=generator)
        variable = self.options.delay == "variable"
        blanks_B1 = torch.randint(1, self.length + 1, (batch, 1), generator=generator) if variable else None
        token_BT, target_BT = self.lay_out(remember_BS, blanks_B1)
        if self.options.input == "scalar":
            return Batch(token_BT.float().unsqueeze(2), target_BT)
        return Batch(functional.one_hot(token_BT, self.inputs).float(), target_BT)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_NT = (output_NTO.argmax(2) == batch.target) & (batch.target != BLANK)
        recall_N = right_NT.sum(1).double() / self.options.symbols
        return {"loss": self.loss_N(output_NTO, batch), "recall_accuracy": recall_N}

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["recall_accuracy"] >= SOLVED_FROM
