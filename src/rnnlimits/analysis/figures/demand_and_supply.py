"""How much memory does each task ask for, and how much does each architecture have, on one axis of steps?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "How much memory do tasks ask for, and how much do networks have?"
TABLES = ("reach", "test_results")
DEMAND, TRIED = "#c9c9c9", "#efefef"
HALF = 0.5  # of the seeds
LINE_HEIGHT = 0.13  # inches, of one architecture in the band of a task


@style.styled
def plot(tables: base.Tables) -> Figure:
    demand = _demand(tables)
    if demand.empty:
        return style.not_measured(TITLE)
    supply, solved = _supply(tables["reach"], demand), _solved(tables["test_results"])
    variants = sorted({*supply.variant, *solved.variant})
    bands = [len(demand), solved.groupby(["study", "task"]).ngroups]
    heights = [0.55 + band * (0.16 + LINE_HEIGHT * len(variants)) for band in bands if band]
    figure = style.blank(_message(demand, supply), 1.3 + sum(heights))
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    found = style.looks(variants)
    _asked_and_spanned(panels[0], demand, supply, found)
    if len(solved):
        _learned(panels[1], solved, found)
    style.log_x(panels[-1])
    panels[-1].set_xlim(0.9, None)
    panels[-1].set_xlabel("time steps (words, characters, frames or hours)")
    panels[0].tick_params(labelbottom=True)
    _legend(figure, found)
    return figure


def caption(tables: base.Tables) -> str:
    demand = _demand(tables)
    if demand.empty:
        return "No demand was measured in this run: no study takes the probe context_use."
    return (
        "Grey bars, what a task asks for: the number of last inputs with which the network that is best on "
        "the test part comes within 5 % of what it gains from all of them; the hatched part is needed in its "
        "order. Marks, what an architecture has after it was trained on the task: the lag at which a "
        "hundredth of its gradient is left; without a state, of the sensitivity to its input. A mark with an "
        "arrow has lost less than that at the longest lag seen. Below: the longest sequence that more than "
        "half of the seeds solve; an architecture without a mark solves none of those tried (pale bars). "
        f"Medians over {base.seeds(demand)}."
    )


def how_to_read(tables: base.Tables) -> str:
    if _demand(tables).empty:
        return ""
    return (
        "Where an architecture's mark lies inside the grey bar, the task asks for inputs from further back "
        "than the architecture's gradient carries. Where it lies beyond, its memory is not what limits it."
    )


def _demand(tables: base.Tables) -> pd.DataFrame:
    """Of each task, what its best network needs: one line, with `order` beside it."""
    table = tables["reach"]
    if table.empty:
        return table
    table = base.hardest(table[table["estimate"].notna()])
    table = _best(table[table.quantity == "context"], tables["test_results"])
    if table.empty:
        return table
    cell = [*base.CELL, "order"]
    order = tables["reach"].query("quantity == 'order'").rename(columns={"estimate": "order"})
    table = table.merge(order[cell].drop_duplicates(base.CELL), on=base.CELL, how="left")
    return table.sort_values(["estimate", "study", "task"], ignore_index=True)


def _best(context: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Whose test score is best: a task's loss tells it, as less of it is better everywhere."""
    if context.empty or results.empty:
        return context.head(0)
    loss = results[(results.metric == "loss") & results["estimate"].notna()]
    scored = context.merge(loss[[*base.CELL, "estimate"]].rename(columns={"estimate": "loss"}), on=base.CELL)
    scored = scored.sort_values(["loss", "variant"])
    return scored.drop_duplicates(["study", "task"])


def _supply(table: pd.DataFrame, demand: pd.DataFrame) -> pd.DataFrame:
    """The lag of every architecture on these tasks: of the gradient, or of the input where there is none."""
    table = base.hardest(table[table["estimate"].notna()])
    table = table[table.quantity.isin(["gradient", "input_sensitivity"])]
    table = table.sort_values([*base.CELL, "quantity"]).drop_duplicates(base.CELL)
    return table.merge(demand[["study", "task"]], on=["study", "task"])


def _solved(table: pd.DataFrame) -> pd.DataFrame:
    """Of tasks at several lengths, each architecture's share of seeds that solve it."""
    if table.empty:
        return pd.DataFrame(columns=["study", "task", "variant"])
    table = base.largest(table[(table.metric == "solved") & table["estimate"].notna()])
    several = table.groupby(["study", "task"]).length_steps.transform("nunique") > 1
    ever = table.groupby(["study", "task"])["estimate"].transform("max") > HALF
    return table[several & ever]


def _places(variants: list[str], band: int) -> dict[str, float]:
    """The height of each architecture's mark in a band, which is one high; the first stands on top."""
    count = len(variants)
    return {name: band + 0.36 - 0.72 * (i + 0.5) / count for i, name in enumerate(variants)}


def _asked_and_spanned(axes: Axes, demand: pd.DataFrame, supply: pd.DataFrame, found: style.Looks) -> None:
    labels = []
    for band, row in enumerate(demand.to_dict("records")):
        left = 0.9
        axes.barh(band, row["estimate"] - left, left=left, height=0.84, color=DEMAND, lw=0)
        if row["order"] > 1:
            order = min(row["order"], row["estimate"]) - left
            axes.barh(band, order, left=left, height=0.84, color="none", hatch="///", edgecolor="white", lw=0)
        mine = supply[(supply.study == row["study"]) & (supply.task == row["task"])]
        for variant, place in _places(list(found), band).items():
            for one in mine[mine.variant == variant].to_dict("records"):
                _mark(
                    axes, max(1.0, one["estimate"]), place, found[variant], one["n_beyond"] > HALF * one["n"]
                )
        labels.append(f"{base.words(row['task'])}\n{row['estimate']:,.3g} of {row['length_steps']:,g}")
    axes.set_yticks(range(len(demand)), labels)
    axes.set_ylim(len(demand) - 0.5, -0.5)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_title("Asked for by the task (bar), within reach of the gradient (mark)")


def _mark(axes: Axes, steps: float, place: float, look: style.Look, beyond: bool = False) -> None:
    axes.plot(steps, place, look.marker, color=look.color, ms=6, mec="white", mew=0.5, zorder=4)
    if beyond:
        axes.annotate(
            "", (steps, place), (14, 0), textcoords="offset points", zorder=3,
            arrowprops={"arrowstyle": "<-", "color": look.color, "lw": 1.2, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip


def _learned(axes: Axes, solved: pd.DataFrame, found: style.Looks) -> None:
    labels = []
    for band, ((_, task), part) in enumerate(base.groups(solved)):
        axes.barh(band, part.length_steps.max() - 0.9, left=0.9, height=0.84, color=TRIED, lw=0)
        longest = part[part["estimate"] > HALF].groupby("variant").length_steps.max()
        for variant, place in _places(list(found), band).items():
            if variant in longest:
                _mark(axes, longest[variant], place, found[variant])
        labels.append(f"{base.words(task)}\nup to {part.length_steps.max():,g}")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.5, len(labels) - 0.5)
    axes.grid(False, axis="y")
    axes.set_title("Longest sequence that most seeds learn to solve (mark)")


def _legend(figure: Figure, found: style.Looks) -> None:
    marks = {
        name: Line2D([], [], color=look.color, marker=look.marker, ls="", ms=6)
        for name, look in found.items()
    }
    bars = {
        "asked for": Patch(facecolor=DEMAND),
        "needed in order": Patch(facecolor=DEMAND, hatch="///", edgecolor="white", lw=0),
    }
    every = marks | bars
    style.legend(figure, list(every.values()), list(every))


def _message(demand: pd.DataFrame, supply: pd.DataFrame) -> str:
    """
    >>> row = {"study": "s", "task": "t", "estimate": 20.0}
    >>> reach = pd.DataFrame([row | {"variant": "elman", "estimate": 9.0}, row | {"variant": "lstm"}])
    >>> _message(pd.DataFrame([row]), reach)
    'On 1 of 1 tasks the gradient of elman reaches less far back than the task asks; of lstm on none'
    """
    both = supply.merge(demand[["study", "task", "estimate"]], on=["study", "task"], suffixes=("", "_asked"))
    short = (both["estimate"] < both["estimate_asked"]).groupby(both.variant).sum()
    tasks = both.groupby("variant").size()
    if not len(short):
        return TITLE
    worst = short.index[short == short.max()]
    if not short.max():
        return "The gradient of every architecture reaches as far back as every task asks"
    said = (
        f"On {short.max()} of {tasks[worst].max()} tasks the gradient of {base.join(worst)} reaches less far "
        "back than the task asks"
    )
    never = short.index[np.asarray(short == 0)]
    return f"{said}; of {base.join(never)} on none" if len(never) else said
