"""Choosing the hidden size by cross-validation: the smallest one within a standard error of the best.

The one-standard-error rule: Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "Which hidden size does cross-validation choose?"
TABLES = ("cross_validation",)


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _shown(tables)
    if table.empty:
        return style.not_measured(TITLE)
    parts, found = base.cells(table), style.looks(table.variant)
    figure = style.blank(_message(table), 1.2 + 2.5 * -(-len(parts) // 3))
    one_task = table.groupby(["study", "task"]).ngroups == 1
    panels = style.grid(figure, len(parts), 3, sharey=one_task)
    style.label(
        panels, "hidden size (units)", f"{base.words(base.join(table.metric.unique()))}, mean of folds"
    )
    for axes, ((study, task, variant), part) in zip(panels, parts):
        _folds(axes, part.sort_values("hidden_size"), found[variant])
        axes.set_title("\n".join([*([] if one_task else [base.name(study, task)]), variant, _tested(part)]))
    ring = Line2D([], [], marker="o", ms=12, mfc="none", mec="black", mew=1.6, linestyle="")
    within = Line2D([], [], color="black", lw=1, linestyle=(0, (2, 2)))
    style.legend(figure, [ring, within], ["chosen size", "one standard error from the best"])
    return figure


def caption(tables: base.Tables) -> str:
    table = _shown(tables)
    if table.empty:
        return "No hidden size was chosen by cross-validation in this run."
    return (
        f"Mean over {base.span(table.n)} folds with its standard error, each fold with early stopping. The "
        "ring marks the smallest size whose mean lies within one standard error of the best. Only that "
        "size was trained again on all training data and read on test, once: the number in the panel's "
        f"title, with its interval over seeds.{_lost(table)}"
    )


def _lost(table: pd.DataFrame) -> str:
    """What stands for folds that diverged, if any did."""
    lost = int(table.n_diverged.sum())
    return f" {lost} folds diverged and count as guessing, or as the worst other fold." if lost else ""


def _shown(tables: base.Tables) -> pd.DataFrame:
    table = tables["cross_validation"]
    return table if table.empty else table.dropna(subset="mean")


def _folds(axes: Axes, part: pd.DataFrame, look: style.Look) -> None:
    axes.errorbar(part.hidden_size, part["mean"], part.standard_error, capsize=3, **look.line())
    best = part[part.best.astype(bool)]
    if len(best):
        # The best is an extreme of the means: whether the top or the bottom one says where "within" lies.
        top = best["mean"].iloc[0] >= part["mean"].max()
        limit = best["mean"].iloc[0] + (-1 if top else 1) * best.standard_error.iloc[0]
        axes.axhline(limit, color="black", lw=1, linestyle=(0, (2, 2)))
    chosen = part[part.chosen.astype(bool)]
    axes.plot(chosen.hidden_size, chosen["mean"], "o", ms=13, mfc="none", mec="black", mew=1.6)
    style.at_values(axes, "x", part.hidden_size)


def _tested(part: pd.DataFrame) -> str:
    tested = part.dropna(subset="test_value")
    if tested.empty:
        return "not read on test"
    row = tested.iloc[0]
    said = f"test {row.test_value:.3g} [{row.test_low:.3g}, {row.test_high:.3g}]"
    return said if pd.isna(row.size_edge) else f"{said}\n{row.size_edge} size tried"


def _message(table: pd.DataFrame) -> str:
    """
    >>> rows = {"variant": ["gru", "gru", "lstm"], "hidden_size": [8, 16, 8], "chosen": [True, False, True]}
    >>> _message(pd.DataFrame(rows))
    'The one-standard-error rule chooses 8 units for gru and lstm'
    """
    chosen = table[table.chosen.astype(bool)].groupby("hidden_size").variant.unique()
    if chosen.empty:
        return "Mean of the folds by hidden size (none could be chosen)"
    said = "; ".join(f"{size:g} units for {base.join(sorted(variants))}" for size, variants in chosen.items())
    return f"The one-standard-error rule chooses {said}"
