"""At least one network meets all conditions; that none was found proves nothing."""

from dataclasses import dataclass
from math import inf, nan
from typing import ClassVar, Literal

from pandas import DataFrame, Series

from rnnlimits.analysis.claims.finding import REPRODUCED, UNDECIDED, Finding
from rnnlimits.analysis.statistics import Interval
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "networks"
    has_bound: ClassVar = False
    conditions: dict[
        str, dict[Literal["above", "below"], float]
    ]  # metric: {above: number} or {below: number}
    seeds: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.conditions or not all(self.conditions.values()):
            raise ValueError("conditions: give a mapping of metrics to {above: number} or {below: number}")


def judge(table: DataFrame, options: Options) -> Finding:
    meets = Series(True, index=table.index)
    for metric, condition in options.conditions.items():
        meets &= table[metric] > condition.get("above", -inf)
        meets &= table[metric] < condition.get("below", inf)
    words = [
        f"{metric} {word} {n:g}" for metric, one in options.conditions.items() for word, n in one.items()
    ]
    text, found = " and ".join(words), int(meets.sum())
    verdict = REPRODUCED if found and len(table) >= options.seeds else UNDECIDED
    why = "one is enough; that none was found would prove nothing"
    counted, said = Interval(found, nan, nan, len(table)), f"{found} of {len(table)} networks have {text}"
    return Finding(verdict, said, "at least one", why, counted, (1, inf))
