"""`where` is higher (or lower) than `against` by at least a margin: the difference of their means or medians.

Reproduced needs an interval that lies wholly at the margin or beyond it; contradicted, one that lies wholly
below it.  With a margin of 0, equal results decide nothing.  Networks that both sides share are compared pair
by pair; sides that share none are compared by Welch's interval.

A mean describes nothing where some seeds solve the task and others do not.  There `statistic: median` asks
what more than half of the seeds reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from rnnlimits.analysis.claims.bounds import NEVER, all_trained, beyond, guarded, inside, one_group
from rnnlimits.analysis.claims.comparison import (
    compared,
    difference,
    difference_of_medians,
    how_compared,
    short,
)
from rnnlimits.analysis.claims.finding import Finding, lies, measured
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import StatisticOptions


@dataclass(frozen=True, kw_only=True)
class Options(StatisticOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "difference, as claimed"
    direction: Literal["higher", "lower"]
    margin: float = 0.0
    pick: Literal["each", "best"] = "each"  # of several variants a side, each or the one with the best mean
    statistic: Literal["mean", "median"] = "mean"


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    direction, margin = options.direction, options.margin
    of = difference if options.statistic == "mean" else difference_of_medians
    sign = 1 if direction == "higher" else -1
    interval = of(one, other, sign)
    verdict, bound = beyond(interval, direction, margin)
    claimed = interval
    if interval.estimate < 0:  # "lower by 2" reads better than "higher by -2"
        direction = "lower" if direction == "higher" else "higher"
        turned = (-interval.estimate, -interval.high, -interval.low)
        interval = interval._replace(estimate=turned[0], low=turned[1], high=turned[2])
    said = (
        f"{one.label} is {direction} than {short(one, other)} by {measured(interval)} {compared(one, other)}"
    )
    why = f"{how_compared(one, other, interval)}; {lies(interval, verdict)}"
    finding = Finding(verdict, said, bound, why, claimed, (margin, inf))
    finding = guarded(finding, options.seeds, one, other)
    if options.statistic == "mean":
        return one_group(all_trained(finding, one, other), one, other)
    ends = (inside(of(*sides, sign), margin) for sides in _whatever_untrained(one, other))
    return finding if set(ends) <= {finding.verdict} else all_trained(finding, one, other)


def _whatever_untrained(one: Cell, other: Cell) -> Iterator[tuple[Cell, Cell]]:
    """Both sides with their untrained seeds at either end: training would have put them somewhere between."""
    if one.untrained or other.untrained:
        yield one.counting_untrained_as(NEVER), other.counting_untrained_as(-NEVER)
        yield one.counting_untrained_as(-NEVER), other.counting_untrained_as(NEVER)
