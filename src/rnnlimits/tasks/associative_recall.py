"""Look words up: pairs of a key and a value are read, then keys come again and ask for their values.

    input   k3 v1 k7 v4 . . k7 . . . . . k3 .     . is any token
    target                  v4           v1       and nothing at the other steps

    >>> batch = AssociativeRecall(64, Options()).sample(5, torch.Generator().manual_seed(0))
    >>> batch.x.shape, batch.mask_BT.sum(1).tolist()
    (torch.Size([5, 64]), [4.0, 4.0, 4.0, 4.0, 4.0])

Multi-query associative recall (MQAR), Arora et al. (2023, Zoology), as in their generator multiquery_ar.py:
V = 8,192 tokens, of which keys are 1 to V/2 - 1 and values V/2 to V - 1, none twice among the pairs; each key
asks once, at an even step after the pairs, the i-th of these with odds ~ i^(a - 1), a = 0.01; all other steps
hold random tokens. Their settings (length, pairs): (64, 4), (128, 8), (256, 16), (512, 64). The score is the
share of right answers; 99 % counts as solved here.

Chance: any of the V/2 values may be asked for, so 2/V of the answers are right and the best loss is ln (V/2).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks.base import Batch

NEAR = 0.01  # the exponent a: small, so questions come soon after the pairs
SOLVED_FROM = 0.99


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    pairs: int = 4
    vocabulary: int = 8192
    embedding: int = 64  # numbers that stand for one token
    evaluation_batch: ClassVar = 25  # the read-outs of one sequence are many numbers: pairs x vocabulary

    def widths(self, length: int) -> tuple[int, int]:
        return self.vocabulary, self.vocabulary

    def asked_steps(self, length: int) -> int:
        return self.pairs

    def problem(self, length: int) -> str | None:
        if (
            self.pairs < 1
            or self.embedding < 1
            or self.vocabulary < 2 * self.pairs + 2
            or self.vocabulary % 2
        ):
            return (
                f"pairs ({self.pairs}) and embedding ({self.embedding}) must be 1 or more, "
                f"vocabulary ({self.vocabulary}) even and at least 2 x pairs + 2"
            )
        fits = length >= 4 * self.pairs and length % 2 == 0
        return None if fits else f"{self.pairs} pairs need an even number of at least {4 * self.pairs} steps"


class AssociativeRecall(ClassAtEachStep):
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        return {"accuracy": 2 / self.outputs, "loss": math.log(self.outputs / 2)}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        pairs, values = self.options.pairs, self.outputs // 2

        def some(odds: Tensor) -> Tensor:  # `pairs` different places of each row
            return torch.multinomial(odds.expand(batch, -1), pairs, generator=generator)

        key_BK, value_BK = 1 + some(torch.ones(values - 1)), values + some(torch.ones(values))
        later_BK = some(torch.arange(1, self.length // 2 - pairs + 1) ** (NEAR - 1))
        ask_BK = 2 * pairs + 2 * later_BK
        token_BT = torch.randint(0, self.outputs, (batch, self.length), generator=generator)
        token_BT[:, : 2 * pairs] = torch.stack([key_BK, value_BK], 2).flatten(1)
        token_BT = token_BT.scatter(1, ask_BK, key_BK)
        nothing_BT = torch.zeros_like(token_BT)
        target_BT = nothing_BT.scatter(1, ask_BK, value_BK)
        return Batch(token_BT, target_BT, nothing_BT.float().scatter(1, ask_BK, 1.0))

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] >= SOLVED_FROM
