"""`where` solves the task in fewer updates: the median of `against` over the median of `where`.

Reproduced needs an interval wholly at the bound or above it; contradicted, one wholly below.  A run that was
not solved within its budget would have taken longer, nobody knows how much: the lower end of the interval
counts such runs of `against` as their budget and those of `where` as endless, the upper end the other way
round.  Where the upper end is endless only "at least" is said.
"""

from dataclasses import dataclass
from math import inf, nan
from typing import ClassVar

import numpy as np
from pandas import Series

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import NEVER, counted, guarded, inside
from rnnlimits.analysis.claims.comparison import how_compared, short
from rnnlimits.analysis.claims.finding import Finding, lies, limits, number, spread
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import Interval
from rnnlimits.contracts import CheckOptions

TO_SOLVE = "updates_to_solve"
ENDLESS = NEVER / 1e9  # a quotient with an endless run in it is beyond any of two budgets


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    metric: ClassVar = TO_SOLVE
    shows: ClassVar = "quotient of updates"
    no_difference: ClassVar = 1.0
    at_least: float
    seeds: int = 5  # of fewer a median has no interval


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    (fast, cut), (slow, cut_other) = counted(one), counted(other)
    interval = _interval(one, other, fast, slow)
    verdict = inside(interval, options.at_least)
    medians = [number(float(np.median(updates))) if len(updates) else nan for updates in (fast, slow)]
    said = f"{one.label} is {_times(interval)} as fast as {short(one, other)} "
    said += f"(medians {medians[0]} and {medians[1]} updates)"
    if cut or cut_other:
        said += f"; unsolved {cut} of {len(fast)} and {cut_other} of {len(slow)}, counted as their budget"
    why = f"{how_compared(one, other, interval)}; {lies(interval, verdict)}"
    bound = (options.at_least, inf)
    return guarded(Finding(verdict, said, limits(*bound), why, interval, bound), options.seeds, one, other)


def _interval(one: Cell, other: Cell, fast: Series, slow: Series) -> Interval:
    """The estimate counts what was not solved as its budget; each end, as whatever makes it hold."""

    def quotient(slow: Series, fast: Series) -> Interval:
        return statistics.quotient_of_medians(slow.to_numpy(), fast.to_numpy(), one.confidence)

    endless_fast, endless_slow = (cell.value.fillna(NEVER) for cell in (one, other))
    found = quotient(slow, fast)
    high = quotient(endless_slow, fast).high
    return found._replace(low=quotient(slow, endless_fast).low, high=inf if high > ENDLESS else high)


def _times(interval: Interval) -> str:
    """
    >>> _times(Interval(3, 2, 4, 5, "quotient of medians")), _times(Interval(3, 2, inf, 5))
    ('3 [2, 4] times (5 seeds a side)', 'at least 2 times (5 seeds a side)')
    """
    words = f"at least {number(interval.low)}" if interval.high == inf else spread(interval)
    return f"{words} times ({interval.n} seeds a side)"
