"""Tables of what was learnt: test results, learning curves, replicas, the search for a learning rate."""

import numpy as np
import pandas as pd
from pandas import DataFrame

from rnnlimits.analysis import statistics
from rnnlimits.analysis.tables import remarks, two_groups
from rnnlimits.analysis.tables.summary import (
    best_rows,
    best_values,
    chosen,
    finish,
    made_of,
    one_each,
    primary_metrics,
    summarise,
    trained,
)


def tested(rows: DataFrame) -> DataFrame:
    """Rows of the test part, read once with the weights that were kept."""
    rows = trained(rows)
    return rows[(rows.split == "test") & (rows.stage == "final")]


@made_of(lambda rows: pd.concat([tested(rows), best_rows(rows)]))  # the latter say which metric is primary
def test_results(rows: DataFrame, confidence: float) -> DataFrame:
    """Every score on the test part; for `solved`, the share of seeds with Wilson's interval.

    A replica that diverged has no score: the mean is over the others, and n_diverged stands beside it.  One
    that is not trained, as its first weights did best on validation, counts, and n_not_trained says so.
    Where some seeds solve the task and others do not, there is no mean but one of each group.
    n_validation_only counts seeds that solved the task on validation and not here; rate_edge says that the
    learning rate was chosen at that end of its list.
    """
    scores = tested(rows)
    by = ["shard", "learning_rate", "metric"]
    table = summarise(scores, by, confidence).set_index(by)
    table["unit"] = one_each(scores, by, "unit")
    table["chance"] = one_each(scores, by, "chance")
    table["n_diverged"] = remarks.diverged(scores, by)
    table["n_not_trained"] = remarks.not_trained(scores, by)
    table["n_validation_only"] = remarks.solved_on_validation_only(scores, by)
    table = table.reset_index()
    table["rate_edge"] = remarks.rate_edges(table, best_rows(rows))
    table = two_groups.told_apart(table, scores)
    solved = table.metric == "solved"
    shares = [
        statistics.share(round(mean * n), n, confidence)
        for mean, n in zip(table.loc[solved, "estimate"], table.loc[solved, "n"])
    ]
    table.loc[solved, "low"] = [share.low for share in shares]
    table.loc[solved, "high"] = [share.high for share in shares]
    table.loc[solved, "estimate"] = [share.estimate for share in shares]
    table.loc[solved, "estimator"] = "share"
    decides = scores.merge(primary_metrics(rows), on=["study", "task", "metric"])
    pairs = pd.MultiIndex.from_frame(decides[["shard", "metric"]])
    table["primary"] = pd.MultiIndex.from_frame(table[["shard", "metric"]]).isin(pairs)
    columns = ["learning_rate", "metric", "primary", "unit", "estimate", "estimator", "low", "high"]
    columns += ["n", *remarks.COLUMNS, *two_groups.COLUMNS, "chance"]
    return finish(table, rows, columns)


def _curves(rows: DataFrame) -> DataFrame:
    curves = chosen(trained(rows))
    return curves[(curves.stage == "training") & (curves["split"] != "test")]


@made_of(_curves)
def learning_curves(curves: DataFrame, confidence: float) -> DataFrame:
    """Train and validation scores by update, of the learning rate that was chosen.

    A replica that has stopped keeps its last value, so that a mean is over the same seeds at every update;
    one that diverged has no value from there on.  Where some seeds solve the task and others do not, each
    group has a curve of its own.
    """
    curves = curves.assign(group=two_groups.of_replicas(curves))
    by = ["shard", "learning_rate", "split", "metric", "unit", "group"]  # the unit decides the scale
    carried = _carry_last_value(curves, by)
    table = summarise(carried, [*by, "update"], confidence, along="update").set_index(by)
    table["chance"] = one_each(curves, by, "chance")
    columns = ["learning_rate", "split", "metric", "unit", "group", "update"]
    columns += ["estimate", "estimator", "low", "high", "n", "chance"]
    return finish(table.reset_index(), curves, columns)


def _carry_last_value(curves: DataFrame, by: list[str]) -> DataFrame:
    """Every replica at every update that any replica of its curve has reached.

    >>> stopped = DataFrame({"curve": "a", "seed": [0, 0, 1], "update": [0, 10, 0], "value": [3.0, 1.0, 2.0]})
    >>> _carry_last_value(stopped, ["curve"]).query("seed == 1").value.tolist()
    [2.0, 2.0]
    """
    curves = curves[[*by, "seed", "update", "value"]].reset_index(drop=True)
    updates = curves[[*by, "update"]].drop_duplicates()
    replicas = curves[[*by, "seed"]].drop_duplicates()
    grid = replicas.merge(updates, on=by)
    # The row's number is carried, not its value: a diverged replica's missing value stays missing.
    numbered = curves.drop(columns="value").assign(row=np.arange(len(curves), dtype=float))
    grid = grid.merge(numbered, on=[*by, "seed", "update"], how="left").sort_values("update", kind="stable")
    grid["row"] = grid.groupby([*by, "seed"], dropna=False).row.ffill()
    grid = grid.dropna(subset="row")
    return grid.assign(value=curves.value.to_numpy()[grid.row.to_numpy(dtype=int)])


def _ends(rows: DataFrame) -> DataFrame:
    rows = chosen(trained(rows))
    return rows[(rows.split == "validation") & (rows.stage == "final")]


@made_of(_ends)
def replicas(final: DataFrame, confidence: float) -> DataFrame:
    """One line a seed: how it ended, when it was solved, and the validation score of its kept weights."""
    key = ["shard", "seed"]
    table = final[[*key, "learning_rate", "status", "update"]].drop_duplicates(key).set_index(key)
    for metric in ("updates_to_solve", "best_update"):
        table[metric] = final[final.metric == metric].set_index(key).value
    table["best_value"] = best_values(final).set_index(key).value
    table = table.rename(columns={"update": "stop_update"}).reset_index()
    columns = ["seed", "learning_rate", "status", "updates_to_solve", "best_update", "stop_update"]
    return finish(table, final, [*columns, "best_value"])


@made_of(lambda rows: best_rows(trained(rows)))
def learning_rate_search(rows: DataFrame, confidence: float) -> DataFrame:
    """The validation score of the weights that were kept, at every learning rate, and which rate was chosen.

    edge says that the chosen rate is the smallest or the largest of its list: a better one may lie beyond.
    """
    best = best_values(rows)
    by = ["shard", "learning_rate", "metric"]
    table = summarise(best, by, confidence).set_index(by)
    table["selected"] = one_each(best, by, "selected")
    table["n_diverged"] = remarks.diverged(best, by)
    table = table.reset_index()
    table["edge"] = remarks.rate_edges(table, best).where(table.selected)
    columns = ["learning_rate", "metric", "estimate", "estimator", "low", "high", "n", "n_diverged"]
    return finish(table, rows, [*columns, "selected", "edge"])
