"""The table of the probe `context_use`: the score of a trained network by how much of its input it sees."""

from pandas import DataFrame

from rnnlimits.analysis.tables.gradients import probed
from rnnlimits.analysis.tables.summary import finish, made_of, one_each, summarise, widen

BESIDE = {"context_score_full": "full", "context_score_chance": "chance"}


@made_of(lambda rows: probed(rows, "context_score", "context_score_shuffled", *BESIDE))
def context_by_lag(rows: DataFrame, confidence: float) -> DataFrame:
    """The score where inputs further back than a lag are not seen (quantity `last`), or are `shuffled`.

    Beside it the score with all inputs in order, and that of guessing; NaN where a task has no such level.
    """
    by = ["shard", "stage", "metric", "lag_steps"]
    curves = rows[rows.lag_steps.notna()]
    table = summarise(curves, by, confidence, along="lag_steps").set_index(by)
    table["unit"] = one_each(curves, by, "unit")
    table = table.reset_index().merge(widen(rows, by[:2], BESIDE), on=by[:2], how="left")
    table["quantity"] = table.metric.map({"context_score": "last", "context_score_shuffled": "shuffled"})
    columns = ["stage", "quantity", "lag_steps", "unit", "estimate", "estimator", "low", "high", "n"]
    return finish(table, rows, [*columns, *BESIDE.values()])
