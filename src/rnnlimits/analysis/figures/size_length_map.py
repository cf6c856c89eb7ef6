"""Sequence length against hidden size: the share of seeds that still solve the task."""

from textwrap import fill

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "What does the hidden size change?"
TABLES = ("test_results",)


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _shown(tables["test_results"])
    if table.empty:
        return style.not_measured(TITLE)
    parts, studies = base.cells(table), table.study.nunique()
    columns = 3 if table.length_steps.nunique() > 4 else 4
    rows = -(-len(parts) // columns)
    figure = style.blank(_message(table), 1.2 + rows * (0.9 + 0.33 * table["size"].nunique()))
    panels = style.grid(figure, len(parts), columns)
    for axes, ((study, task, variant), part) in zip(panels, parts):
        _map(axes, part)
        where = fill(base.name(study, task), 84 // columns) if studies > 1 else task
        axes.set_title(f"{where}\n{variant}")
    style.label(panels, "length T (steps)", "units")
    for axes, (_, part) in zip(panels, parts):
        if part.parameters_target.notna().any():
            axes.set_ylabel("parameters")
    bar = figure.colorbar(
        panels[0].collections[0], ax=panels, location="bottom", aspect=50, shrink=0.6, pad=0.02
    )
    bar.set_label("share of seeds that solve the task (hatched: not measured)")
    return figure


def caption(tables: base.Tables) -> str:
    table = _shown(tables["test_results"])
    if table.empty:
        return "No solved share was measured in this run."
    return (
        f"The share of {base.seeds(table)} that reach the task's criterion on test sequences, at the "
        "learning rate that validation chose for that cell. From left to right sequences grow, from bottom "
        f"to top the network does. {base.remarks(table)}A hatched cell was not measured."
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Tasks at several sizes; where there is none, those at several lengths; else all."""
    if table.empty:
        return table
    table = table[(table.metric == "solved") & table["estimate"].notna()]
    if table.empty:
        return table
    table = table.assign(size=base.size(table))
    # Of one architecture: sizes that differ only because each chose its own make no map.
    cells = table.groupby(["study", "task", "variant"])
    for column in ("size", "length_steps"):
        several = cells[column].transform("nunique") > 1
        if several.any():
            return table[several]
    return table


def _map(axes: Axes, part: pd.DataFrame) -> None:
    cells = part.pivot_table(index="size", columns="length_steps", values="estimate")
    cells = cells.sort_index(ascending=False)
    axes.set_facecolor("#eeeeee")
    axes.patch.set(hatch="////", edgecolor="#aaaaaa")
    sns.heatmap(cells, ax=axes, vmin=0, vmax=1, cmap="cividis", annot=True, fmt=".2g", annot_kws={"size": 8},
                cbar=False, linewidths=0.5, linecolor="white")  # fmt: skip
    axes.set_yticks(np.arange(len(cells)) + 0.5, [f"{size:g}" for size in cells.index], rotation=0)
    axes.set_xticks(np.arange(cells.shape[1]) + 0.5, [f"{length:g}" for length in cells.columns], rotation=0)


def _message(table: pd.DataFrame) -> str:
    up, down, cells = base.size_effect(table)
    if not cells:
        return "The share of seeds that solve the task, by architecture and length"
    return f"From smallest to largest size the solved share rises in {up} of {cells} cells, falls in {down}"
