"""One function per kind of check: the numbers of one or two cells ─► a verdict, a sentence, the bound.

Nearly every check rests on `inside`: the claim puts a number between two bounds, the seeds give an interval.
It is *reproduced* if the interval lies inside, *contradicted* if it lies outside, *undecided* if it straddles
a bound.  Too few seeds are undecided as well, and so is a majority of them that diverged.

A check of failure, or of a share, can speak only of the budget that was spent: see the column `budget`.
"""

from collections.abc import Sequence
from math import exp, inf, isnan

import numpy as np
from pandas import DataFrame, Series

from rnnlimits import statistics
from rnnlimits.claims.finding import (
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
from rnnlimits.claims.selection import Cell
from rnnlimits.statistics import Interval

FEWEST_SEEDS = 3  # of two, an interval is just the two


def inside(interval: Interval, low: float = -inf, high: float = inf) -> str:
    """Where an interval lies, seen from the claim's bounds.

    >>> [inside(Interval(2, 1, 3, 5), low) for low in (0, 2, 4)]
    ['reproduced', 'undecided', 'contradicted']
    """
    if isnan(interval.low) or isnan(interval.high):
        return UNDECIDED
    if low <= interval.low and interval.high <= high:
        return REPRODUCED
    return CONTRADICTED if interval.high < low or interval.low > high else UNDECIDED


def near_chance(cell: Cell, *, perfect: float, share: float = 0.95, seeds: int = FEWEST_SEEDS) -> Finding:
    """No better than guessing: less than 1 - share of the way from the chance level to a perfect score.

    An error with chance 1/6 and perfect 0: at least 0.95/6.  An accuracy with chance 0.1: at most 0.145.
    """
    bound = cell.chance + (1 - share) * (perfect - cell.chance)
    if isnan(bound):
        return Finding(UNDECIDED, f"{cell.label}: its chance level is not known", "", "no bound without it")
    low, high = (bound, inf) if perfect < cell.chance else (-inf, bound)
    found = _of_one(cell, _averages(cell, "mean"), low, high, seeds, _bootstrap(cell))
    away = f"the bound is {1 - share:.3g} of the way from chance to {number(perfect)}"
    return found._replace(bound=f"{found.bound} (chance {number(cell.chance)})", why=f"{found.why}; {away}")


def at_least(cell: Cell, *, bound: float, statistic: str = "mean", seeds: int = FEWEST_SEEDS) -> Finding:
    """The mean (or median) over seeds is not below a bound."""
    return _of_one(cell, _averages(cell, statistic), bound, inf, seeds, _bootstrap(cell, statistic))


def at_most(cell: Cell, *, bound: float, statistic: str = "mean", seeds: int = FEWEST_SEEDS) -> Finding:
    """The mean (or median) over seeds is not above a bound."""
    return _of_one(cell, _averages(cell, statistic), -inf, bound, seeds, _bootstrap(cell, statistic))


def within(cell: Cell, *, low: float, high: float, seeds: int = FEWEST_SEEDS) -> Finding:
    """The mean over seeds lies in a range."""
    return _of_one(cell, _averages(cell, "mean"), low, high, seeds, _bootstrap(cell))


def solved_share(
    cell: Cell, *, at_least: float = -inf, at_most: float = inf, seeds: int = FEWEST_SEEDS
) -> Finding:
    """The share of seeds that solve the task, with Wilson's interval; one that diverged did not solve it.

    Three of three give [0.44, 1]: to say "more than half" takes four.  Seeds that used up their budget might
    have solved it later: too few solved is no contradiction if most of the others were cut off like that.
    """
    solved = cell.value.fillna(0) == 1
    interval = statistics.share(int(solved.sum()), len(solved), cell.confidence)
    counted = f"{int(solved.sum())} of {len(solved)} seeds solved it, {_percent(cell)} Wilson interval"
    finding = _of_one(cell, interval, at_least, at_most, seeds, counted)
    cut_off = int((cell.status[~solved] == "budget").sum())
    if finding.verdict == CONTRADICTED and at_least > -inf and 2 * cut_off > (~solved).sum():
        said, why = f"{finding.sentence}; {cut_off} used up their budget", "with more updates they might have"
        return finding._replace(verdict=UNDECIDED, sentence=said, why=f"{finding.why}, but {why}")
    return finding


def none_exceeds(cells: Sequence[Cell], *, bound: float = 0.0, seeds: int = 1) -> Finding:
    """Not a single number above the bound: for what theory forbids, so that one exception contradicts it."""
    values = np.concatenate([cell.value.dropna().to_numpy() for cell in cells])
    name, text = cells[0].metric, limits(-inf, bound)
    if len(values) < seeds:
        return Finding(UNDECIDED, f"{name}: {len(values)} values", text, f"too few, {seeds} are needed")
    above = int((values > bound).sum())
    sentence = f"{name} of {len(values)} networks: {above} above {bound:g}, the largest is {values.max():.3g}"
    verdict = CONTRADICTED if above else REPRODUCED
    return Finding(verdict, sentence, text, f"{'one' if above else 'not one'} is enough to contradict it")


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
    return Finding(verdict, f"{found} of {len(table)} networks have {text}", "at least one", why)


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
    bound = f"{direction} by ≥ {number(margin)}" if margin else direction
    if interval.estimate < 0:  # "lower by 2" reads better than "higher by -2"
        direction = "lower" if direction == "higher" else "higher"
        interval = Interval(-interval.estimate, -interval.high, -interval.low, interval.n)
    said = f"{one.label} is {direction} than {_short(one, other)} by {measured(interval)} pairs"
    why = f"{_bootstrap(one, 'mean difference')}; {REACHES[verdict]} {number(margin)}"
    return _guarded(Finding(verdict, said, bound, why), interval.n, seeds, one, other)


def agree(one: Cell, other: Cell, *, tolerance: float, seeds: int = FEWEST_SEEDS) -> Finding:
    """Two measurements of the same seeds differ by no more than the tolerance, in the mean."""
    interval = _of_pairs(one.value - other.value, one)
    said = f"{one.label} minus {_short(one, other)}: {measured(interval)} pairs"
    verdict = inside(interval, -tolerance, tolerance)
    why = f"{_bootstrap(one, 'mean difference')}; {lies(interval, verdict)}"
    finding = Finding(verdict, said, limits(-tolerance, tolerance), why)
    return _guarded(finding, interval.n, seeds, one, other)


def ratio(one: Cell, other: Cell, *, at_least: float, seeds: int = FEWEST_SEEDS) -> Finding:
    """`where` divided by `against`, seed by seed: the geometric mean is at least a bound."""
    quotient = one.value / other.value
    estimate, low, high, n = _of_pairs(quotient.where(quotient > 0).map(np.log), one)
    interval = Interval(exp(estimate), exp(low), exp(high), n)
    said = f"{one.label} over {_short(one, other)}: {measured(interval)} pairs"
    verdict = inside(interval, at_least)
    why = f"{_bootstrap(one, 'geometric mean quotient')}; {lies(interval, verdict)}"
    return _guarded(Finding(verdict, said, limits(at_least, inf), why), n, seeds, one, other)


ONE_CELL = {check.__name__: check for check in (near_chance, at_least, at_most, within, solved_share)}
TWO_CELLS = {check.__name__: check for check in (ordering, agree, ratio)}
ALL_CELLS = {check.__name__: check for check in (none_exceeds,)}
ALL_NETWORKS = {check.__name__: check for check in (exists,)}


def _averages(cell: Cell, statistic: str) -> Interval:
    average = statistics.median if statistic == "median" else statistics.mean
    return average(cell.value.to_numpy(), cell.confidence)


def _of_pairs(difference: Series, one: Cell) -> Interval:
    return statistics.mean(difference.to_numpy(), one.confidence)


def _of_one(cell: Cell, interval: Interval, low: float, high: float, seeds: int, method: str) -> Finding:
    said, verdict = f"{cell.label}: {measured(interval)} seeds", inside(interval, low, high)
    finding = Finding(verdict, said, limits(low, high), f"{method}; {lies(interval, verdict)}")
    return _guarded(finding, interval.n, seeds, cell)


def _bootstrap(cell: Cell, statistic: str = "mean") -> str:
    return f"{statistic} over seeds, {_percent(cell)} bootstrap interval"


def _percent(cell: Cell) -> str:
    return f"{100 * cell.confidence:g} %"


def _guarded(finding: Finding, n: int, seeds: int, *cells: Cell) -> Finding:
    """What an interval cannot know: that it rests on too few seeds, or on the few that survived."""
    for cell in cells:
        if 2 * cell.diverged > len(cell.value):
            gone = f"{cell.diverged} of {len(cell.value)} seeds of {cell.names['variant']} diverged"
            why = f"{finding.why}; but a majority that diverged decides nothing"
            return finding._replace(verdict=UNDECIDED, sentence=f"{finding.sentence}; {gone}", why=why)
    if n < seeds:
        few = f"too few, {seeds} are needed"
        why = f"{finding.why}; but {n} decide nothing"
        return finding._replace(verdict=UNDECIDED, sentence=f"{finding.sentence}; {few}", why=why)
    return finding


def _short(one: Cell, other: Cell) -> str:
    """The second label, of which only what the first does not say."""
    names = ("variant", "task", "length_steps", "hidden_size")
    units = {"length_steps": "T ", "hidden_size": "h "}
    words = [
        units.get(name, "") + str(other.names[name]) for name in names if one.names[name] != other.names[name]
    ]
    return " ".join(words + [other.metric] * (one.metric != other.metric)) or other.label
