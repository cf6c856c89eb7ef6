"""Cells of which some seeds solve the task and others do not: two means, where one would describe neither."""

import numpy as np
from pandas import DataFrame, Series

from rnnlimits.analysis.statistics import mixtures, scales

COLUMNS = ["low_group", "high_group", "n_low_group"]


def told_apart(table: DataFrame, tested: DataFrame) -> DataFrame:
    """A cell of two groups gets their means, and the number of seeds in the one of the smaller values.

    `table` has a line for each shard, learning rate and metric of the rows `tested`.
    """
    cells = dict(iter(tested.groupby("shard")))
    found = [_of(cells[shard], metric) for shard, metric in zip(table.shard, table.metric)]
    table = table.assign(**DataFrame(found, columns=COLUMNS, index=table.index, dtype=float))
    two = table.low_group.notna()
    table.loc[two, ["estimate", "low", "high"]] = np.nan
    table.loc[two, "estimator"] = "two groups"
    return table


def _of(shard: DataFrame, metric: str) -> tuple[float, float, float]:
    """The means of the two groups of one metric; nothing where there is one group, or a share is told."""
    by_seed = shard[shard.metric == metric].set_index("seed").value.sort_index()
    if metric == "solved":
        return np.nan, np.nan, np.nan
    unit = shard.unit[shard.metric == metric].iloc[0]
    values = by_seed.to_numpy(dtype=float)
    groups = mixtures.groups(values, _solved(shard, by_seed), scales.of(unit, values[~np.isnan(values)]))
    if groups is None:
        return np.nan, np.nan, np.nan
    return float(groups.low.mean()), float(groups.high.mean()), len(groups.low)


def _solved(shard: DataFrame, by_seed: Series) -> "np.ndarray[tuple[int], np.dtype[np.bool_]] | None":
    """Who solved the task, in the order of the seeds; None where that was not asked."""
    solved = shard[shard.metric == "solved"].set_index("seed").value == 1
    return solved.reindex(by_seed.index, fill_value=False).to_numpy(dtype=bool) if len(solved) else None
