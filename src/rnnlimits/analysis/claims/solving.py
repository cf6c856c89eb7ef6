"""Checks of who solves a task at all, and who does so sooner."""

from math import inf, nan

import numpy as np

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import (
    FEWEST_SEEDS,
    NEVER,
    bootstrap,
    counted,
    guarded,
    of_interval,
    percent,
    short,
)
from rnnlimits.analysis.claims.finding import CONTRADICTED, REPRODUCED, UNDECIDED, Finding, measured, number
from rnnlimits.analysis.claims.selection import Cell


def solved_share(
    cell: Cell, *, at_least: float = -inf, at_most: float = inf, seeds: int = FEWEST_SEEDS
) -> Finding:
    """The share of seeds that solve the task, with Wilson's interval; one that diverged did not solve it.

    Three of three give [0.44, 1]: to say "more than half" takes four.  Seeds that used up their budget might
    have solved it later: too few solved is no contradiction if most of the others were cut off like that.
    """
    solved = cell.value.fillna(0) == 1
    interval = statistics.share(int(solved.sum()), len(solved), cell.confidence)
    method = f"{int(solved.sum())} of {len(solved)} seeds solved it, {percent(cell)} Wilson interval"
    finding = of_interval(cell, interval, at_least, at_most, seeds, method)
    cut_off = int((cell.status[~solved] == "out_of_updates").sum())
    if finding.verdict == CONTRADICTED and at_least > -inf and 2 * cut_off > (~solved).sum():
        said, why = f"{finding.sentence}; {cut_off} used up their budget", "with more updates they might have"
        return finding._replace(verdict=UNDECIDED, sentence=said, why=f"{finding.why}, but {why}")
    return finding


def more_solve(one: Cell, other: Cell, *, level: float = 0.05, seeds: int = FEWEST_SEEDS) -> Finding:
    """More seeds of `where` solve the task than of `against`: Fisher's exact test, one-sided p below a level.

    Contradicted if the same test finds that more of `against` do.  One that diverged did not solve it,
    however many they are: not to diverge may be the point.
    """
    (solved, total), (solved_other, total_other) = _solved(one), _solved(other)
    more = statistics.fisher(solved, solved_other, total, total_other)
    fewer = statistics.fisher(solved_other, solved, total_other, total)
    verdict = REPRODUCED if more < level else CONTRADICTED if fewer < level else UNDECIDED
    interval = statistics.share_difference(solved, solved_other, total, total_other, one.confidence)
    gone = [f", {cell.diverged} diverged" * bool(cell.diverged) for cell in (one, other)]
    said = f"{one.label}: {solved} of {total} seeds{gone[0]}; {short(one, other)}: "
    said += f"{solved_other} of {total_other}{gone[1]}; one-sided p {number(more)}"
    least = number(statistics.fisher(total, 0, total, total_other))
    why = f"Fisher's exact test, of which so many seeds can give no p below {least}; the other way it is "
    why += number(fewer)
    finding = Finding(verdict, said, f"p < {number(level)}", why, interval, (0, inf))
    return guarded(finding, seeds)


def _solved(cell: Cell) -> tuple[int, int]:
    return int((cell.value == 1).sum()), len(cell.value)


def speed_up(one: Cell, other: Cell, *, at_least: float, seeds: int = FEWEST_SEEDS) -> Finding:
    """`where` solves the task in fewer updates: the median over seeds of `against` over `where`.

    Reproduced needs a median of at least the bound and an interval above 1; contradicted, an interval wholly
    below the bound.  A run that was not solved counts as its budget, so its ratio is one-sided: where the
    slower side was cut off the ratio is a lower bound, and speaks against the claim only if no larger one
    would do.
    """
    (fast, cut), (slow, cut_other) = counted(one), counted(other)
    ratio = (slow / fast).dropna()
    interval = statistics.median(ratio.to_numpy(), one.confidence)
    if interval.low > 1 and interval.estimate >= at_least:
        verdict = REPRODUCED
    else:
        at_best = ratio.mask(other.value.isna().reindex(ratio.index), NEVER)
        most = statistics.median(at_best.to_numpy(), one.confidence).high
        verdict = CONTRADICTED if most < at_least else UNDECIDED
    medians = [number(float(np.median(updates))) if len(updates) else nan for updates in (fast, slow)]
    said = f"{one.label} is {measured(interval)} pairs, times as fast as {short(one, other)} "
    said += f"(medians {medians[0]} and {medians[1]} updates)"
    if cut or cut_other:
        said += f"; unsolved {cut} of {len(fast)} and {cut_other} of {len(slow)}, counted as their budget"
        said += ": a lower bound" * bool(cut_other and not cut)
    why = f"{bootstrap(one, 'median of paired ratios')}; it {HOLDS[verdict]}"
    finding = Finding(verdict, said, f"≥ {number(at_least)} and above 1", why, interval, (at_least, inf))
    return guarded(finding, seeds, one, other)


HOLDS = {
    REPRODUCED: "lies above 1, and the median reaches the bound",
    CONTRADICTED: "lies wholly below the bound, whatever was cut off",
    UNDECIDED: "lies neither above 1 with a median that reaches the bound, nor surely below the bound",
}
