"""a^n b^n: say after each symbol which ones may follow; n has to be counted.

    input    S  a  a  b  b       S starts, T ends
    legal    a  ab ab b  T

    >>> batch = Counting(length=5, options=Options()).sample(20, torch.Generator().manual_seed(0))
    >>> of_two = batch.x[:, 4].any(1)  # n is 1 or 2; these are the strings of n = 2
    >>> batch.target[of_two][0].tolist()  # columns: a, b, T
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]

Gers & Schmidhuber (2001): a string is accepted when at every step exactly the legal symbols are predicted,
each by a sigmoid that is cut at 1/2. Training strings have n = 1 to N with equal odds, and T = 2 N + 1 steps
hold S and the longest. There are only N of them, so the other splits have longer ones, n = N + 1 to M, where
M is 2 N or (longest - 1) / 2: M, M - 2, ... for test and M - 1, M - 3, ... for validation. So no string is in
two splits, but how long those of test are is no secret to what chooses: a training that ends when strings a
little longer are accepted leaves a network that counts hardly further. Weiss, Goldberg & Yahav (2018) show an
LSTM that learns to count beyond its training, and a GRU that does not. Here 99 % accepted counts as solved.
On longer strings the loss can rise, by answers that are wrong and sure, while more of them are accepted. So
the score chooses weights. It stays at 0 for long, and there the loss tells which are better.

Chance, of the strings of test: without memory only what follows a b is unknown; always T accepts n = 1 alone,
so none of them. The best loss, a mean over three symbols and 2 n + 1 steps, gives T the odds p = A / (A + B)
after each b, where A = E[1 / (2 n + 1)], B = E[(n - 1) / (2 n + 1)]: 2/3 (-A ln p - B ln (1 - p)).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks.base import Batch, Split, Task, counted_mean

SYMBOLS = 3  # read: S, a, b; to be predicted: a, b, T
SOLVED_FROM = 0.99


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    longest: int | None = None  # steps of the longest string of test; null: twice the n of the training

    def widths(self, length: int) -> tuple[int, int]:
        return SYMBOLS, SYMBOLS

    def steps(self, length: int) -> int:
        return self.longest or 4 * ((length - 1) // 2) + 1

    def problem(self, length: int) -> str | None:
        if self.longest is not None and self.longest < length + 4:
            return f"longest ({self.longest}) must be length + 4 or more: one n for validation, one for test"
        return None if length >= 5 else "at least 5 steps: one string is no language"


class Counting(Task):
    metric = "accepted"
    chosen_by = "score"
    higher_is_better = True
    units: ClassVar = {"accepted": "share", "loss": "nats"}
    options: Options

    def judged(self, split: Split) -> range:
        """The n of validation or test.

        >>> [Counting(21, Options(longest=61)).judged(split) for split in ("validation", "test")]
        [range(29, 10, -2), range(30, 10, -2)]
        """
        trained, most = (self.length - 1) // 2, (self.options.steps(self.length) - 1) // 2
        return range(most - (split == "validation"), trained, -2)

    @property
    def chance(self) -> dict[str, float]:
        counts = self.judged("test")
        ends = sum(1 / (2 * n + 1) for n in counts) / len(counts)
        goes_on = sum((n - 1) / (2 * n + 1) for n in counts) / len(counts)
        p = ends / (ends + goes_on)
        loss = -2 / SYMBOLS * (ends * math.log(p) + goes_on * math.log(1 - p))
        return {"accepted": 0.0, "loss": loss}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        return strings(batch, range(1, (self.length + 1) // 2), self.length, generator)

    def evaluation_sample(self, split: Split, batch: int, generator: torch.Generator) -> Batch:
        return strings(batch, self.judged(split), self.options.steps(self.length), generator)

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        loss_NTO = functional.binary_cross_entropy_with_logits(output_NTO, batch.target, reduction="none")
        return counted_mean(loss_NTO.mean(2), batch.mask_BT)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_NT = ((output_NTO > 0) == (batch.target > 0)).all(2)
        wrong_N = counted_mean((~right_NT).double(), batch.mask_BT)
        return {"loss": self.loss_N(output_NTO, batch), "accepted": (wrong_N == 0).double()}

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accepted"] >= SOLVED_FROM


def strings(batch: int, counts: range, steps: int, generator: torch.Generator) -> Batch:
    """S a^n b^n with n from `counts`, and nothing after it."""
    n_B1 = torch.tensor(counts)[torch.randint(0, len(counts), (batch, 1), generator=generator)]
    t_T = torch.arange(steps)
    start_BT, a_BT, b_BT = t_T == 0 * n_B1, (t_T > 0) & (t_T <= n_B1), (t_T > n_B1) & (t_T <= 2 * n_B1)
    last_BT = t_T == 2 * n_B1
    legal = torch.stack([start_BT | a_BT, a_BT | (b_BT & ~last_BT), last_BT], 2)
    return Batch(torch.stack([start_BT, a_BT, b_BT], 2).float(), legal.float(), (t_T <= 2 * n_B1).float())
