"""What a check finds, and the words for it: a verdict, the numbers in a sentence, the bound, and why."""

from math import inf, isnan
from typing import NamedTuple

from pandas import DataFrame

from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import NOTHING, Interval

REPRODUCED, CONTRADICTED, UNDECIDED, NOT_RUN = "reproduced", "contradicted", "undecided", "not run"


class Change(NamedTuple):
    """The same check with one thing changed: a verdict that does not survive it is a fragile one."""

    kind: str  # seed, half or rate
    change: str
    verdict: str
    interval: Interval
    why: str = ""  # where nothing could be changed


class Finding(NamedTuple):
    """What one check found."""

    verdict: str
    sentence: str
    bound: str
    why: str = ""  # how the verdict follows from the numbers
    interval: Interval = NOTHING  # held against the limits; of a difference, in the claimed direction
    limits: tuple[float, float] = (-inf, inf)
    cells: tuple[Cell, ...] = ()  # what was looked at; of a comparison, `where` and then `against`
    rows: tuple[DataFrame, ...] = ()  # the rows of each cell, or of all networks at once
    changes: tuple[Change, ...] = ()  # of a comparison
    seeds_to_decide: int | None = None  # of an undecided one, if further seeds spread as these


LIES = {
    REPRODUCED: "it lies wholly within the bound",
    CONTRADICTED: "it lies wholly outside the bound",
    UNDECIDED: "it straddles the bound",
}


def lies(interval: Interval, verdict: str) -> str:
    return "there is none" if isnan(interval.low) else LIES[verdict]


def number(value: float) -> str:
    """
    >>> number(27380), number(0.15833), number(-0.00012), number(3.0)
    ('27,380', '0.158', '-0.00012', '3')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def measured(interval: Interval) -> str:
    """An estimate, what it is where that is no mean, its interval and its number of seeds.

    >>> from math import nan
    >>> measured(Interval(0.5, 0.25, 1, 3)), measured(Interval(0.5, nan, nan, 3, "median"))
    ('0.5 [0.25, 1], 3', '0.5 (median), 3')
    """
    if not interval.n:
        return "no value, 0"
    name = "" if interval.estimator in ("mean", "share") else f" ({interval.estimator})"
    return f"{spread(interval)}{name}, {interval.n}"


def spread(interval: Interval) -> str:
    """
    >>> from math import nan
    >>> spread(Interval(0.5, 0.25, 1, 3)), spread(Interval(0.5, nan, nan, 3))
    ('0.5 [0.25, 1]', '0.5')
    """
    ends = "" if isnan(interval.low) else f" [{number(interval.low)}, {number(interval.high)}]"
    return f"{number(interval.estimate)}{ends}"


def limits(low: float, high: float) -> str:
    if high == inf:
        return f"≥ {number(low)}"
    return f"≤ {number(high)}" if low == -inf else f"{number(low)} to {number(high)}"
