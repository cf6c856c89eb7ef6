"""The mean (median, max, min) over seeds is not below a bound."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from rnnlimits.analysis.claims.bounds import of_statistic
from rnnlimits.analysis.claims.finding import Finding
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import FEWEST_OF_MEDIAN, CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    bound: float
    statistic: Literal["mean", "median", "max", "min"] = "mean"

    def fewest(self, confidence: float) -> int:
        return max(self.seeds, FEWEST_OF_MEDIAN) if self.statistic == "median" else self.seeds


def judge(cell: Cell, options: Options) -> Finding:
    return of_statistic(cell, options.statistic, options.bound, inf, options.seeds)
