"""An interval against the claim's bounds, and what no interval can know: too few seeds, or few survivors."""

import dataclasses
from math import inf, isnan, nan

from pandas import Series

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.finding import (
    CONTRADICTED,
    REPRODUCED,
    UNDECIDED,
    Finding,
    lies,
    limits,
    measured,
    number,
    spread,
)
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import Interval

FEWEST_SEEDS = 3  # two seeds say nearly nothing of their spread
TO_SOLVE = "updates_to_solve"  # missing where a run was not solved within its budget
NEVER = 1e12  # stands for infinity: quantiles of infinite numbers are not defined
EXTREMES = {"max": "largest", "min": "smallest"}


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


def beyond(away: Interval, direction: str, margin: float) -> tuple[str, str]:
    """The verdict on a difference in the claimed direction, and the bound in words; equal sides decide none.

    >>> beyond(Interval(2, 1, 3, 5), "lower", 0.5), beyond(Interval(0, 0, 0, 5), "higher", 0)
    (('reproduced', 'lower by ≥ 0.5'), ('undecided', 'higher'))
    """
    bound = f"{direction} by ≥ {number(margin)}" if margin else direction
    if not margin and away.low == away.high == 0:
        return UNDECIDED, bound
    return inside(away, margin), bound


def of_statistic(cell: Cell, statistic: str, low: float, high: float, seeds: int) -> Finding:
    """The mean, the median or an extreme over seeds against two bounds.

    What was not solved counts as its budget and takes more in truth: the verdict must hold for any more.
    """

    def of(value: Series) -> Finding:
        if statistic in EXTREMES:
            return _of_extreme(cell, value.dropna(), statistic, low, high, seeds)
        if statistic == "median":
            interval = statistics.median(value.to_numpy(), cell.confidence)
            return of_interval(cell, interval, low, high, seeds)
        return of_mean(dataclasses.replace(cell, value=value), low, high, seeds)

    value, unsolved = counted(cell)
    finding = of(value)
    if not unsolved:
        return finding
    budget = number(cell.names.get("updates", nan))
    finding = finding._replace(
        sentence=f"{finding.sentence}; {unsolved} of {len(value)} unsolved, counted as {budget} updates"
    )
    if of(cell.value.fillna(NEVER)).verdict == finding.verdict:
        return finding
    why = f"{finding.why}, but not if what was unsolved takes more updates than were counted"
    return finding._replace(verdict=UNDECIDED, why=why)


def of_mean(cell: Cell, low: float, high: float, seeds: int) -> Finding:
    """The mean over seeds, on the scale of its quantity, against two bounds."""
    interval = statistics.mean(cell.value.to_numpy(), cell.confidence, cell.scale)
    return one_group(of_interval(cell, interval, low, high, seeds), cell)


def of_interval(
    cell: Cell, interval: Interval, low: float, high: float, seeds: int, method: str = ""
) -> Finding:  # fmt: skip
    said = f"{cell.label}: {measured(interval)} seeds{_not_trained(cell)}"
    verdict = inside(interval, low, high)
    why = f"{method or how(cell, interval)}; {lies(interval, verdict)}"
    return guarded(Finding(verdict, said, limits(low, high), why, interval, (low, high)), seeds, cell)


def counted(cell: Cell) -> tuple[Series, int]:
    """The numbers by seed; a run that was not solved counts as the updates that it was given, or more."""
    if cell.raw_metric != TO_SOLVE:
        return cell.value, 0
    return cell.value.fillna(cell.names.get("updates", nan)), int(cell.value.isna().sum())


def _of_extreme(
    cell: Cell, value: Series, statistic: str, low: float, high: float, seeds: int
) -> Finding:  # fmt: skip
    """The best of the seeds, as some papers print it, with the share of seeds that get there.

    The largest against a lower bound: one seed is enough, and that none did is no contradiction if most were
    cut off by their budget.  The largest against an upper bound: one seed is enough to contradict it.
    """
    if value.empty:
        return guarded(Finding(UNDECIDED, f"{cell.label}: no value", limits(low, high)), seeds, cell)
    extreme = float(value.agg(statistic))
    reach = int(value.between(low, high).sum())
    rate = statistics.share(reach, len(cell.value), cell.confidence)
    said = f"{cell.label}: the {EXTREMES[statistic]} of {len(value)} seeds is {number(extreme)}; "
    said += f"{reach} of {len(cell.value)} within the bound, a share of {spread(rate)}"
    one_is_enough = (statistic == "max") == (high == inf)
    verdict = REPRODUCED if low <= extreme <= high else CONTRADICTED
    why = f"one seed is enough to {'show' if one_is_enough else 'contradict'} it"
    best = Interval(extreme, nan, nan, len(value))
    finding = Finding(verdict, said, limits(low, high), why, best, (low, high))
    if one_is_enough and verdict == REPRODUCED:
        return finding
    if one_is_enough and 2 * int((cell.status == "out_of_updates").sum()) > len(cell.value):
        more = "most used up their budget, and with more updates one might have"
        finding = finding._replace(verdict=UNDECIDED, why=f"{why}; {more}")
    return guarded(finding, seeds, cell)


def one_group(finding: Finding, *cells: Cell) -> Finding:
    """No verdict rests on the mean of a cell of which some seeds solved the task and others did not."""
    for cell in cells:
        if not (found := cell.groups):
            continue
        low, high = (f"{len(side)} near {number(float(side.mean()))}" for side in (found.low, found.high))
        said = f"{finding.sentence}; {cell.names['variant']} falls into two groups, {low} and {high}"
        why = f"{finding.why}; but their mean describes neither: ask for a share, a median or an end"
        return finding._replace(verdict=UNDECIDED, sentence=said, why=why)
    return finding


def all_trained(finding: Finding, *cells: Cell) -> Finding:
    """No comparison rests on weights that never got better than their start."""
    found = finding
    for cell in cells:
        if cell.untrained:
            why = f"{found.why}; but weights that never got better than their start show no order"
            said = f"{found.sentence}{_not_trained(cell)}"
            found = found._replace(verdict=UNDECIDED, sentence=said, why=why)
    return found


def _not_trained(cell: Cell) -> str:
    if not cell.untrained:
        return ""
    return f"; {cell.untrained} of {len(cell.value)} seeds of {cell.names['variant']} are not trained"


def guarded(finding: Finding, seeds: int, *cells: Cell) -> Finding:
    """What an interval cannot know: that it rests on too few seeds, or on the few that survived."""
    for cell in cells:
        if 2 * cell.diverged > len(cell.value):
            gone = f"{cell.diverged} of {len(cell.value)} seeds of {cell.names['variant']} diverged"
            why = f"{finding.why}; but a majority that diverged decides nothing"
            return finding._replace(verdict=UNDECIDED, sentence=f"{finding.sentence}; {gone}", why=why)
    if (n := finding.interval.n) < seeds:
        few = f"too few, {seeds} are needed"
        why = f"{finding.why}; but {n} decide nothing"
        return finding._replace(verdict=UNDECIDED, sentence=f"{finding.sentence}; {few}", why=why)
    return finding


def how(cell: Cell, interval: Interval) -> str:
    """How an interval of seeds was made."""
    if isnan(interval.low) and interval.n:
        return f"{interval.estimator} of {interval.n} seeds, too few for an interval"
    method = "bootstrap" if "median" in interval.estimator else "t"
    return f"{interval.estimator} over seeds, {percent(cell)} {method} interval"


def percent(cell: Cell) -> str:
    return f"{100 * cell.confidence:g} %"


def error(cell: Cell) -> str:
    return f"{100 * (1 - cell.confidence):.3g} %"
