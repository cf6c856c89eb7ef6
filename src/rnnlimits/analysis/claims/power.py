"""How many seeds would decide what is undecided, if further seeds spread as those that are there."""

from collections.abc import Callable
from math import inf, isfinite, isnan, log, sqrt

from scipy import stats

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import inside
from rnnlimits.analysis.claims.finding import UNDECIDED, Finding
from rnnlimits.analysis.statistics import Interval

MOST = 10_000  # seeds; what takes more lies at its bound


def seeds_to_decide(finding: Finding, confidence: float) -> int | None:
    """The number of seeds (a side) at which the interval would no longer straddle a bound.

    None where something else than the spread keeps it undecided, and where MOST would not do.

    >>> from rnnlimits.analysis.statistics import Interval
    >>> at = Finding(UNDECIDED, "", "", interval=Interval(0.3, -0.1, 0.7, 5), limits=(0.1, inf))
    >>> seeds_to_decide(at, 0.95)
    13
    """
    interval, limits = finding.interval, finding.limits
    if finding.verdict != UNDECIDED or isnan(interval.low) or inside(interval, *limits) != UNDECIDED:
        return None
    if interval.estimator == "share":
        return _first(lambda n: _of_share(interval, n, confidence), interval, limits)
    scaled, ends = _scaled(interval, limits)
    width = _width_of_median if "median" in interval.estimator else _width_of_mean
    return _first(lambda n: _narrowed(scaled, width(scaled.n, n, confidence)), scaled, ends)


def _first(of: Callable[[int], Interval], interval: Interval, limits: tuple[float, float]) -> int | None:
    """The first number of seeds that decides; doubled first, or hundreds would be tried one by one."""
    low, high = interval.n, interval.n
    while inside(of(high), *limits) == UNDECIDED:
        low, high = high, 2 * high
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if inside(of(middle), *limits) == UNDECIDED else (low, middle)
    return high


def _of_share(interval: Interval, n: int, confidence: float) -> Interval:
    return statistics.exact_share(round(interval.estimate * n), n, confidence)


def _scaled(interval: Interval, limits: tuple[float, float]) -> tuple[Interval, tuple[float, float]]:
    """Interval and bounds on the scale on which the interval is as wide to both sides."""
    to = {"geometric": _log, "logits": _logit}
    there = next((to[word] for word in to if word in interval.estimator), None)
    if there is None:
        return interval, limits
    estimate, low, high = (there(end) for end in interval[:3])
    return interval._replace(estimate=estimate, low=low, high=high), (there(limits[0]), there(limits[1]))


def _log(value: float) -> float:
    return -inf if value <= 0 else inf if value == inf else log(value)


def _logit(value: float) -> float:
    return -inf if value <= 0 else inf if value >= 1 else log(value / (1 - value))


def _width_of_mean(n: int, more: int, confidence: float) -> float:
    """How much narrower Student's interval of more seeds is."""
    quantiles = [stats.t.ppf((1 + confidence) / 2, max(1, seeds - 1)) for seeds in (n, more)]
    return float(quantiles[1] / quantiles[0]) * sqrt(n / more)


def _width_of_median(n: int, more: int, confidence: float) -> float:
    return sqrt(n / more)


def _narrowed(interval: Interval, by: float) -> Interval:
    low, high = (
        interval.estimate + by * (end - interval.estimate) if isfinite(end) else end
        for end in (interval.low, interval.high)
    )
    return interval._replace(low=low, high=high)
