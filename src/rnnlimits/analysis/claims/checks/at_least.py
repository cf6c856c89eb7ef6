"""The mean (median, max, min) over seeds is not below a bound."""

from dataclasses import dataclass
from math import inf

from rnnlimits.analysis.claims.bounds import of_statistic
from rnnlimits.analysis.claims.finding import Finding
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import StatisticOptions


@dataclass(frozen=True, kw_only=True)
class Options(StatisticOptions):
    bound: float


def judge(cell: Cell, options: Options) -> Finding:
    return of_statistic(cell, options.statistic, options.bound, inf, options.seeds)
