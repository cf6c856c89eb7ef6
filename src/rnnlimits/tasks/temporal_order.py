"""Which came first? Two signals, A or B, lie far apart in noise; the class is their order.

    input  c f A d e c f d e f B d c c e f d e c d     ->  after the last step: class AB

    >>> batch = TemporalOrder(length=20, options=Options()).sample(100, torch.Generator().manual_seed(0))
    >>> is_signal_BT = batch.x[:, :, :SIGNALS].sum(2) > 0
    >>> is_signal_BT.any(0).nonzero().flatten().tolist()
    [2, 3, 10, 11]

The first signal stands in the second tenth of the sequence, the second one in the sixth; all other steps
hold c, d, e or f. Classes: AA, AB, BA, BB. Hochreiter & Schmidhuber (1997), experiment 6a, with the
positions of Pascanu, Mikolov & Bengio (2013), who count a run as a success when fewer than 1 % of sequences
are wrong.

Chance: the four classes are equally likely, so one in four is right, and the best loss is ln 4.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEnd
from rnnlimits.tasks.base import Batch

SHORTEST = 10  # steps: below, a tenth of the sequence may hold no step at all
SIGNALS = 2  # A, B: tokens 0 and 1
SYMBOLS = 6  # and c, d, e, f: tokens 2 to 5
CLASSES = 4
SOLVED_FROM = 0.99


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    def widths(self, length: int) -> tuple[int, int]:
        return SYMBOLS, CLASSES

    def problem(self, length: int) -> str | None:
        return None if length >= SHORTEST else f"each tenth needs a step, so at least {SHORTEST} steps"


class TemporalOrder(ClassAtEnd):
    @property
    def chance(self) -> dict[str, float]:
        return {"accuracy": 1 / CLASSES, "loss": math.log(CLASSES)}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        token_BT = torch.randint(SIGNALS, SYMBOLS, (batch, self.length), generator=generator)
        signal_B2 = torch.randint(0, SIGNALS, (batch, 2), generator=generator)
        tenths = [(self.length * tenth // 10, self.length * (tenth + 1) // 10) for tenth in (1, 5)]
        places = [torch.randint(low, high, (batch, 1), generator=generator) for low, high in tenths]
        token_BT = token_BT.scatter(1, torch.cat(places, 1), signal_B2)
        return Batch(
            functional.one_hot(token_BT, SYMBOLS).float(), signal_B2[:, 0] * SIGNALS + signal_B2[:, 1]
        )

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] >= SOLVED_FROM
