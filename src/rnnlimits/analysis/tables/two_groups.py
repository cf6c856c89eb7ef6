"""Cells of which some seeds solve the task and others do not: two means, where one would describe neither."""

import numpy as np
from pandas import DataFrame, Series

from rnnlimits.analysis.statistics import mixtures
from rnnlimits.analysis.tables.summary import solved_on_test

COLUMNS = ["low_group", "high_group", "n_low_group"]


def told_apart(table: DataFrame, tested: DataFrame) -> DataFrame:
    """A cell of two groups gets their means, and the number of seeds in the one of the smaller values.

    `table` has a line for each shard, learning rate and metric of the rows `tested`.
    """
    tested = tested[["shard", "metric", "split", "seed", "value", "unit"]]
    solved = {
        shard: solved_on_test(rows) for shard, rows in tested[tested.metric == "solved"].groupby("shard")
    }
    cells = dict(iter(tested.groupby(["shard", "metric"])))
    found = [
        _of(cells[shard, metric], metric, solved.get(shard))
        for shard, metric in zip(table.shard, table.metric)
    ]
    table = table.assign(**DataFrame(found, columns=COLUMNS, index=table.index, dtype=float))
    two = table.low_group.notna()
    table.loc[two, ["estimate", "low", "high"]] = np.nan
    table.loc[two, "estimator"] = "two groups"
    return table


def _of(cell: DataFrame, metric: str, solved: Series | None) -> tuple[float, float, float]:
    """The means of the two groups of one metric; nothing where there is one group, or a share is told."""
    by_seed = cell.set_index("seed").value.sort_index()
    groups = mixtures.groups_by_seed(by_seed, solved, cell.unit.iloc[0])
    if metric == "solved" or groups is None:
        return np.nan, np.nan, np.nan
    return float(groups.low.mean()), float(groups.high.mean()), len(groups.low)


def of_replicas(curves: DataFrame) -> Series:
    """Of every row of a learning curve, the group of its replica: "all" where the seeds ended alike.

    >>> ended = DataFrame({"shard": ["a", "a", "b"], "status": ["solved", "out_of_updates", "solved"]})
    >>> of_replicas(ended).tolist()
    ['solved', 'not solved', 'all']
    """
    solved = curves.status == "solved"
    share = solved.groupby(curves.shard).transform("mean")
    names = solved.map({True: "solved", False: "not solved"})
    return names.where((share > 0) & (share < 1), "all")
