"""Each task's measure on validation sequences as training goes on, and the update at which seeds solve it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "How does learning go, and when is a task solved?"
TABLES = ("learning_curves", "replicas")
CUT_OFF = 100  # times chance
BELOW = 10  # of the lowest mean, where an interval is cut off
SHOWN_OTHERWISE = ("bits_per_character", "nats_per_word")  # in the figure language_model; as perplexity
LENGTHS = 3  # panels of a task: the shortest, a middle and the longest sequences


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _shown(tables["learning_curves"])
    if table.empty:
        return style.not_measured(TITLE)
    parts, found = base.groups(table), style.looks(table.variant)
    columns = max(part.length_steps.nunique() for _, part in parts)
    figure = style.blank(_message(table, tables["replicas"]), 1.3 + 2.4 * len(parts))
    panels = figure.subplots(len(parts), columns, squeeze=False)
    for row, (key, part) in zip(panels, parts):
        lengths = sorted(set(part.length_steps))
        for axes, length in zip(row, lengths):
            cell = part[part.length_steps == length]
            _curves(axes, cell, found, _solutions(_replicas(cell, tables["replicas"])))
            axes.set_title(f"{base.name(*key) if length == lengths[0] else ''}\n{base.setting(cell)}")
        for spare in row[len(lengths) :]:
            spare.remove()
        row[0].set_ylabel(base.measure(part, "\n"))
    star = Line2D([], [], color="#444444", marker="*", ms=12, mec="black", linestyle="")
    chance = Line2D([], [], color="black", lw=1, linestyle=(0, (6, 3)))
    style.variant_legend(figure, found, {"solved (median update)": star, "chance": chance})
    return figure


def caption(tables: base.Tables) -> str:
    table = _shown(tables["learning_curves"])
    if table.empty:
        return "No learning curve was measured in this run."
    return (
        f"Validation sequences, {base.average(table)}, {base.seeds(table)} at the chosen learning rate; "
        "a seed that has stopped keeps its last value. A star marks the median update at which the "
        f"seeds that solve the task do so. {_of_groups(table)}Errors above {CUT_OFF} times chance, of runs "
        "that diverge, and intervals far below all means are cut off. Shown: up to three lengths of each "
        "task and each architecture's largest size; the text tasks have a figure of their own."
    )


def _of_groups(table: pd.DataFrame) -> str:
    """What two lines of one architecture are, if there are any."""
    if not (table.group == base.NOT_SOLVED).any():
        return ""
    return "Where some seeds solve the task and others do not, each group has a line of its own. "


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """One measure for each task: its own where it has one beside the loss."""
    if table.empty:
        return table
    table = table[(table["split"] == "validation") & table["estimate"].notna()]
    own = (table.metric != "loss").groupby([table.study, table.task]).transform("any")
    table = base.largest(table[(table.metric != "loss") | ~own])
    table = table[~table.metric.isin(SHOWN_OTHERWISE)]
    kept = [part[part.length_steps.isin(_some(part.length_steps))] for _, part in base.groups(table)]
    return pd.concat(kept) if kept else table


def _some(lengths: pd.Series) -> list[float]:
    """
    >>> [int(length) for length in _some(pd.Series([10, 20, 50, 100, 200, 200]))]
    [10, 50, 200]
    """
    ordered = np.unique(lengths)
    return list(ordered[np.unique(np.linspace(0, len(ordered) - 1, LENGTHS).round().astype(int))])


def _curves(axes: Axes, cell: pd.DataFrame, found: style.Looks, solved: dict[str, float]) -> None:
    for (variant, group), curve in cell.sort_values("update").groupby(["variant", "group"]):
        look = found[str(variant)]
        axes.plot(curve["update"], curve["estimate"], **look.line(markevery=max(1, len(curve) // 5), lw=1.4))
        axes.fill_between(curve["update"], curve.low, curve.high, color=look.color, alpha=0.13, lw=0)
        if str(variant) in solved and group != base.NOT_SOLVED:
            at = solved[str(variant)]
            value = np.interp(at, curve["update"], curve["estimate"])
            axes.plot(at, value, marker="*", ms=12, color=look.color, mec="black", zorder=5)
    if cell.chance.notna().any():
        axes.axhline(cell.chance.mean(), color="black", lw=1, linestyle=(0, (6, 3)), zorder=4)
    if base.spans_decades(cell):
        style.log_y(axes)
        top = CUT_OFF * cell.chance.mean()
        if axes.get_ylim()[1] > top:
            axes.set_ylim(top=top)
        lowest = cell["estimate"].min() / BELOW
        if axes.get_ylim()[0] < lowest:  # two seeds that survive have an interval of many decades
            axes.set_ylim(bottom=lowest)
    axes.set_xlabel("updates")
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _replicas(cell: pd.DataFrame, replicas: pd.DataFrame) -> pd.DataFrame:
    """The seeds behind the curves of a cell of the grid."""
    return replicas if replicas.empty else base.of_cells(replicas, cell)


def _solutions(runs: pd.DataFrame) -> dict[str, float]:
    """Per variant, the median update of the seeds that solve the task."""
    if runs.empty:
        return {}
    median = runs.dropna(subset="updates_to_solve").groupby("variant").updates_to_solve.median()
    return {str(variant): float(update) for variant, update in median.items()}


def _message(table: pd.DataFrame, replicas: pd.DataFrame) -> str:
    """Where a task has no rule for being solved, no run can: only the others count."""
    runs = _replicas(table, replicas)
    if runs.empty or runs.updates_to_solve.isna().all():
        return "Validation during training: no seed solves a task shown here"
    solvable = runs[runs.groupby(["study", "task"]).updates_to_solve.transform("count") > 0]
    solved, all_runs = solvable.updates_to_solve.count(), len(solvable)
    return f"Validation during training: {solved} of {all_runs} runs solve their task, at the stars"
