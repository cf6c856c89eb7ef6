"""The mean (or median) over seeds lies in a range, or within a factor of the source's number."""

from dataclasses import dataclass
from typing import Literal

from rnnlimits.analysis.claims.bounds import of_statistic
from rnnlimits.analysis.claims.finding import Finding, number
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.contracts import StatisticOptions


@dataclass(frozen=True, kw_only=True)
class Options(StatisticOptions):
    low: float | None = None
    high: float | None = None
    of: float | None = None  # the source's number
    factor: float | None = None
    statistic: Literal["mean", "median"] = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        range_given = (self.low is not None, self.high is not None)
        factor_given = (self.of is not None, self.factor is not None)
        if (range_given, factor_given) not in (((True,) * 2, (False,) * 2), ((False,) * 2, (True,) * 2)):
            raise ValueError("within needs low and high, or of and factor")
        if self.factor is not None and self.factor <= 1:
            raise ValueError(f"factor: got {self.factor:g}; expected a number greater than 1")

    @property
    def ends(self) -> tuple[float, float]:
        """The bounds, whichever way they were given."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        assert self.of is not None
        assert self.factor is not None
        return self.of / self.factor, self.of * self.factor


def judge(cell: Cell, options: Options) -> Finding:
    found = of_statistic(cell, options.statistic, *options.ends, options.seeds)
    if options.of is None or options.factor is None:
        return found
    return found._replace(
        bound=f"{found.bound} (within a factor {number(options.factor)} of {number(options.of)})"
    )
