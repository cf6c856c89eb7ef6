"""`where` divided by `against`, seed by seed: the geometric mean is at least a bound."""

from dataclasses import dataclass
from math import exp, inf
from typing import ClassVar

import numpy as np

from rnnlimits.analysis.claims.bounds import bootstrap, guarded, inside, of_pairs, short
from rnnlimits.analysis.claims.finding import Finding, lies, limits, measured
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import Interval
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "quotient"
    no_difference: ClassVar = 1.0
    at_least: float


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    quotient = one.value / other.value
    estimate, low, high, n = of_pairs(quotient.where(quotient > 0).map(np.log), one)
    interval = Interval(exp(estimate), exp(low), exp(high), n)
    said = f"{one.label} over {short(one, other)}: {measured(interval)} pairs"
    verdict = inside(interval, options.at_least)
    why = f"{bootstrap(one, 'geometric mean quotient')}; {lies(interval, verdict)}"
    finding = Finding(verdict, said, limits(options.at_least, inf), why, interval, (options.at_least, inf))
    return guarded(finding, options.seeds, one, other)
