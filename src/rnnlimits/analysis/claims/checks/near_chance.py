"""No better than guessing: less than 1 - share of the way from the chance level to a perfect score.

An error with chance 1/6 and perfect 0: at least 0.95/6.  An accuracy with chance 0.1: at most 0.145.
"""

from dataclasses import dataclass
from math import inf, isnan

from rnnlimits.analysis.claims.bounds import of_mean
from rnnlimits.analysis.claims.finding import UNDECIDED, Finding, number
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    perfect: float  # score
    share: float = 0.95  # of the way from perfect to chance


def judge(cell: Cell, options: Options) -> Finding:
    bound = cell.chance + (1 - options.share) * (options.perfect - cell.chance)
    if isnan(bound):
        return Finding(UNDECIDED, f"{cell.label}: its chance level is not known", "", "no bound without it")
    low, high = (bound, inf) if options.perfect < cell.chance else (-inf, bound)
    found = of_mean(cell, low, high, options.seeds)
    away = f"the bound is {1 - options.share:.3g} of the way from chance to {number(options.perfect)}"
    return found._replace(bound=f"{found.bound} (chance {number(cell.chance)})", why=f"{found.why}; {away}")
