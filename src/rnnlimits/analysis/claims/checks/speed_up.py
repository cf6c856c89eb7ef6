"""`where` solves the task in fewer updates: the median over seeds of `against` over `where`.

Reproduced needs a median of at least the bound and an interval above 1; contradicted, an interval wholly
below the bound.  A run that was not solved counts as its budget, so its ratio is one-sided: where the
slower side was cut off the ratio is a lower bound, and speaks against the claim only if no larger one
would do.
"""

from dataclasses import dataclass
from math import inf, nan
from typing import ClassVar

import numpy as np

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import NEVER, bootstrap, counted, guarded, short
from rnnlimits.analysis.claims.finding import (
    CONTRADICTED,
    REPRODUCED,
    UNDECIDED,
    Finding,
    measured,
    number,
)
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions

TO_SOLVE = "updates_to_solve"
HOLDS = {
    REPRODUCED: "lies above 1, and the median reaches the bound",
    CONTRADICTED: "lies wholly below the bound, whatever was cut off",
    UNDECIDED: "lies neither above 1 with a median that reaches the bound, nor surely below the bound",
}


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    metric: ClassVar = TO_SOLVE
    shows: ClassVar = "quotient of updates"
    no_difference: ClassVar = 1.0
    at_least: float


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    (fast, cut), (slow, cut_other) = counted(one), counted(other)
    ratio = (slow / fast).dropna()
    interval = statistics.median(ratio.to_numpy(), one.confidence)
    if interval.low > 1 and interval.estimate >= options.at_least:
        verdict = REPRODUCED
    else:
        at_best = ratio.mask(other.value.isna().reindex(ratio.index), NEVER)
        most = statistics.median(at_best.to_numpy(), one.confidence).high
        verdict = CONTRADICTED if most < options.at_least else UNDECIDED
    medians = [number(float(np.median(updates))) if len(updates) else nan for updates in (fast, slow)]
    said = f"{one.label} is {measured(interval)} pairs, times as fast as {short(one, other)} "
    said += f"(medians {medians[0]} and {medians[1]} updates)"
    if cut or cut_other:
        said += f"; unsolved {cut} of {len(fast)} and {cut_other} of {len(slow)}, counted as their budget"
        said += ": a lower bound" * bool(cut_other and not cut)
    why = f"{bootstrap(one, 'median of paired ratios')}; it {HOLDS[verdict]}"
    finding = Finding(
        verdict, said, f"≥ {number(options.at_least)} and above 1", why, interval, (options.at_least, inf)
    )
    return guarded(finding, options.seeds, one, other)
