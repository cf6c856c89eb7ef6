"""What all tables share: the rows they are made of, a mean with its interval, and one order of lines."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series

from rnnlimits.analysis import statistics
from rnnlimits.analysis.statistics import scales
from rnnlimits.rows import marks

ID = [
    "study", "task", "architecture", "variant", "hidden_size", "length_steps",
    "parameters", "parameters_target",
]  # fmt: skip
WHOLE_NUMBERS = {
    "hidden_size", "length_steps", "parameters", "parameters_target", "seed", "fold", "update", "lag_steps",
    "n", "n_diverged", "n_not_trained", "n_validation_only", "n_low_group", "updates_to_solve", "best_update",
    "stop_update", "updates_run", "replicas",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Table:
    """A table and the rows that it is made of: it is given no others, so what it says of them is true."""

    made_of: Callable[[DataFrame], DataFrame]
    compute: Callable[[DataFrame, float], DataFrame]

    def __call__(self, rows: DataFrame, confidence: float = statistics.CONFIDENCE) -> DataFrame:
        return self.compute(self.made_of(rows), confidence)

    @property
    def summary(self) -> str:
        """What the table says, in one line: the first of its docstring."""
        return (self.compute.__doc__ or "").strip().partition("\n")[0]


def made_of(
    select: Callable[[DataFrame], DataFrame],
) -> Callable[[Callable[[DataFrame, float], DataFrame]], Table]:
    """Says of a table which rows it is given."""
    return lambda compute: Table(select, compute)


OfProvenance = Callable[[DataFrame, dict[str, dict[str, Any]]], DataFrame]


def made_of_provenance(compute: OfProvenance) -> OfProvenance:
    """Says of a table that it reads what may differ between two equal runs, and not the rows alone."""
    return compute


def trained(rows: DataFrame) -> DataFrame:
    """Rows of networks; a fold is no seed, so cross-validation has a table of its own."""
    return rows[rows.kind.isin(["training", "refit"])]


def chosen(rows: DataFrame) -> DataFrame:
    """Rows of the learning rate that validation chose."""
    return rows[rows.selected]


def primary_metrics(rows: DataFrame) -> DataFrame:
    """The metric of every (study, task) that selection looks at."""
    return best_values(rows)[["study", "task", "metric"]].drop_duplicates()


def best_values(rows: DataFrame) -> DataFrame:
    """One row a replica: its best validation value, which the trainer calls best_METRIC, as METRIC."""
    best = best_rows(rows)
    return best.assign(metric=best.metric.str.removeprefix("best_"))


def best_rows(rows: DataFrame) -> DataFrame:
    """The same rows as they are."""
    best = rows[(rows.split == "validation") & (rows.stage == "final")]
    return best[best.metric.str.startswith("best_") & (best.metric != "best_update")]


def of_survivors(rows: DataFrame) -> Series:
    """The values, without those that a probe measured on a replica that diverged later."""
    return rows.value.where(~marks.probe_of_a_diverged_replica(rows))


def kept_their_start(rows: DataFrame) -> Series:
    """Which rows were read with weights that no training has made; a replica that diverged is called so."""
    mark: Series = marks.not_trained(rows) & (rows.status != "diverged")
    return mark


def solved_on_test(shard: DataFrame) -> Series | None:
    """By seed, who solved the task on the test part; None where no such thing was asked."""
    mine = shard[(shard.metric == "solved") & (shard["split"] == "test")]
    return mine.set_index("seed").value == 1 if len(mine) else None


def summarise(
    rows: DataFrame, by: Sequence[str], confidence: float = statistics.CONFIDENCE, along: str = ""
) -> DataFrame:
    """Average, interval and number of seeds with a value, for every group of rows; NaN where no seed has one.

    A group is averaged on the scale of its unit, and `estimator` says what the average is; the groups along
    one column, such as the updates of a curve, share their scale.
    """
    keys = list(by)
    groups = rows.groupby(keys, dropna=False, sort=True)
    table = groups.size().index.to_frame(index=False)
    code = groups.ngroup().to_numpy()
    value = rows.value.to_numpy(dtype=float)
    # Sorted by value inside a group: the order of the files must not reach the last digit of a sum.
    order = np.lexsort((value, code))
    order = order[~np.isnan(value[order])]
    count_G = np.bincount(code[order], minlength=len(table))
    start_G = count_G.cumsum() - count_G
    together = rows.groupby([key for key in keys if key != along], dropna=False) if along else groups
    scale_G = _scales(rows, together)[np.unique(code, return_index=True)[1]]
    result_CG = np.full((3, len(table)), np.nan)
    for n, scale in dict.fromkeys((n, scale) for n, scale in zip(count_G, scale_G) if n):
        same = np.flatnonzero((count_G == n) & (scale_G == scale))
        values_GN = value[order][start_G[same, None] + np.arange(n)]
        result_CG[:, same] = statistics.mean_intervals(values_GN, confidence, scale)
    table = table.assign(estimate=result_CG[0], low=result_CG[1], high=result_CG[2], n=count_G)
    return table.assign(estimator=[scale.estimator for scale in scale_G])


def _scales(rows: DataFrame, groups: Any) -> NDArray[np.object_]:
    """Of every row, the scale on which the seeds of its group are averaged."""
    code = groups.ngroup().to_numpy()
    first_G = np.unique(code, return_index=True)[1]
    units = rows.unit.to_numpy()[first_G] if "unit" in rows else [None] * len(first_G)
    scale_G = [scales.of_unit(unit) for unit in units]
    low, high = (np.array([getattr(scale, end) for scale in scale_G])[code] for end in ("low", "high"))
    value = rows.value.to_numpy(dtype=float)
    outside = ~((low < value) & (value < high)) & ~np.isnan(value)
    holds_G = np.bincount(code, outside, minlength=len(first_G)) == 0
    found_G = np.empty(len(first_G), dtype=object)
    found_G[:] = [scale if holds else scale.without() for scale, holds in zip(scale_G, holds_G)]
    found: NDArray[np.object_] = found_G[code]
    return found


def finish(
    table: DataFrame, rows: DataFrame, columns: Sequence[str], identity: Sequence[str] = ID
) -> DataFrame:
    """Puts the shard's own columns before the others, and the lines into one order."""
    if "shard" in table:
        table = table.merge(rows[["shard", *identity]].drop_duplicates(), on="shard")
    table = table[[*identity, *columns]]
    table = table.astype({name: "Int64" for name in table.columns if name in WHOLE_NUMBERS})
    return table.sort_values(list(table.columns), kind="stable", ignore_index=True)


def one_each(rows: DataFrame, by: Sequence[str], column: str) -> Series:
    """The value that all rows of a group share, such as a chance level or a unit."""
    return rows.groupby(list(by), dropna=False)[column].first()


def widen(rows: DataFrame, by: Sequence[str], metrics: dict[str, str]) -> DataFrame:
    """Means of several metrics side by side: `metrics` maps a metric to its column."""
    means = summarise(rows[rows.metric.isin(list(metrics))], [*by, "metric"])
    wide = means.pivot(index=list(by), columns="metric", values="estimate").reindex(columns=list(metrics))
    return wide.rename(columns=metrics).rename_axis(columns=None).reset_index()
