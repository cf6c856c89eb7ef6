"""Intervals over seeds: the bootstrap for a mean, Wilson's for a share, and what n seeds can say at all.

With n seeds there are only C(2n-1, n) different resamples.  Up to `ENUMERATED` seeds we take every one with
its weight instead of drawing some: no random number enters, and a table rebuilt years later has the same
bytes.  Above that, scipy draws them with a fixed seed.

A percentile interval cannot reach beyond the smallest and the largest seed, so with few seeds it is too
narrow: of intervals called 95 %, those of normally distributed results hold the true mean in about 75 %
(n = 3), 84 % (n = 5) and 90 % (n = 10) of the cases.  Read "three seeds" as "these three", no more.
"""

from functools import cache
from itertools import combinations_with_replacement
from math import factorial, hypot, nan, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
ENUMERATED = 7  # C(13, 7) = 1,716 resamples; one seed more and there are 6,435
RESAMPLES = 9_999  # scipy's default
SEED = 0

# Shape letters: G groups (one mean each), N seeds, M different resamples of N seeds.
Array = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with the interval that its seeds allow."""

    estimate: float
    low: float
    high: float
    n: int


def mean_intervals(values_GN: Array, confidence: float = CONFIDENCE) -> tuple[Array, Array, Array]:
    """Mean, low and high of every row; one seed has no interval, equal seeds have one of width zero.

    Three seeds: all three resamples equal to the smallest come up in 1 of 27 cases, more than 2.5 %, so the
    interval runs from the smallest to the largest seed.

    >>> mean_intervals(np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 4.0]]))
    (array([3., 4.]), array([1., 4.]), array([6., 4.]))
    """
    groups, seeds = values_GN.shape
    mean_G = values_GN.mean(axis=1)
    if seeds == 1:
        return mean_G, np.full(groups, nan), np.full(groups, nan)
    tail = (1 - confidence) / 2
    low_G, high_G = (_enumerated if seeds <= ENUMERATED else _drawn)(values_GN, tail)
    # Rounding must not give equal seeds a width, nor put a bound beyond the seeds.
    smallest_G, largest_G = values_GN.min(axis=1), values_GN.max(axis=1)
    mean_G, low_G, high_G = (bound_G.clip(smallest_G, largest_G) for bound_G in (mean_G, low_G, high_G))
    return mean_G, low_G, high_G


def _enumerated(values_GN: Array, tail: float) -> tuple[Array, Array]:
    """Quantiles of the mean over all resamples, each counted as often as it can be drawn."""
    counts_MN, weight_M = _resamples(values_GN.shape[1])
    mean_GM = values_GN @ counts_MN.T / values_GN.shape[1]
    order_GM = mean_GM.argsort(axis=1, kind="stable")
    below_GM = weight_M[order_GM].cumsum(axis=1)
    total = weight_M.sum()

    def quantile(share: float) -> Array:
        first_G = (below_GM >= share * total).argmax(axis=1)
        return np.take_along_axis(mean_GM, np.take_along_axis(order_GM, first_G[:, None], 1), 1)[:, 0]

    return quantile(tail), quantile(1 - tail)


@cache
def _resamples(seeds: int) -> tuple[Array, NDArray[np.int64]]:
    """How often each seed stands in each resample, and in how many orders that resample can be drawn.

    >>> counts_MN, weight_M = _resamples(2)
    >>> counts_MN.tolist(), weight_M.tolist()
    ([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]], [1, 2, 1])
    """
    chosen = list(combinations_with_replacement(range(seeds), seeds))
    counts = [[picks.count(seed) for seed in range(seeds)] for picks in chosen]
    weights = [factorial(seeds) // prod(factorial(count) for count in row) for row in counts]
    return np.array(counts, dtype=float), np.array(weights)


def _drawn(values_GN: Array, tail: float) -> tuple[Array, Array]:
    """The same quantiles from drawn resamples; groups go in parts, or the draws would fill the memory."""
    parts = [
        stats.bootstrap(
            (part_GN,), np.mean, axis=-1, method="percentile", vectorized=True, confidence_level=1 - 2 * tail,
            n_resamples=RESAMPLES, rng=np.random.default_rng(SEED),
        ).confidence_interval
        for part_GN in np.array_split(values_GN, 1 + len(values_GN) // 64)
    ]  # fmt: skip
    return np.concatenate([part.low for part in parts]), np.concatenate([part.high for part in parts])


def mean(values_N: Array, confidence: float = CONFIDENCE) -> Interval:
    """The mean of the seeds that have a value.

    >>> mean(np.array([1.0, nan, 2.0, 6.0]))
    Interval(estimate=3.0, low=1.0, high=6.0, n=3)
    """
    finite_N = values_N[~np.isnan(values_N)]
    if not len(finite_N):
        return Interval(nan, nan, nan, 0)
    estimate, low, high = (float(bound_G[0]) for bound_G in mean_intervals(finite_N[None, :], confidence))
    return Interval(estimate, low, high, len(finite_N))


def median(values_N: Array, confidence: float = CONFIDENCE) -> Interval:
    """The median of the seeds that have a value, for times to success, which have long tails.

    >>> median(np.array([7.0, 7.0, 7.0]))
    Interval(estimate=7.0, low=7.0, high=7.0, n=3)
    """
    finite_N = np.sort(values_N[~np.isnan(values_N)])
    if not len(finite_N):
        return Interval(nan, nan, nan, 0)
    estimate = float(np.median(finite_N))
    if len(finite_N) == 1:
        return Interval(estimate, nan, nan, 1)
    bounds = stats.bootstrap(
        (finite_N,), np.median, method="percentile", vectorized=True, rng=np.random.default_rng(SEED),
        confidence_level=confidence, n_resamples=RESAMPLES,
    ).confidence_interval  # fmt: skip
    return Interval(estimate, float(bounds.low), float(bounds.high), len(finite_N))


def share(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Successes out of n with Wilson's (1927) interval, which has a width even when all succeed.

    >>> [round(bound, 3) for bound in share(5, 5)]
    [1.0, 0.566, 1.0, 5]
    """
    if n == 0:
        return Interval(nan, nan, nan, 0)
    bounds = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return Interval(successes / n, float(bounds.low), float(bounds.high), n)


def share_difference(
    one: int, other: int, n_one: int, n_other: int, confidence: float = CONFIDENCE
) -> Interval:
    """How much larger the first share is, with Newcombe's (1998) interval, made of Wilson's two.

    >>> [round(bound, 3) for bound in share_difference(5, 0, 5, 5)]
    [1.0, 0.386, 1.0, 5]
    """
    if not n_one or not n_other:
        return Interval(nan, nan, nan, 0)
    first, second = share(one, n_one, confidence), share(other, n_other, confidence)
    difference = first.estimate - second.estimate
    below = hypot(first.estimate - first.low, second.high - second.estimate)
    above = hypot(first.high - first.estimate, second.estimate - second.low)
    return Interval(difference, difference - below, difference + above, min(n_one, n_other))


def fisher(one: int, other: int, n_one: int, n_other: int) -> float:
    """Fisher's exact test: the chance of so large a first share if both were drawn from one urn.

    Three of three against none of three is one of the 20 ways to choose who succeeds.

    >>> round(fisher(3, 0, 3, 3), 6)
    0.05
    """
    table = [[one, n_one - one], [other, n_other - other]]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)
