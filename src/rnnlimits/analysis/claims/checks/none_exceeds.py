"""Not a single number above the bound: for what theory forbids, so that one exception contradicts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import ClassVar

import numpy as np

from rnnlimits.analysis.claims.finding import CONTRADICTED, REPRODUCED, UNDECIDED, Finding, limits
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import Interval
from rnnlimits.contracts import CheckOptions


@dataclass(frozen=True, kw_only=True)
class Options(CheckOptions):
    looks_at: ClassVar = "cells"
    bound: float = 0.0
    seeds: int = 1


def judge(cells: Sequence[Cell], options: Options) -> Finding:
    values = np.concatenate([cell.value.dropna().to_numpy() for cell in cells])
    name, text = cells[0].metric, limits(-inf, options.bound)
    if len(values) < options.seeds:
        return Finding(
            UNDECIDED, f"{name}: {len(values)} values", text, f"too few, {options.seeds} are needed"
        )
    above = int((values > options.bound).sum())
    sentence = f"{name} of {len(values)} networks: {above} above {options.bound:g}, "
    sentence += f"the largest is {values.max():.3g}"
    verdict = CONTRADICTED if above else REPRODUCED
    why = f"{'one' if above else 'not one'} is enough to contradict it"
    largest = Interval(float(values.max()), nan, nan, len(values))
    return Finding(verdict, sentence, text, why, largest, (-inf, options.bound))
