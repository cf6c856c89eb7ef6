"""`where` is higher (or lower) than `against` by a margin: the mean difference between equal seeds.

Reproduced needs an interval above 0 and a mean difference of at least the margin; contradicted, an
interval wholly below the margin.  With a margin of 0, equal results decide nothing.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from rnnlimits.analysis.claims.bounds import bootstrap, guarded, of_pairs, short
from rnnlimits.analysis.claims.finding import (
    CONTRADICTED,
    REACHES,
    REPRODUCED,
    UNDECIDED,
    Finding,
    measured,
    number,
)
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import Interval
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "difference, as claimed"
    direction: Literal["higher", "lower"]
    margin: float = 0.0
    pick: Literal["each", "best"] = "each"  # of several variants a side, each or the one with the best mean


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    direction, margin = options.direction, options.margin
    sign = 1 if direction == "higher" else -1
    interval = of_pairs(sign * (one.value - other.value), one)
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
    return guarded(Finding(verdict, said, bound, why, claimed, (margin, inf)), options.seeds, one, other)
