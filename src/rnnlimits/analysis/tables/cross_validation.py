"""The hidden size chosen by cross-validation: fold means, their standard errors, and one test result."""

from typing import Any

from pandas import DataFrame

from rnnlimits.analysis.tables import remarks
from rnnlimits.analysis.tables.summary import best_rows, best_values, chosen, finish, made_of, summarise
from rnnlimits.rows import marks
from rnnlimits.rows.selection import of_a_diverged_fold, one_standard_error

IDENTITY = ["study", "task", "variant", "architecture", "hidden_size", "parameters"]
COLUMNS = [
    "learning_rate", "rate_edge", "metric", "mean", "standard_error", "n", "n_diverged", "best", "chosen",
    "size_edge", "test_value", "test_low", "test_high",
]  # fmt: skip
SERIES = ["study", "task", "variant"]  # one choice of a hidden size each


def _folds_and_refits(rows: DataFrame) -> DataFrame:
    """The best value of each fold, the curves that tell which direction is better, and the refit on test."""
    folds = rows[(rows.kind == "cross_validation") & (rows.split == "validation")]
    best = best_rows(folds)
    measure = rows.metric.isin(set(best.metric.str.removeprefix("best_")))
    curves = rows.index.isin(folds.index) & (rows.stage == "training")
    refits = (rows.kind == "refit") & (rows.split == "test")
    return rows[rows.index.isin(best.index) | (measure & (curves | refits))]


@made_of(_folds_and_refits)
def cross_validation(rows: DataFrame, confidence: float) -> DataFrame:
    """A line a hidden size; the refit of the chosen size fills the test columns of its line.

    A fold that diverged counts as one that has learnt nothing, in training too: chance, or the worst fold.
    size_edge says that the chosen size is the smallest or the largest that was tried, rate_edge the same of
    a size's learning rate.
    """
    folds = rows[rows.kind == "cross_validation"]
    tried = best_values(folds)
    best = _with_lost_folds(chosen(tried), folds)
    by = ["shard", "learning_rate", "metric"]
    table = summarise(best, by, confidence).set_index(by)
    table["mean"] = best.groupby(by, dropna=False).value.mean()
    table["standard_error"] = best.groupby(by, dropna=False).value.sem()
    table["n_diverged"] = remarks.diverged(best, by)
    table = table.reset_index().merge(folds[["shard", *IDENTITY]].drop_duplicates(), on="shard")
    table["rate_edge"] = remarks.rate_edges(table, tried)
    table[["best", "chosen"]] = False
    for series, sizes in table.groupby(SERIES):
        direction = _direction(folds, series)
        means = dict(zip(sizes.hidden_size, zip(direction * sizes["mean"], sizes.standard_error)))
        best_size, chosen_size = one_standard_error(means, higher_is_better=True)
        table.loc[sizes.index, "best"] = sizes.hidden_size == best_size
        is_chosen = sizes.hidden_size == chosen_size
        table.loc[sizes.index, "chosen"] = is_chosen
        table.loc[sizes.index[is_chosen], "size_edge"] = marks.edge(chosen_size, list(sizes.hidden_size))
    table = table if "size_edge" in table else table.assign(size_edge=None)
    return finish(_with_test(table, rows, confidence).drop(columns="shard"), rows, COLUMNS, IDENTITY)


def _with_lost_folds(best: DataFrame, folds: DataFrame) -> DataFrame:
    """Every fold with a number, those that diverged too."""
    filled = best.value.astype(float)
    for series, mine in best.groupby(SERIES):
        chance = mine.chance.dropna()
        of_lost = of_a_diverged_fold(
            list(mine.value.dropna()),
            float(chance.iloc[0]) if len(chance) else None,
            higher_is_better=_direction(folds, series) > 0,
        )
        filled.loc[mine.index] = filled.loc[mine.index].fillna(of_lost)
    return best.assign(value=filled)


def _direction(folds: DataFrame, series: tuple[Any, ...]) -> float:
    """+1 if higher is better, else -1: the best value lies above the rest of its curve, or below."""
    mine = folds[(folds[SERIES] == list(series)).all(axis=1)]
    best = best_values(mine)
    curve = mine[(mine.stage == "training") & mine.metric.isin(best.metric)]
    return 1.0 if best.value.mean() >= curve.value.mean() else -1.0


def _with_test(table: DataFrame, rows: DataFrame, confidence: float) -> DataFrame:
    """The refit's mean test score over seeds, on the line of the hidden size that it used."""
    refit = rows[rows.kind == "refit"]
    by = [*SERIES, "hidden_size", "metric"]
    test = summarise(refit, by, confidence)[[*by, "estimate", "low", "high"]]
    test = test.rename(columns={"estimate": "test_value", "low": "test_low", "high": "test_high"})
    return table.merge(test, on=by, how="left")
