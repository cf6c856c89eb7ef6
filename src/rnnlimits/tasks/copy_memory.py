"""Write down ten symbols, wait, and repeat them: nothing on the way tells what they were.

Here with 3 symbols from an alphabet of 8 and a delay of 4; 0 is the blank, 9 says "now":

    >>> task = CopyMemory(length=4, options=Options(symbols=3))
    >>> for row_1T in task.lay_out(torch.tensor([[5, 2, 7]])):
    ...     print(*row_1T[0].tolist())
    5 2 7 0 0 0 9 0 0 0
    0 0 0 0 0 0 0 5 2 7

Length T is the delay: the input has T + 2 x 10 = T + 20 steps, one-hot: the symbols, T - 1 blanks, one
marker, 10 blanks. Hochreiter & Schmidhuber (1997) had the idea; this is the form of Arjovsky, Shah & Bengio
(2016). Forms differ: Bai, Kolter & Koltun (2018) feed the symbol as one real number, which is harder.

Chance: without memory, answer blank everywhere but in the last 10 steps, and guess there among 8 symbols:
the loss, a mean over all T + 20 steps, is 10 ln 8 / (T + 20), and one in eight recalled symbols is right.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from rnnlimits.tasks.base import Batch, Task

BLANK = 0
SOLVED_FROM = 0.99  # recall accuracy; chance is 0.125


@dataclass(frozen=True, kw_only=True)
class Options:
    symbols: int = 10  # how many symbols to remember
    alphabet: int = 8  # how many different symbols there are

    def widths(self, length: int) -> tuple[int, int]:
        return self.alphabet + 2, self.alphabet + 1  # blank, symbols, marker; the marker is never an answer

    def steps(self, length: int) -> int:
        return length + 2 * self.symbols

    def problem(self, length: int) -> str | None:
        if self.symbols < 1 or self.alphabet < 2:
            return f"symbols ({self.symbols}) must be 1 or more, alphabet ({self.alphabet}) 2 or more"
        return None if length >= 1 else "the delay must be at least 1 step"


class CopyMemory(Task):
    metric = "recall_accuracy"
    higher_is_better = True
    units: ClassVar = {"recall_accuracy": "share", "loss": "nats"}
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        symbols, alphabet = self.options.symbols, self.options.alphabet
        loss = symbols * math.log(alphabet) / (self.length + 2 * symbols)
        return {"recall_accuracy": 1 / alphabet, "loss": loss}

    def lay_out(self, remember_BS: Tensor) -> tuple[Tensor, Tensor]:
        """What is read and what is to be answered, as numbers, for S symbols to remember."""
        batch, symbols = remember_BS.shape
        token_BT = torch.full((batch, self.length + 2 * symbols), BLANK)
        target_BT = token_BT.clone()
        token_BT[:, :symbols] = target_BT[:, -symbols:] = remember_BS
        token_BT[:, -symbols - 1] = self.options.alphabet + 1  # the marker
        return token_BT, target_BT

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        symbols, alphabet = self.options.symbols, self.options.alphabet
        token_BT, target_BT = self.lay_out(
            torch.randint(1, alphabet + 1, (batch, symbols), generator=generator)
        )
        return Batch(functional.one_hot(token_BT, self.inputs).float(), target_BT)

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        loss_NT = functional.cross_entropy(output_NTO.transpose(1, 2), batch.target, reduction="none")
        return loss_NT.mean(1)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        recall = slice(-self.options.symbols, None)
        right_NS = output_NTO[:, recall].argmax(2) == batch.target[:, recall]
        return {"loss": self.loss_N(output_NTO, batch), "recall_accuracy": right_NS.double().mean(1)}

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["recall_accuracy"] >= SOLVED_FROM
