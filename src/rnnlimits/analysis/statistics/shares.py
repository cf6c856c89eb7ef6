"""Shares of seeds: Wilson's interval to show, exact bounds and Fisher's test to judge."""

from math import hypot

from scipy import stats

from rnnlimits.analysis.statistics.intervals import CONFIDENCE, NOTHING, Interval


def share(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Successes out of n with Wilson's (1927) interval, which has a width even when all succeed.

    >>> [round(bound, 3) for bound in share(5, 5)[:4]]
    [1.0, 0.566, 1.0, 5]
    """
    return _of_binomial(successes, n, confidence, "wilson")


def exact_share(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The same with Clopper & Pearson's (1934) bounds, each of which alone errs in at most 1 - confidence.

    Four of four do not show "at least half": if the share were a half, that would come up in 1 of 16 cases.

    >>> [[round(bound, 3) for bound in exact_share(n, n)[:4]] for n in (4, 5)]
    [[1.0, 0.473, 1.0, 4], [1.0, 0.549, 1.0, 5]]
    """
    return _of_binomial(successes, n, 1 - 2 * (1 - confidence), "exact")


def _of_binomial(successes: int, n: int, confidence: float, method: str) -> Interval:
    if n == 0:
        return NOTHING._replace(estimator="share")
    bounds = stats.binomtest(successes, n).proportion_ci(confidence, method=method)
    return Interval(successes / n, float(bounds.low), float(bounds.high), n, "share")


def share_difference(
    one: int, other: int, n_one: int, n_other: int, confidence: float = CONFIDENCE, level: float = 0.05
) -> Interval:
    """How much larger the first share is: Newcombe's (1998) interval, made of Wilson's two.

    Of few seeds it leaves 0 out where Fisher's test gives no p below `level`; then 0 is made its end.

    >>> [round(bound, 3) for bound in share_difference(5, 0, 5, 5)[:4]]
    [1.0, 0.386, 1.0, 5]
    >>> share_difference(3, 0, 5, 5).low
    0.0
    """
    if not n_one or not n_other:
        return NOTHING._replace(estimator="difference of shares")
    first, second = share(one, n_one, confidence), share(other, n_other, confidence)
    difference = first.estimate - second.estimate
    low = difference - hypot(first.estimate - first.low, second.high - second.estimate)
    high = difference + hypot(first.high - first.estimate, second.estimate - second.low)
    if fisher(one, other, n_one, n_other) >= level:
        low = min(low, 0.0)
    if fisher(other, one, n_other, n_one) >= level:
        high = max(high, 0.0)
    return Interval(difference, low, high, min(n_one, n_other), "difference of shares")


def fisher(one: int, other: int, n_one: int, n_other: int) -> float:
    """Fisher's exact test: the chance of so large a first share if both were drawn from one urn.

    Three of three against none of three is one of the 20 ways to choose who succeeds.

    >>> round(fisher(3, 0, 3, 3), 6)
    0.05
    """
    table = [[one, n_one - one], [other, n_other - other]]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)
