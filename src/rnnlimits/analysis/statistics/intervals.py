"""Means, differences and quotients of means over seeds, with Student's and Welch's intervals."""

from math import exp, inf, nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy import stats

from rnnlimits.analysis.statistics.scales import LINEAR, Array, Scale

CONFIDENCE = 0.95

# Shape letters: G groups (one mean each), N seeds.


class Interval(NamedTuple):
    """An estimate with the interval that its seeds allow."""

    estimate: float
    low: float
    high: float
    n: int
    estimator: str = "mean"


NOTHING = Interval(nan, nan, nan, 0)


def mean_intervals(
    values_GN: Array, confidence: float = CONFIDENCE, scale: Scale = LINEAR
) -> tuple[Array, Array, Array]:
    """Mean, low and high of every row; one seed has no interval, equal seeds have one of width zero.

    Of two seeds Student's t is 12.7, so that their interval is 12.7 times as far from the mean as they are.

    >>> mean_intervals(np.array([[1.0, 3.0], [4.0, 4.0]]))
    (array([2., 4.]), array([-10.70620474,   4.        ]), array([14.70620474,  4.        ]))
    """
    seeds = values_GN.shape[1]
    there_GN = scale.there(values_GN)
    centre_G = there_GN.mean(axis=1)
    if seeds == 1:
        return scale.back(centre_G), np.full(len(centre_G), nan), np.full(len(centre_G), nan)
    margin_G = stats.t.ppf((1 + confidence) / 2, seeds - 1) * there_GN.std(axis=1, ddof=1) / sqrt(seeds)
    low_G, mean_G, high_G = (
        scale.back(end_G) for end_G in (centre_G - margin_G, centre_G, centre_G + margin_G)
    )
    # Rounding must not give equal seeds a width, nor put their mean beside them.
    smallest_G, largest_G = values_GN.min(axis=1), values_GN.max(axis=1)
    same_G = smallest_G == largest_G
    low_G, high_G = np.where(same_G, smallest_G, low_G), np.where(same_G, largest_G, high_G)
    return mean_G.clip(smallest_G, largest_G), low_G.clip(min=scale.low), high_G.clip(max=scale.high)


def mean(values_N: Array, confidence: float = CONFIDENCE, scale: Scale = LINEAR) -> Interval:
    """The mean of the seeds that have a value.

    >>> [round(bound, 2) for bound in mean(np.array([1.0, nan, 2.0, 6.0]))[:4]]
    [3.0, -3.57, 9.57, 3]
    """
    finite_N = values_N[~np.isnan(values_N)]
    if not len(finite_N):
        return NOTHING._replace(estimator=scale.estimator)
    estimate, low, high = (
        float(bound_G[0]) for bound_G in mean_intervals(finite_N[None, :], confidence, scale)
    )
    return Interval(estimate, low, high, len(finite_N), scale.estimator)


def difference(one_N: Array, other_N: Array, confidence: float = CONFIDENCE) -> Interval:
    """How much larger the first mean is than the second, of networks that share nothing (Welch, 1947).

    `n` is the smaller number of seeds.

    >>> [round(bound, 2) for bound in difference(np.array([4.0, 5.0, 6.0]), np.array([1.0, 2.0, 3.0]))[:4]]
    [3.0, 0.73, 5.27, 3]
    """
    one_N, other_N = one_N[~np.isnan(one_N)], other_N[~np.isnan(other_N)]
    n = min(len(one_N), len(other_N))
    if not n:
        return NOTHING
    estimate = float(one_N.mean() - other_N.mean())
    if n == 1:
        return Interval(estimate, nan, nan, 1)
    variances = [values_N.var(ddof=1) / len(values_N) for values_N in (one_N, other_N)]
    if not sum(variances):
        return Interval(estimate, estimate, estimate, n)
    shares = [variance**2 / (len(side) - 1) for variance, side in zip(variances, (one_N, other_N))]
    margin = stats.t.ppf((1 + confidence) / 2, sum(variances) ** 2 / sum(shares)) * sqrt(sum(variances))
    return Interval(estimate, estimate - float(margin), estimate + float(margin), n)


def quotient(one_N: Array, other_N: Array, paired: bool, confidence: float = CONFIDENCE) -> Interval:
    """The quotient of two geometric means; numbers that are not positive have none.

    >>> [round(bound, 2) for bound in quotient(np.array([2.0, 4.0]), np.array([1.0, 2.0]), paired=True)[:4]]
    [2.0, 2.0, 2.0, 2]
    """
    one_N, other_N = (np.log(np.where(values_N > 0, values_N, nan)) for values_N in (one_N, other_N))
    logs = mean(one_N - other_N, confidence) if paired else difference(one_N, other_N, confidence)
    estimate, low, high = (_exp(end) for end in logs[:3])
    return Interval(estimate, low, high, logs.n, "quotient of geometric means")


def _exp(value: float) -> float:
    return inf if value > 700 else exp(value)
