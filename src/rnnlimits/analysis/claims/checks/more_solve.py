"""More seeds of `where` solve the task than of `against`: Fisher's exact test, one-sided p below a level.

Three seeds a side can never show it: three of three against none of three has p = 1/20.

Contradicted if the same test finds that more of `against` do.  One that diverged did not solve it,
however many they are: not to diverge may be the point.
"""

from dataclasses import dataclass, replace
from math import comb, inf
from typing import ClassVar, Self

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import guarded
from rnnlimits.analysis.claims.comparison import short
from rnnlimits.analysis.claims.finding import CONTRADICTED, REPRODUCED, UNDECIDED, Finding, number
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "difference of shares"
    whole_scale: ClassVar = True
    level: float = 0.05  # of Fisher's test

    def stricter(self, parts: int) -> Self:
        return replace(self, level=self.level / parts)

    def fewest(self, confidence: float) -> int:
        """Of n seeds a side that agree wholly the test can give no p below n! n! / (2n)!."""
        return next((n for n in range(1, 100) if 1 / comb(2 * n, n) < self.level), 100)


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    (solved, total), (solved_other, total_other) = _solved(one), _solved(other)
    more = statistics.fisher(solved, solved_other, total, total_other)
    fewer = statistics.fisher(solved_other, solved, total_other, total)
    verdict = REPRODUCED if more < options.level else CONTRADICTED if fewer < options.level else UNDECIDED
    interval = statistics.share_difference(
        solved, solved_other, total, total_other, one.confidence, options.level
    )
    gone = [f", {cell.diverged} diverged" * bool(cell.diverged) for cell in (one, other)]
    said = f"{one.label}: {solved} of {total} seeds{gone[0]}; {short(one, other)}: "
    said += f"{solved_other} of {total_other}{gone[1]}; one-sided p {number(more)}"
    least = number(statistics.fisher(total, 0, total, total_other))
    why = f"Fisher's exact test, of which so many seeds can give no p below {least}; the other way it is "
    why += number(fewer)
    finding = Finding(verdict, said, f"p < {number(options.level)}", why, interval, (0, inf))
    return guarded(finding, options.seeds)


def _solved(cell: Cell) -> tuple[int, int]:
    return int((cell.value == 1).sum()), len(cell.value)
