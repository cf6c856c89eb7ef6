"""`where` is higher (or lower) than `against` by at least a margin: the difference of their means.

Reproduced needs an interval that lies wholly at the margin or beyond it; contradicted, one that lies wholly
below it.  With a margin of 0, equal results decide nothing.  Networks that both sides share are compared pair
by pair; sides that share none are compared by Welch's interval.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from rnnlimits.analysis.claims.bounds import all_trained, guarded, inside, one_group
from rnnlimits.analysis.claims.comparison import compared, difference, how_compared, short
from rnnlimits.analysis.claims.finding import UNDECIDED, Finding, lies, measured, number
from rnnlimits.analysis.claims.selection import Cell
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
    interval = difference(one, other, 1 if direction == "higher" else -1)
    verdict = inside(interval, margin)
    if not margin and interval.low == interval.high == 0:
        verdict = UNDECIDED
    bound, claimed = f"{direction} by ≥ {number(margin)}" if margin else direction, interval
    if interval.estimate < 0:  # "lower by 2" reads better than "higher by -2"
        direction = "lower" if direction == "higher" else "higher"
        turned = (-interval.estimate, -interval.high, -interval.low)
        interval = interval._replace(estimate=turned[0], low=turned[1], high=turned[2])
    said = (
        f"{one.label} is {direction} than {short(one, other)} by {measured(interval)} {compared(one, other)}"
    )
    why = f"{how_compared(one, other, interval)}; {lies(interval, verdict)}"
    finding = Finding(verdict, said, bound, why, claimed, (margin, inf))
    finding = all_trained(guarded(finding, options.seeds, one, other), one, other)
    return one_group(finding, one, other)
