"""How long can a sequence be before an architecture fails? Solved share and error against its length."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "How long can sequences grow before an architecture fails?"
TABLES = ("test_results",)


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _shown(tables["test_results"])
    if table.empty:
        return style.not_measured(TITLE)
    parts, found = base.groups(table), style.looks(table.variant)
    figure = style.blank(_message(table), 1.1 + 2.5 * len(parts))
    panels = figure.subplots(len(parts), 2, squeeze=False)
    for (left, right), (key, part) in zip(panels, parts):
        solved, primary = part[part.metric == "solved"], part[part.primary]
        _lines(left, solved, found)
        left.set_title(f"{base.name(*key)}, {base.size_in_words(part)}")
        left.set(ylim=(-0.06, 1.06), ylabel="share of seeds\nthat solve it")
        _lines(right, primary, found)
        _chance(right, primary)
        right.set_ylabel(base.measure(primary, "\n"))
    chance = Line2D([], [], color="black", lw=1, linestyle=(0, (6, 3)))
    style.variant_legend(figure, found, {"chance": chance} if table.chance.notna().any() else None)
    return figure


def caption(tables: base.Tables) -> str:
    table = _shown(tables["test_results"])
    if table.empty:
        return "No test result was measured in this run."
    return (
        f"On test sequences, read once, {base.seeds(table)} per point at the learning rate that validation "
        "chose. Left: the share of seeds that reach the task's criterion, with its Wilson interval. Right: "
        f"the task's own measure, {base.average(table[table.primary])}; the dashed line is what guessing "
        f"gives. {base.of_two_groups(table)}{base.remarks(table)}Points are moved sideways a little where "
        "they would cover each other. Shown: each architecture's largest size."
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Tasks at several lengths; where there is none, all: a run at one length has results too."""
    if table.empty:
        return table
    table = base.largest(table[table.primary | (table.metric == "solved")])
    several = table.groupby(["study", "task"]).length_steps.transform("nunique") > 1
    return table[several] if several.any() else table


def _lines(axes: Axes, part: pd.DataFrame, found: style.Looks) -> None:
    variants = sorted(set(part.variant))
    lengths = sorted(set(part.length_steps))
    for i, variant in enumerate(variants):
        curve = part[part.variant == variant].sort_values("length_steps")  # a gap where there is no mean
        aside = (i - (len(variants) - 1) / 2) * min(0.04, 0.2 / len(variants))
        errors = np.clip([curve["estimate"] - curve.low, curve.high - curve["estimate"]], 0, None)
        axes.errorbar(
            curve.length_steps * (1 + aside),
            curve["estimate"],
            errors,
            elinewidth=0.8,
            **found[variant].line(),
        )
        apart = part[(part.variant == variant) & part.low_group.notna()]
        groups = (apart.low_group, apart.high_group)
        style.dots(axes, apart.length_steps * (1 + aside), groups, found[variant])
    if lengths:
        style.at_values(axes, "x", lengths)
    axes.set_xlabel("sequence length T (time steps)")
    if base.spans_decades(part):
        style.log_y(axes)


def _chance(axes: Axes, part: pd.DataFrame) -> None:
    chance = part.dropna(subset="chance").groupby("length_steps").chance.mean()
    if len(chance) == 1:
        axes.axhline(chance.iloc[0], color="black", lw=1, linestyle=(0, (6, 3)), zorder=4)
    elif len(chance):
        axes.plot(chance.index, chance, color="black", lw=1, linestyle=(0, (6, 3)), zorder=4)


def _message(table: pd.DataFrame) -> str:
    """
    >>> row = {"study": "s", "task": "adding", "length_steps": 50, "metric": "solved"}
    >>> rows = [{**row, "variant": "gru", "estimate": 1.0}, {**row, "variant": "elman", "estimate": 0.0}]
    >>> _message(pd.DataFrame(rows))
    'At the longest sequences of every task most seeds of gru still succeed, of elman none'
    """
    solved = table[table.metric == "solved"]
    last = solved[solved.length_steps == solved.groupby(["study", "task"]).length_steps.transform("max")]
    worst, best = last.groupby("variant")["estimate"].min(), last.groupby("variant")["estimate"].max()
    able, unable = list(worst.index[worst > 0.5]), list(best.index[best == 0])
    if not able and not unable:
        return "Solved share and error as sequences grow"
    if not able:
        return f"At the longest sequences of every task no seed of {base.join(unable)} succeeds"
    said = f"At the longest sequences of every task most seeds of {base.join(able)} still succeed"
    return f"{said}, of {base.join(unable)} none" if unable else said
