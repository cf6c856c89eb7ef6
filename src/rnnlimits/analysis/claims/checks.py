"""One function per kind of check: the numbers of one or two cells ─► a verdict, a sentence, the bound.

Nearly every check rests on `bounds.inside`: the claim puts a number between two bounds, the seeds give an
interval.  It is *reproduced* if the interval lies inside, *contradicted* if it lies outside, *undecided* if
it straddles a bound.  Too few seeds are undecided as well, and so is a majority of them that diverged.

A check of failure, or of a share, can speak only of the budget that was spent: see the column `training`.
"""

from collections.abc import Sequence
from math import exp, inf, isnan, nan

import numpy as np
from pandas import DataFrame, Series

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import (
    FEWEST_SEEDS,
    bootstrap,
    guarded,
    inside,
    of_interval,
    of_statistic,
    short,
)
from rnnlimits.analysis.claims.finding import (
    CONTRADICTED,
    REACHES,
    REPRODUCED,
    UNDECIDED,
    Finding,
    lies,
    limits,
    measured,
    number,
)
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.claims.solving import more_solve, solved_share, speed_up
from rnnlimits.analysis.statistics import Interval


def near_chance(cell: Cell, *, perfect: float, share: float = 0.95, seeds: int = FEWEST_SEEDS) -> Finding:
    """No better than guessing: less than 1 - share of the way from the chance level to a perfect score.

    An error with chance 1/6 and perfect 0: at least 0.95/6.  An accuracy with chance 0.1: at most 0.145.
    """
    bound = cell.chance + (1 - share) * (perfect - cell.chance)
    if isnan(bound):
        return Finding(UNDECIDED, f"{cell.label}: its chance level is not known", "", "no bound without it")
    low, high = (bound, inf) if perfect < cell.chance else (-inf, bound)
    average = statistics.mean(cell.value.to_numpy(), cell.confidence)
    found = of_interval(cell, average, low, high, seeds, bootstrap(cell))
    away = f"the bound is {1 - share:.3g} of the way from chance to {number(perfect)}"
    return found._replace(bound=f"{found.bound} (chance {number(cell.chance)})", why=f"{found.why}; {away}")


def at_least(cell: Cell, *, bound: float, statistic: str = "mean", seeds: int = FEWEST_SEEDS) -> Finding:
    """The mean (median, max, min) over seeds is not below a bound."""
    return of_statistic(cell, statistic, bound, inf, seeds)


def at_most(cell: Cell, *, bound: float, statistic: str = "mean", seeds: int = FEWEST_SEEDS) -> Finding:
    """The mean (median, max, min) over seeds is not above a bound."""
    return of_statistic(cell, statistic, -inf, bound, seeds)


def within(
    cell: Cell,
    *,
    low: float = nan,
    high: float = nan,
    of: float = nan,
    factor: float = nan,
    statistic: str = "mean",
    seeds: int = FEWEST_SEEDS,
) -> Finding:
    """The mean (or median) over seeds lies in a range, or within a factor of the source's number."""
    ends = (low, high) if isnan(factor) else (of / factor, of * factor)
    found = of_statistic(cell, statistic, *ends, seeds)
    if isnan(factor):
        return found
    return found._replace(bound=f"{found.bound} (within a factor {number(factor)} of {number(of)})")


def none_exceeds(cells: Sequence[Cell], *, bound: float = 0.0, seeds: int = 1) -> Finding:
    """Not a single number above the bound: for what theory forbids, so that one exception contradicts it."""
    values = np.concatenate([cell.value.dropna().to_numpy() for cell in cells])
    name, text = cells[0].metric, limits(-inf, bound)
    if len(values) < seeds:
        return Finding(UNDECIDED, f"{name}: {len(values)} values", text, f"too few, {seeds} are needed")
    above = int((values > bound).sum())
    sentence = f"{name} of {len(values)} networks: {above} above {bound:g}, the largest is {values.max():.3g}"
    verdict = CONTRADICTED if above else REPRODUCED
    why = f"{'one' if above else 'not one'} is enough to contradict it"
    largest = Interval(float(values.max()), nan, nan, len(values))
    return Finding(verdict, sentence, text, why, largest, (-inf, bound))


def exists(table: DataFrame, *, conditions: dict[str, dict[str, float]], seeds: int = 1) -> Finding:
    """At least one network meets all conditions; that none was found proves nothing."""
    meets = Series(True, index=table.index)
    for metric, condition in conditions.items():
        meets &= table[metric] > condition.get("above", -inf)
        meets &= table[metric] < condition.get("below", inf)
    words = [f"{metric} {word} {n:g}" for metric, one in conditions.items() for word, n in one.items()]
    text, found = " and ".join(words), int(meets.sum())
    verdict = REPRODUCED if found and len(table) >= seeds else UNDECIDED
    why = "one is enough; that none was found would prove nothing"
    counted, said = Interval(found, nan, nan, len(table)), f"{found} of {len(table)} networks have {text}"
    return Finding(verdict, said, "at least one", why, counted, (1, inf))


def ordering(
    one: Cell, other: Cell, *, direction: str, margin: float = 0.0, seeds: int = FEWEST_SEEDS
) -> Finding:
    """`where` is higher (or lower) than `against` by a margin: the mean difference between equal seeds.

    Reproduced needs an interval above 0 and a mean difference of at least the margin; contradicted, an
    interval wholly below the margin.  With a margin of 0, equal results decide nothing.
    """
    sign = 1 if direction == "higher" else -1
    interval = _of_pairs(sign * (one.value - other.value), one)
    if interval.low > 0 and interval.estimate >= margin:
        verdict = REPRODUCED
    else:
        verdict = CONTRADICTED if interval.high < margin else UNDECIDED
    bound, claimed = f"{direction} by ≥ {number(margin)}" if margin else direction, interval
    if interval.estimate < 0:  # "lower by 2" reads better than "higher by -2"
        direction = "lower" if direction == "higher" else "higher"
        interval = Interval(-interval.estimate, -interval.high, -interval.low, interval.n)
    said = f"{one.label} is {direction} than {short(one, other)} by {measured(interval)} pairs"
    why = f"{bootstrap(one, 'mean difference')}; {REACHES[verdict]} {number(margin)}"
    return guarded(Finding(verdict, said, bound, why, claimed, (margin, inf)), seeds, one, other)


def agree(one: Cell, other: Cell, *, tolerance: float, seeds: int = FEWEST_SEEDS) -> Finding:
    """Two measurements of the same seeds differ by no more than the tolerance, in the mean."""
    interval = _of_pairs(one.value - other.value, one)
    said = f"{one.label} minus {short(one, other)}: {measured(interval)} pairs"
    verdict = inside(interval, -tolerance, tolerance)
    why = f"{bootstrap(one, 'mean difference')}; {lies(interval, verdict)}"
    ends = (-tolerance, tolerance)
    return guarded(Finding(verdict, said, limits(*ends), why, interval, ends), seeds, one, other)


def ratio(one: Cell, other: Cell, *, at_least: float, seeds: int = FEWEST_SEEDS) -> Finding:
    """`where` divided by `against`, seed by seed: the geometric mean is at least a bound."""
    quotient = one.value / other.value
    estimate, low, high, n = _of_pairs(quotient.where(quotient > 0).map(np.log), one)
    interval = Interval(exp(estimate), exp(low), exp(high), n)
    said = f"{one.label} over {short(one, other)}: {measured(interval)} pairs"
    verdict = inside(interval, at_least)
    why = f"{bootstrap(one, 'geometric mean quotient')}; {lies(interval, verdict)}"
    finding = Finding(verdict, said, limits(at_least, inf), why, interval, (at_least, inf))
    return guarded(finding, seeds, one, other)


ONE_CELL = {check.__name__: check for check in (near_chance, at_least, at_most, within, solved_share)}
TWO_CELLS = {check.__name__: check for check in (ordering, agree, ratio, more_solve, speed_up)}
ALL_CELLS = {check.__name__: check for check in (none_exceeds,)}
ALL_NETWORKS = {check.__name__: check for check in (exists,)}


def _of_pairs(difference: Series, one: Cell) -> Interval:
    return statistics.mean(difference.to_numpy(), one.confidence)
