"""Two measurements of the same seeds differ by no more than the tolerance, in the mean."""

from dataclasses import dataclass
from typing import ClassVar

from rnnlimits.analysis.claims.bounds import all_trained, guarded, inside, one_group
from rnnlimits.analysis.claims.comparison import compared, difference, how_compared, short
from rnnlimits.analysis.claims.finding import Finding, lies, limits, measured
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "difference"
    tolerance: float


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    interval = difference(one, other)
    said = f"{one.label} minus {short(one, other)}: {measured(interval)} {compared(one, other)}"
    verdict = inside(interval, -options.tolerance, options.tolerance)
    why = f"{how_compared(one, other, interval)}; {lies(interval, verdict)}"
    ends = (-options.tolerance, options.tolerance)
    finding = Finding(verdict, said, limits(*ends), why, interval, ends)
    finding = all_trained(guarded(finding, options.seeds, one, other), one, other)
    return one_group(finding, one, other)
