"""What a check finds, and the words for it: a verdict, the numbers in a sentence, the bound, and why."""

from math import inf, isnan, nan
from typing import NamedTuple

from pandas import DataFrame

from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import Interval

REPRODUCED, CONTRADICTED, UNDECIDED, NOT_RUN = "reproduced", "contradicted", "undecided", "not run"
NO_NUMBER = Interval(nan, nan, nan, 0)


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
    interval: Interval = (
        NO_NUMBER  # what was held against the limits; of a difference, in the claimed direction
    )
    limits: tuple[float, float] = (-inf, inf)
    cells: tuple[Cell, ...] = ()  # what was looked at; of a comparison, `where` and then `against`
    rows: tuple[DataFrame, ...] = ()  # the rows of each cell, or of all networks at once
    changes: tuple[Change, ...] = ()  # of a comparison


LIES = {
    REPRODUCED: "it lies wholly within the bound",
    CONTRADICTED: "it lies wholly outside the bound",
    UNDECIDED: "it straddles the bound",
}


REACHES = {
    REPRODUCED: "it lies above 0, and the mean reaches the margin of",
    CONTRADICTED: "it lies wholly below the margin of",
    UNDECIDED: "it lies neither above 0 with a mean that reaches the margin, nor wholly below the margin of",
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
    return f"{spread(interval)}, {interval.n}" if interval.n else "no value, 0"


def spread(interval: Interval) -> str:
    """
    >>> spread(Interval(0.5, 0.25, 1, 3))
    '0.5 [0.25, 1]'
    """
    return f"{number(interval.estimate)} [{number(interval.low)}, {number(interval.high)}]"


def limits(low: float, high: float) -> str:
    if high == inf:
        return f"≥ {number(low)}"
    return f"≤ {number(high)}" if low == -inf else f"{number(low)} to {number(high)}"
