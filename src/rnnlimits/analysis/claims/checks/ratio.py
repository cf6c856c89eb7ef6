"""`where` divided by `against`: the quotient of their geometric means is at least a bound."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from rnnlimits.analysis.claims.bounds import all_trained, guarded, inside, one_group
from rnnlimits.analysis.claims.comparison import compared, how_compared, quotient, short
from rnnlimits.analysis.claims.finding import Finding, lies, limits, measured
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "quotient"
    no_difference: ClassVar = 1.0
    at_least: float


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    interval = quotient(one, other)
    said = f"{one.label} over {short(one, other)}: {measured(interval)} {compared(one, other)}"
    verdict = inside(interval, options.at_least)
    why = f"{how_compared(one, other, interval)}; {lies(interval, verdict)}"
    finding = Finding(verdict, said, limits(options.at_least, inf), why, interval, (options.at_least, inf))
    finding = all_trained(guarded(finding, options.seeds, one, other), one, other)
    return one_group(finding, one, other)
