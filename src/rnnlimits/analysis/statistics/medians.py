"""Medians over seeds, for times to success, which have long tails and may be cut off."""

from math import nan

import numpy as np
from scipy import stats

from rnnlimits.analysis.statistics.intervals import CONFIDENCE, NOTHING, Interval
from rnnlimits.analysis.statistics.scales import Array
from rnnlimits.contracts import FEWEST_OF_MEDIAN

RESAMPLES = 9_999  # scipy's default
SEED = 0


def median(values_N: Array, confidence: float = CONFIDENCE) -> Interval:
    """The median of the seeds that have a value; fewer than FEWEST_OF_MEDIAN have no interval.

    >>> median(np.array([7.0, 7.0, 7.0, 7.0, 7.0]))
    Interval(estimate=7.0, low=7.0, high=7.0, n=5, estimator='median')
    >>> median(np.array([6.0, 7.0, 8.0])).low
    nan
    """
    finite_N = np.sort(values_N[~np.isnan(values_N)])
    if not len(finite_N):
        return NOTHING._replace(estimator="median")
    return _bootstrapped((finite_N,), _median, "median", confidence)


def quotient_of_medians(one_N: Array, other_N: Array, confidence: float = CONFIDENCE) -> Interval:
    """The median of one side over that of another with which it shares nothing.

    >>> quotient_of_medians(np.full(5, 600.0), np.full(5, 200.0))[:4]
    (3.0, 3.0, 3.0, 5)
    """
    return _of_two(one_N, other_N, _quotient, "quotient of medians", confidence)


def difference_of_medians(one_N: Array, other_N: Array, confidence: float = CONFIDENCE) -> Interval:
    """The median of one side minus that of another with which it shares nothing.

    >>> difference_of_medians(np.full(5, 0.9), np.full(5, 0.4))[:4]
    (0.5, 0.5, 0.5, 5)
    """
    return _of_two(one_N, other_N, _difference, "difference of medians", confidence)


def _of_two(one_N: Array, other_N: Array, statistic: object, name: str, confidence: float) -> Interval:
    sides = tuple(np.sort(values_N[~np.isnan(values_N)]) for values_N in (one_N, other_N))
    if not min(map(len, sides)):
        return NOTHING._replace(estimator=name)
    return _bootstrapped(sides, statistic, name, confidence)


def _median(values: Array, axis: int = -1) -> Array:
    return np.asarray(np.median(values, axis=axis))


def _quotient(one: Array, other: Array, axis: int = -1) -> Array:
    return np.asarray(np.median(one, axis=axis) / np.median(other, axis=axis))


def _difference(one: Array, other: Array, axis: int = -1) -> Array:
    return np.asarray(np.median(one, axis=axis) - np.median(other, axis=axis))


def _bootstrapped(sides: tuple[Array, ...], statistic: object, name: str, confidence: float) -> Interval:
    estimate, n = float(statistic(*sides)), min(map(len, sides))  # type: ignore[operator]
    if n < FEWEST_OF_MEDIAN:
        return Interval(estimate, nan, nan, n, name)
    bounds = stats.bootstrap(
        sides, statistic, method="percentile", vectorized=True, rng=np.random.default_rng(SEED),
        confidence_level=confidence, n_resamples=RESAMPLES,
    ).confidence_interval  # fmt: skip
    return Interval(estimate, float(bounds.low), float(bounds.high), n, name)
