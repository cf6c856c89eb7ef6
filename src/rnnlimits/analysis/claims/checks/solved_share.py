"""The share of seeds that solve the task, with Wilson's interval; one that diverged did not solve it.

Three of three give [0.44, 1]: to say "more than half" takes four.  Seeds that used up their budget might
have solved it later: too few solved is no contradiction if most of the others were cut off like that.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import of_interval, percent
from rnnlimits.analysis.claims.finding import CONTRADICTED, UNDECIDED, Finding
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    whole_scale: ClassVar = True
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("solved_share needs at_least or at_most, one of the two")


def judge(cell: Cell, options: Options) -> Finding:
    at_least = -inf if options.at_least is None else options.at_least
    at_most = inf if options.at_most is None else options.at_most
    solved = cell.value.fillna(0) == 1
    interval = statistics.share(int(solved.sum()), len(solved), cell.confidence)
    method = f"{int(solved.sum())} of {len(solved)} seeds solved it, {percent(cell)} Wilson interval"
    finding = of_interval(cell, interval, at_least, at_most, options.seeds, method)
    cut_off = int((cell.status[~solved] == "out_of_updates").sum())
    if finding.verdict == CONTRADICTED and at_least > -inf and 2 * cut_off > (~solved).sum():
        said, why = f"{finding.sentence}; {cut_off} used up their budget", "with more updates they might have"
        return finding._replace(verdict=UNDECIDED, sentence=said, why=f"{finding.why}, but {why}")
    return finding
