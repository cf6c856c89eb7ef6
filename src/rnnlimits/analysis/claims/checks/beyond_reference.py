"""`where` is higher (or lower) than a reference value by at least a margin.

A reference is what a method without a network reaches on the same test part: a row of the split `reference`,
which no seed moves.  So the interval is that of the networks' mean alone; what the test part's own size
leaves unknown is not in it.  An error that is `higher` by 0 or more says that the method does as well.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import all_trained, beyond, guarded, how, one_group
from rnnlimits.analysis.claims.finding import Finding, lies, measured, number
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "pair"
    shows: ClassVar = "difference from the reference"
    direction: Literal["higher", "lower"]
    margin: float = 0.0


def judge(one: Cell, other: Cell, options: Options) -> Finding:
    """`other` holds one number, that of the method without a network."""
    value = float(other.value.iloc[0])
    mean = statistics.mean(one.value.to_numpy(), one.confidence, one.scale)
    away = mean._replace(estimate=mean.estimate - value, low=mean.low - value, high=mean.high - value)
    if options.direction == "lower":
        away = away._replace(estimate=-away.estimate, low=-away.high, high=-away.low)
    verdict, bound = beyond(away, options.direction, options.margin)
    said = f"{one.label}: {measured(mean)} seeds; {other.metric} is {number(value)}"
    why = f"{how(one, mean)}; {lies(away, verdict)}"
    finding = Finding(verdict, said, bound, why, away, (options.margin, inf))
    return one_group(all_trained(guarded(finding, options.seeds, one), one), one)
