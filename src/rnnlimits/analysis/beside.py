"""Curves by lag of one table over those of an archive: `rnnlimits.compare`.

Losses and outputs differ in scale from model to model, and only how a curve falls says how far back it
reaches: each is drawn relative to the first lag at which it has a value.
"""

from pathlib import Path

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from pandas import DataFrame

from rnnlimits import rows
from rnnlimits.analysis import tables
from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

FLOOR = -20.0  # in powers of ten: what is smaller would press every other curve flat against the top
OWN = style.Look("#000000", "o")
MARKS = "osD^vPX"  # of several tables of one's own, each in turn
# Of each curve: the metric of a row, the column of a table of tables.TABLES, and what the axis is called.
CURVES = {
    "gradient_log10_median": ("gradient_by_lag", "median", "gradient of the full state"),
    "input_sensitivity_log10_median": ("gradient_by_lag", "median", "sensitivity to the input"),
    "parameter_gradient_log10_median": ("gradient_by_lag", "median", "gradient of the recurrent weights"),
    "jacobian_log10_largest": ("jacobian_by_lag", "largest", "largest singular value"),
}


@style.styled
def plot(own: DataFrame, archive: Path, study: str | None = None) -> Figure:
    """A panel for each curve that both have; raises ValueError where there is none."""
    missing = [column for column in rows.COLUMNS if column not in own.columns]
    if missing:
        said = ", ".join(missing[:3])
        raise ValueError(
            f"table: got no columns {said}; expected a table of rnnlimits, such as gradient_reach's"
        )
    archived = tables.read_packed([archive])
    panels = {metric: found for metric in CURVES if not (found := _archived(archived, metric, study)).empty}
    panels = {metric: found for metric, found in panels.items() if metric in set(own.metric)}
    if not panels:
        had = ", ".join(sorted(set(own.metric[own.lag_steps.notna()]) & CURVES.keys())) or "no curve by lag"
        where = f"study {study!r} of {archive}" if study else archive
        raise ValueError(
            f"table: got {had}; expected a curve that {where} has, too; give another archive or study"
        )
    figure = style.blank("Yours (black) over the archived curves", 0.9 + 3.1 * len(panels))
    cells = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    shown = style.looks({name for found in panels.values() for name in found.variant})
    for axes, (metric, found) in zip(cells, panels.items(), strict=True):
        _draw(axes, found, own[own.metric == metric], shown)
        axes.set(xlabel="", ylabel=f"log10 of the {CURVES[metric][2]},\nrelative to the shortest lag")
    cells[-1].set_xlabel("lag k (time steps back from the last)")
    style.legend(figure, _handles(shown, own), [*shown, *_names(own)])
    return figure


def _archived(archived: DataFrame, metric: str, study: str | None) -> DataFrame:
    """The curves of the study and task with most variants, after training where there are such."""
    table, column, _ = CURVES[metric]
    found = tables.TABLES[table](archived[archived.metric == metric])
    found = found.astype({"study": str, "task": str, "stage": str, "variant": str})
    if study is not None:
        found = found[found.study == study]
    if found.empty:
        return found
    found = found[found.stage == ("final" if "final" in set(found.stage) else "initial")]
    variants = found.groupby(["study", "task"]).variant.nunique()
    most_study, most_task = variants[variants == variants.max()].index[0]
    found = base.hardest(found[(found.study == most_study) & (found.task == most_task)])
    return found.rename(columns={column: "value"})[
        ["study", "task", "stage", "variant", "hidden_size", "length_steps", "parameters_target", "lag_steps",
         "value"]
    ]  # fmt: skip


def _draw(axes: Axes, found: DataFrame, own: DataFrame, shown: style.Looks) -> None:
    palette = {name: shown[name].color for name in shown}
    dashes = {name: shown[name].dashes or "" for name in shown}
    sns.lineplot(
        _relative(found), x="lag_steps", y="value", hue="variant", style="variant", palette=palette,
        dashes=dashes, errorbar=None, legend=False, lw=1.2, alpha=0.8, ax=axes,
    )  # fmt: skip
    for number, (_, curve) in enumerate(_relative(own).groupby("variant", sort=True)):
        marker = MARKS[number % len(MARKS)]
        every = max(1, len(curve) // 7)
        axes.plot(curve.lag_steps, curve.value, **OWN.line(marker=marker, markevery=every), lw=2.6)
    first = found.iloc[0]
    stage = base.WAY[str(first.stage)]
    axes.set_title(f"{base.name(first.study, first.task)}, {stage}, {base.setting(found)}")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, FLOOR), max(high, FLOOR + 1))


def _relative(curves: DataFrame) -> DataFrame:
    """Each curve minus its first value.

    >>> rows = {"variant": "mine", "lag_steps": [0, 1, 2], "value": [float("nan"), -1.0, -3.0]}
    >>> _relative(DataFrame(rows)).value.tolist()
    [0.0, -2.0]
    """
    there = curves.dropna(subset=["lag_steps", "value"]).sort_values(["variant", "lag_steps"])
    return there.assign(value=there.value - there.groupby("variant").value.transform("first"))


def _names(own: DataFrame) -> list[str]:
    return sorted(set(own.variant))


def _handles(shown: style.Looks, own: DataFrame) -> list[Line2D]:
    archived = [Line2D([], [], **look.line(marker="")) for look in shown.values()]
    marks = [MARKS[number % len(MARKS)] for number in range(len(_names(own)))]
    return [*archived, *(Line2D([], [], **OWN.line(marker=mark), lw=2.6) for mark in marks)]
