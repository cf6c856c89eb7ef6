"""The share of seeds that solve the task, with exact bounds; one that diverged did not solve it.

Each bound alone errs in at most 5 % of cases (Clopper & Pearson, 1934).  To say "at least half" takes five
seeds that all solve it: four would do so in one of 16 cases if half of all seeds did.  Seeds that used up
their budget might have solved it later: too few solved is no contradiction if most of the others were cut off
like that.
"""

from dataclasses import dataclass
from math import ceil, inf, log
from typing import ClassVar

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import error, of_interval
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
        share = self.at_least if self.at_least is not None else self.at_most
        if share is not None and not 0 <= share <= 1:
            raise ValueError(f"a share of seeds: got {share:g}; expected 0 to 1")

    def fewest(self, confidence: float) -> int:
        """If the share were at the bound, all of n seeds would agree in bound^n of cases."""
        bound = self.at_least if self.at_least is not None else 1 - (self.at_most or 0)
        if bound in (0, 1):
            return self.seeds
        return max(self.seeds, ceil(log(1 - confidence) / log(bound)))


def judge(cell: Cell, options: Options) -> Finding:
    at_least = -inf if options.at_least is None else options.at_least
    at_most = inf if options.at_most is None else options.at_most
    solved = cell.value.fillna(0) == 1
    interval = statistics.exact_share(int(solved.sum()), len(solved), cell.confidence)
    method = f"{int(solved.sum())} of {len(solved)} seeds solved it, exact bounds, "
    method += f"each of which errs in at most {error(cell)}"
    finding = of_interval(cell, interval, at_least, at_most, options.seeds, method)
    cut_off = int((cell.status[~solved] == "out_of_updates").sum())
    if finding.verdict == CONTRADICTED and at_least > -inf and 2 * cut_off > (~solved).sum():
        said, why = f"{finding.sentence}; {cut_off} used up their budget", "with more updates they might have"
        return finding._replace(verdict=UNDECIDED, sentence=said, why=f"{finding.why}, but {why}")
    return finding
