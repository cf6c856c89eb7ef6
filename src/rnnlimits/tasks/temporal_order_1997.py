"""Which came first? The order of two or three signals X or Y far apart, as the task was first posed.

    input  E c a d X b c a d b Y d c a a b B     ->  after the trigger B: class R, which is X, Y

    >>> task = TemporalOrder1997(length=100, options=Options())
    >>> batch = task.sample(200, torch.Generator().manual_seed(0))
    >>> is_signal_BT = batch.x[:, :, :SIGNALS].sum(2) > 0
    >>> is_signal_BT.any(0).nonzero().flatten().tolist()
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60]

Hochreiter & Schmidhuber (1997), experiment 6a, and 6b with signals: 3. With T = 100 as there: E, 100 to 110
steps in all, the last one B, the signals at steps 10 to 20 and 50 to 60 (6b: 10 to 20, 33 to 43, 66 to 76;
counted from 0), and a, b, c or d elsewhere. Other T scale all of this. The form of page `temporal_order` is
Pascanu, Mikolov & Bengio's (2013). A sequence is right when every output is less than 0.3 from its target of
0 or 1: of the softmax here, when the class has more than 0.7. They stop when the latest 2,000 sequences are
right, and never find more than 3 of 2,560 test sequences wrong: here at most that share may be wrong, which
means none of a set of fewer than 854.

Chance: 4 or 8 classes are equally likely: one in 4 (8) is right, and the best loss is ln 4 (ln 8).
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks.base import Batch, counted_mean

SIGNALS = 2  # X, Y: tokens 0 and 1
SYMBOLS = 8  # and a, b, c, d: tokens 2 to 5; E, B: 6 and 7
START, TRIGGER = 6, 7
FIRST_STEPS = {2: (10, 50), 3: (10, 33, 66)}  # per cent of T
RIGHT_FROM = 0.7
WRONG_AT_MOST = 3 / 2560


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    signals: Literal[2, 3] = 2  # experiment 6a or 6b

    def widths(self, length: int) -> tuple[int, int]:
        return 8, 2**self.signals

    def steps(self, length: int) -> int:
        return length + length // 10

    def problem(self, length: int) -> str | None:
        return None if length >= 10 else "the first signal has no place below 10 steps"


class TemporalOrder1997(ClassAtEachStep):
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        return {"accuracy": 1 / self.outputs, "loss": math.log(self.outputs)}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        longest, count = self.length + self.length // 10, self.options.signals
        steps_B1 = torch.randint(self.length, longest + 1, (batch, 1), generator=generator)
        token_BT = torch.randint(SIGNALS, START, (batch, longest), generator=generator)
        signal_BS = torch.randint(0, SIGNALS, (batch, count), generator=generator)
        first_S = torch.tensor([self.length * part // 100 for part in FIRST_STEPS[count]])
        place_BS = first_S + torch.randint(0, self.length // 10 + 1, (batch, count), generator=generator)
        token_BT = token_BT.scatter(1, place_BS, signal_BS).scatter(1, steps_B1 - 1, TRIGGER)
        token_BT[:, 0] = START
        step_T = torch.arange(longest)
        x_BTI = functional.one_hot(token_BT, SYMBOLS) * (step_T < steps_B1).unsqueeze(2)
        class_B1 = (signal_BS * 2 ** torch.arange(count - 1, -1, -1)).sum(1, keepdim=True)
        return Batch(x_BTI.float(), class_B1.expand(-1, longest), (step_T == steps_B1 - 1).float())

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        odds_NT = output_NTO.softmax(2).gather(2, batch.target.unsqueeze(2)).squeeze(2)
        accuracy_N = counted_mean((odds_NT > RIGHT_FROM).double(), batch.mask_BT)
        return {"loss": self.loss_N(output_NTO, batch), "accuracy": accuracy_N}

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] >= 1 - WRONG_AT_MOST
