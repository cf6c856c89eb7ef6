"""Choices made on validation, never on test; used while training and again by the tables."""

import math
from collections.abc import Mapping


def best_learning_rate(scores: Mapping[float, list[float | None]], higher_is_better: bool) -> float:
    """The rate with the best mean over seeds; a seed that diverged (None) counts as the worst possible.

    >>> best_learning_rate({1e-3: [0.5, 0.7], 1e-2: [0.9, None]}, higher_is_better=True)
    0.001

    Among equals the smaller rate is taken.
    """
    worst = -math.inf if higher_is_better else math.inf

    def mean(rate: float) -> float:
        values = [worst if value is None else value for value in scores[rate]]
        return sum(values) / len(values)

    sign = -1.0 if higher_is_better else 1.0
    return min(scores, key=lambda rate: (sign * mean(rate), rate))


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
