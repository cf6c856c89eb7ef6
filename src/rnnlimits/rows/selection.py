"""Choices made on validation, never on test; used while training and again by the tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

# Of the way from the loss of guessing to 0: less than this may be the luck of one validation set.
AWAY_FROM_CHANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class Validated:
    """What validation found of the weights of one replica; a choice looks at nothing else."""

    score: float  # of the task's metric
    loss: float
    solved: bool  # by the task's own rule


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the training of one seed at one learning rate ended."""

    best: Validated | None  # of its best weights; None: it diverged
    updates_to_solve: int | None = None  # None: it did not solve the task


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What makes one validation better than another: a task states it, for all architectures alike.

    What solves the task comes first.  Then the loss decides, or the score, and the other one between equals.

    >>> rule = Rule(by="loss", higher_is_better=True, chance={"loss": 1.0})
    >>> start = Validated(score=0.10, loss=2.0, solved=False)
    >>> later = Validated(score=0.00, loss=0.9, solved=False)  # it has learnt when to answer, not yet what
    >>> rule.prefers(later, start), rule.leaves_chance(start), rule.leaves_chance(later)
    (True, False, True)
    """

    by: Literal["loss", "score"]
    higher_is_better: bool  # of the score
    chance: Mapping[str, float] = field(default_factory=dict)  # "loss", "score": where they are known

    def prefers(self, one: Validated, other: Validated) -> bool:
        """Is `one` better than `other`?"""
        return (not one.solved, *self.numbers(one)) < (not other.solved, *self.numbers(other))

    def leaves_chance(self, found: Validated) -> bool:
        """Does it answer better than by guessing?  Where that level is not known, everything does."""
        return found.loss < (1 - AWAY_FROM_CHANCE) * self.chance.get("loss", math.inf)

    def numbers(self, found: Validated) -> tuple[float, float]:
        """The number that decides and the one between equals, both so that smaller is better."""
        return self._ordered(loss=found.loss, score=found.score)

    def of_a_diverged_seed(self, others: Sequence[Validated]) -> tuple[float, float]:
        """The same of one that has learnt nothing: chance, or the worst of the others where that is worse."""
        guessed = self._ordered(
            loss=self.chance.get("loss", -math.inf),
            score=self.chance.get("score", math.inf if self.higher_is_better else -math.inf),
        )
        first, second = zip(guessed, *map(self.numbers, others), strict=True)
        return max(first), max(second)

    def _ordered(self, loss: float, score: float) -> tuple[float, float]:
        signed = -score if self.higher_is_better else score
        return (loss, signed) if self.by == "loss" else (signed, loss)


def best_learning_rate(seeds_at: Mapping[float, Sequence[Ended]], rule: Rule) -> float:
    """The rate at which most seeds solve the task; if all do, the one that needs the fewest updates.

    Between others the mean over seeds decides, of what the rule looks at.  A seed that diverged counts as
    one that has learnt nothing: it costs its rate, and decides nothing about the other seeds.

    >>> rule = Rule(by="loss", higher_is_better=False, chance={"loss": 0.17, "score": 0.17})
    >>> def seed(loss, updates=None):
    ...     best = Validated(score=loss, loss=loss, solved=updates is not None)
    ...     return Ended(best=best, updates_to_solve=updates)
    >>> diverged = Ended(best=None)
    >>> best_learning_rate({1e-3: [seed(0.16), seed(0.16)], 1e-2: [seed(0.02), diverged]}, rule)
    0.01
    >>> best_learning_rate({1e-3: [seed(0.001, 900)] * 2, 1e-2: [seed(0.004, 300)] * 2}, rule)
    0.01
    >>> best_learning_rate({1e-3: [seed(0.009, 900), seed(0.17)], 1e-2: [seed(0.02)] * 2}, rule)
    0.001

    Among equals the smaller rate is taken.
    """
    survivors = [seed.best for seeds in seeds_at.values() for seed in seeds if seed.best]
    of_a_diverged_seed = rule.of_a_diverged_seed(survivors)

    def order(rate: float) -> tuple[float, ...]:
        seeds = seeds_at[rate]
        to_solve = [seed.updates_to_solve for seed in seeds if seed.updates_to_solve is not None]
        all_solve = len(to_solve) == len(seeds)
        numbers = [rule.numbers(seed.best) if seed.best else of_a_diverged_seed for seed in seeds]
        means = [sum(column) / len(seeds) for column in zip(*numbers, strict=True)]
        return (-len(to_solve), sum(to_solve) if all_solve else 0, *means, rate)

    return min(seeds_at, key=order)


def one_standard_error(sizes: Mapping[int, tuple[float, float]], higher_is_better: bool) -> tuple[int, int]:
    """(best size, smallest size within one standard error of the best), from size -> (mean, standard error).

    Breiman et al. (1984), Classification and Regression Trees, section 3.4.3: the simplest model whose
    error is within one standard error of the minimum.

    >>> one_standard_error({8: (0.80, 0.02), 16: (0.89, 0.02), 32: (0.90, 0.02)}, higher_is_better=True)
    (32, 16)
    """
    sign = 1.0 if higher_is_better else -1.0
    best = max(sizes, key=lambda size: (sign * sizes[size][0], -size))
    mean, error = sizes[best]
    near = [size for size, (value, _) in sizes.items() if sign * value >= sign * mean - error]
    return best, min(near, default=best)


def of_a_diverged_fold(survivors: Sequence[float], chance: float | None, higher_is_better: bool) -> float:
    """The score of a fold that diverged: chance, or the worst of all other folds where that is worse.

    Not the worst of all numbers: one lost fold must not decide about a size that is good on the others.

    >>> of_a_diverged_fold([0.9, 0.4], 0.1, True), of_a_diverged_fold([0.9, 2.0], 0.5, False)
    (0.1, 2.0)
    """
    known = [*survivors, *([] if chance is None else [chance])]
    worst = -math.inf if higher_is_better else math.inf
    return (min if higher_is_better else max)(known, default=worst)
