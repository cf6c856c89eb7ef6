"""The hidden size chosen by cross-validation: fold means, their standard errors, and one test result."""

from typing import Any

import numpy as np
from pandas import DataFrame

from rnnlimits.analysis.tables.summary import best_rows, best_values, chosen, finish, made_of, summarise
from rnnlimits.rows.selection import one_standard_error

IDENTITY = ["study", "task", "variant", "architecture", "hidden_size", "parameters"]
COLUMNS = [
    "learning_rate", "metric", "mean", "standard_error", "n", "best", "chosen",
    "test_value", "test_low", "test_high",
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
    """A line a hidden size; the refit of the chosen size fills the test columns of its line."""
    folds = rows[rows.kind == "cross_validation"]
    best = best_values(chosen(folds))
    by = ["shard", "learning_rate", "metric"]
    table = summarise(best, by, confidence).set_index(by)
    table["mean"] = best.groupby(by, dropna=False).value.mean()
    table["standard_error"] = best.groupby(by, dropna=False).value.sem()
    table["diverged"] = best.value.isna().groupby([best[key] for key in by], dropna=False).any()
    table = table.reset_index().merge(folds[["shard", *IDENTITY]].drop_duplicates(), on="shard")
    table[["best", "chosen"]] = False
    for series, sizes in table.groupby(SERIES):
        means = {
            # As in training: a size with a fold that diverged has the worst possible mean.
            size: (-np.inf, np.nan) if failed else (mean * _direction(folds, series), error)
            for size, mean, error, failed in zip(
                sizes.hidden_size, sizes["mean"], sizes.standard_error, sizes.diverged
            )
        }
        best_size, chosen_size = one_standard_error(means, higher_is_better=True)
        table.loc[sizes.index, "best"] = sizes.hidden_size == best_size
        table.loc[sizes.index, "chosen"] = sizes.hidden_size == chosen_size
    return finish(_with_test(table, rows, confidence).drop(columns="shard"), rows, COLUMNS, IDENTITY)


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
