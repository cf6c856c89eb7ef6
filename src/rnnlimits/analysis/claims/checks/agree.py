"""Two measurements of the same seeds differ by no more than the tolerance, in the mean."""

from dataclasses import dataclass
from typing import ClassVar

from rnnlimits.analysis.claims.bounds import bootstrap, guarded, inside, of_pairs, short
from rnnlimits.analysis.claims.finding import Finding, lies, limits, measured
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "difference"
    tolerance: float


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    interval = of_pairs(one.value - other.value, one)
    said = f"{one.label} minus {short(one, other)}: {measured(interval)} pairs"
    verdict = inside(interval, -options.tolerance, options.tolerance)
    why = f"{bootstrap(one, 'mean difference')}; {lies(interval, verdict)}"
    ends = (-options.tolerance, options.tolerance)
    return guarded(Finding(verdict, said, limits(*ends), why, interval, ends), options.seeds, one, other)
