"""What two runs measured of the same shard: their difference, with its interval over seeds.

Where config and data are the same, a seed stands for the same data and first weights on both sides: seeds are
paired.  Else Welch's interval is taken.  Shares of seeds that solve the task have Newcombe's interval.
"""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import pandas as pd
from pandas import DataFrame, Series

from rnnlimits.analysis import statistics
from rnnlimits.analysis.differences.run import Run
from rnnlimits.analysis.statistics import Interval, mixtures
from rnnlimits.analysis.tables.summary import of_survivors, solved_on_test
from rnnlimits.analysis.tables.training import tested
from rnnlimits.rows.content import IDENTITY

COLUMNS = [
    "shard", "stage", "metric", "unit", "first", "second", "n_first", "n_second", "difference", "low", "high",
    "method", "lies", "remark",
]  # fmt: skip
RESULT = ["shard", "split", "stage", "metric"]  # its rows differ in their seed
WITHIN, BEYOND, UNKNOWN = "within", "beyond", "no interval"  # where no difference at all would lie
PAIRED, WELCH, SHARES = "paired seeds", "Welch", "difference of shares"


def of_shards(first: Run, second: Run, shards: Sequence[str]) -> DataFrame:
    """A line for each result of these shards that is not the same for every seed; `second` minus `first`."""
    sides = [_results(run.rows, shards) for run in (first, second)]
    one, other = ({_names(key): rows for key, rows in side.groupby(RESULT)} for side in sides)
    lines = [
        _line(*key, (first, second), (one[key], other[key])) for key in sorted(one.keys() & other.keys())
    ]
    return DataFrame([line for line in lines if line], columns=COLUMNS)


def count(run: Run, shards: Sequence[str]) -> int:
    """How many results these shards have."""
    return len(_results(run.rows, shards)[RESULT].drop_duplicates())


def rows_by_split(first: Run, second: Run, shards: Sequence[str]) -> dict[str, int]:
    """Of all rows of these shards, how many are in one run only or have another value."""
    columns = [*IDENTITY, "value", "status"]
    sides = [run.rows[run.rows.shard.isin(shards)][columns] for run in (first, second)]
    both = sides[0].merge(sides[1], on=IDENTITY, how="outer", suffixes=("", "_second"), indicator=True)
    same = (both.value == both.value_second) | (both.value.isna() & both.value_second.isna())
    same &= both.status == both.status_second
    counted = both[~same | (both["_merge"] != "both")].split.value_counts()
    return {str(split): int(number) for split, number in sorted(counted.items())}


def is_paired(first: Run, second: Run, shard: str) -> bool:
    """Is a seed of this shard the same data and first weights in both runs, as far as is recorded?"""
    sides = [run.facts.get(shard, {}) for run in (first, second)]
    known = all(side.get("config_hash") for side in sides)
    return known and all(sides[0].get(name) == sides[1].get(name) for name in ("config_hash", "facts"))


def _results(rows: DataFrame, shards: Sequence[str]) -> DataFrame:
    """What was read once of each network: on test, by probes where it is no curve, and by simulations."""
    rows = rows[rows.shard.isin(shards)]
    measured = rows[rows["split"].isin(["probe", "simulation"]) & rows.lag_steps.isna() & rows.fold.isna()]
    found = pd.concat([tested(rows), measured])
    return found.assign(value=of_survivors(found).astype(float))


def _names(key: Any) -> tuple[str, str, str, str]:
    shard, split, stage, metric = map(str, key)
    return shard, split, stage, metric


def _line(
    shard: str, split: str, stage: str, metric: str, runs: tuple[Run, Run], sides: tuple[DataFrame, DataFrame]
) -> dict[str, Any] | None:
    first, second = (side.set_index("seed").value.sort_index() for side in sides)
    if first.equals(second):
        return None
    paired = is_paired(*runs, shard)
    method, interval = _difference(metric, first, second, paired)
    unit = sides[0].unit.iloc[0]
    return {
        "shard": shard, "stage": stage, "metric": f"{split} {metric}", "unit": unit,
        "first": first.mean(), "second": second.mean(),
        "n_first": first.count(), "n_second": second.count(), "difference": interval.estimate,
        "low": interval.low, "high": interval.high, "method": method, "lies": _lies(interval),
        "remark": "; ".join(_remarks(metric, runs, sides, (first, second), unit)),
    }  # fmt: skip


def _difference(metric: str, first: Series, second: Series, paired: bool) -> tuple[str, Interval]:
    if metric == "solved":
        one, other = (int(side.sum()) for side in (second, first))
        return SHARES, statistics.share_difference(one, other, int(second.count()), int(first.count()))
    if paired:
        return PAIRED, statistics.mean((second - first).to_numpy())
    return WELCH, statistics.difference(second.to_numpy(), first.to_numpy())


def _lies(interval: Interval) -> str:
    """
    >>> [_lies(Interval(1.0, low, 2.0, 5)) for low in (-1.0, 0.5, float("nan"))]
    ['within', 'beyond', 'no interval']
    """
    if isnan(interval.low):
        return UNKNOWN
    return WITHIN if interval.low <= 0 <= interval.high else BEYOND


def _remarks(
    metric: str,
    runs: tuple[Run, Run],
    sides: tuple[DataFrame, DataFrame],
    values: tuple[Series, Series],
    unit: str,
) -> Iterator[str]:
    """What a reader of the interval has to know."""
    rates = [sorted(side.learning_rate.dropna().unique()) for side in sides]
    if rates[0] != rates[1]:
        yield "learning rate " + " for ".join(
            ", ".join(f"{rate:g}" for rate in found) for found in rates[::-1]
        )
    lost = [int((side.status == "diverged").sum()) for side in sides]
    if any(lost):
        yield f"diverged: {lost[0]} and {lost[1]} seeds"
    shards = [run.rows[run.rows.shard == side.shard.iloc[0]] for run, side in zip(runs, sides)]
    apart = [
        mixtures.groups_by_seed(value, solved_on_test(shard), unit) for value, shard in zip(values, shards)
    ]
    if metric != "solved" and any(apart):
        yield "two groups of seeds, of which a mean describes neither"


def records(lines: DataFrame) -> list[dict[str, Any]]:
    """The lines by their columns' names."""
    return [{str(name): value for name, value in line.items()} for line in lines.to_dict("records")]
