"""What a result costs: the task's measure against the number of parameters and the seconds of training.

The only figure that differs between two equal runs: it is drawn from the time that they took.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "What does a result cost?"
TABLES = ("test_results", "timings")


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _shown(tables)
    if table.empty:
        return style.not_measured(TITLE)
    parts, found = base.groups(table), style.looks(table.variant)
    figure = style.blank("Result against parameters and training time", 1.1 + 2.4 * len(parts))
    panels = figure.subplots(len(parts), 2, squeeze=False, sharey="row")
    for (left, right), (key, part) in zip(panels, parts):
        _points(left, part, "parameters", found)
        left.set_title(f"{base.name(*key)}, {base.length_in_words(part)}")
        left.set_ylabel(base.measure(part, "\n"))
        _points(right, part, "seconds", found)
        left.set_xlabel("trainable parameters")
        right.set_xlabel("seconds of training per replica")
    style.variant_legend(figure, found)
    return figure


def caption(tables: base.Tables) -> str:
    table = _shown(tables)
    if table.empty:
        return "No test result was measured in this run."
    return (
        f"Each point is one hidden size (joined in their order): {base.average(table)}, {base.seeds(table)}, "
        "on test sequences. Seconds are the training time of the job divided by the "
        "replicas (seeds and learning rates) that it trained at once, on the machine of this run; it is "
        f"the one figure that differs from run to run. {base.of_two_groups(table)}{base.remarks(table)}"
        "Shown: the longest sequences."
    )


def _shown(tables: base.Tables) -> pd.DataFrame:
    table, timings = tables["test_results"], tables["timings"]
    if table.empty:
        return table
    table = table[table.primary & (table["estimate"].notna() | table.low_group.notna())]
    table = table[table.length_steps == table.groupby(["study", "task"]).length_steps.transform("max")]
    if timings.empty:
        return table.assign(seconds=np.nan)
    seconds = timings.assign(seconds=timings.seconds_training / timings.replicas)
    per_cell = seconds.groupby(base.CELL, as_index=False).seconds.sum()
    return table.merge(per_cell, on=base.CELL, how="left")


def _points(axes: Axes, part: pd.DataFrame, x: str, found: style.Looks) -> None:
    measured = part[part[x] > 0]
    for variant, curve in measured.sort_values("hidden_size").groupby("variant"):
        errors = np.clip([curve["estimate"] - curve.low, curve.high - curve["estimate"]], 0, None)
        axes.errorbar(
            curve[x], curve["estimate"], errors, elinewidth=0.8, **found[str(variant)].line(lw=1.0, ms=7)
        )
        style.dots(axes, curve[x], (curve.low_group, curve.high_group), found[str(variant)])
    if measured.empty:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color="#555555")
    elif measured[x].max() > 4 * measured[x].min():
        style.log_x(axes)
