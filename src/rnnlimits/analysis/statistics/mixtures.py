"""Cells of which some seeds solve the task and others do not: there a mean describes no network at all.

Nine networks at 0.001 and one at 0.17 have a mean near none of them, and of ten such seeds an interval called
95 % holds it in two cases of three at best.  Such a cell is told by its two groups.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pandas import Series

from rnnlimits.analysis.statistics import scales
from rnnlimits.analysis.statistics.scales import LINEAR, Array, Scale

# One of a hundred cells of normally distributed seeds has a wider gap than is asked for.
FALSE_ALARMS = 0.01
SAMPLES = 20_000
FEWEST = 4  # of three, the wider of two gaps is always half of the range or more


class Groups(NamedTuple):
    """The values of two groups of seeds, the smaller values first; told apart by what."""

    low: Array
    high: Array
    by: str


def groups(
    values_N: Array, solved_N: NDArray[np.bool_] | None = None, scale: Scale = LINEAR
) -> Groups | None:
    """The two groups, by who solved the task where that is known, else by the largest gap; None if one group.

    A gap is measured on the scale on which the values would be averaged.

    >>> groups(np.array([0.001, 0.17, 0.002]), np.array([True, False, True])).by
    'solved'
    >>> groups(np.array([0.16, 0.17, 0.165]), np.array([False, False, False])) is None
    True
    >>> groups(np.array([0.01, 0.011, 0.02, 0.018, 0.9])).high.tolist()
    [0.9]
    """
    known_N = ~np.isnan(values_N)
    values_N = values_N[known_N]
    if solved_N is not None:
        solved_N = solved_N[known_N]
        if solved_N.all() or not solved_N.any():
            return None
        sides = sorted((values_N[solved_N], values_N[~solved_N]), key=lambda side: float(side.mean()))
        return Groups(np.sort(sides[0]), np.sort(sides[1]), "solved")
    values_N = np.sort(values_N)
    if len(values_N) < FEWEST or values_N[0] == values_N[-1]:
        return None
    there_N = scale.there(values_N)
    gap_M = np.diff(there_N)
    cut = int(gap_M.argmax()) + 1
    if gap_M.max() <= widest_gap(len(values_N)) * (there_N[-1] - there_N[0]):
        return None
    return Groups(values_N[:cut], values_N[cut:], by="gap")


def groups_by_seed(value: Series, solved: Series | None, unit: str | None) -> Groups | None:
    """The two groups of numbers by seed; a seed that `solved` does not name has not solved the task."""
    numbers_N = value.to_numpy(dtype=float)
    known = None if solved is None else solved.reindex(value.index, fill_value=False).to_numpy(dtype=bool)
    return groups(numbers_N, known, scales.of(unit, numbers_N[~np.isnan(numbers_N)]))


@cache
def widest_gap(seeds: int) -> float:
    """The largest gap, as a share of the range, that normally distributed seeds exceed in FALSE_ALARMS cases.

    >>> [round(widest_gap(seeds), 2) for seeds in (4, 5, 10, 20)]
    [0.93, 0.84, 0.57, 0.43]
    """
    drawn = np.sort(np.random.default_rng(0).standard_normal((SAMPLES, seeds)))
    widest = np.diff(drawn).max(axis=1) / (drawn[:, -1] - drawn[:, 0])
    return float(np.quantile(widest, 1 - FALSE_ALARMS))
