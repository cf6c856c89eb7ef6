"""Singular values of the product of the step Jacobians over k steps, beside the bound (γ σ_max)^k.

Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks, section 2.1.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base
from rnnlimits.analysis.figures._by_lag import FLOOR

TITLE = "Do the Jacobians keep within the theoretical bound?"
TABLES = ("jacobian_by_lag",)
# Which value: dashes and marker. When: colour.
VALUES = {"largest": ("-", "^"), "median": ("--", "o"), "smallest": (":", "v")}
COLORS = {"initial": "#56b4e9", "final": "#d55e00"}
TOLERANCE = 1e-4  # in powers of ten: tables carry six digits


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = tables["jacobian_by_lag"]
    if table.empty:
        return style.not_measured(TITLE)
    table = base.hardest(table[table.stage.isin(list(COLORS))]).sort_values("lag_steps")
    parts = base.cells(table)
    figure = style.blank(_message(tables["jacobian_by_lag"]), 1.2 + 2.3 * -(-len(parts) // 3))
    panels = style.grid(figure, len(parts), 3)
    style.label(panels, "lag k (time steps)", "log10 of singular value")
    for axes, ((study, task, variant), part) in zip(panels, parts):
        for stage, curve in part.groupby("stage"):
            _lines(axes, curve, COLORS[str(stage)])
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, FLOOR), high)
        axes.set_title(f"{base.name(study, task)}\n{variant}, {base.setting(part)}")
    _legend(figure, table)
    return figure


def caption(tables: base.Tables) -> str:
    table = tables["jacobian_by_lag"]
    if table.empty:
        return "No Jacobian was measured in this run."
    return (
        "The largest, median and smallest singular value of the product of the Jacobians of the state over "
        f"k steps, in float64, mean of log10 over {base.seeds(table)}. The bound is (γ σ_max)^k with γ the "
        "steepest slope of the nonlinearity and σ_max the largest singular value of the recurrent matrix; "
        f"it exists only where the step is one nonlinearity of a matrix. {base.SHOWN}"
    )


def _lines(axes: Axes, curve: pd.DataFrame, color: str) -> None:
    for value, (dashes, marker) in VALUES.items():
        axes.plot(curve.lag_steps, curve[value], dashes, color=color, marker=marker, ms=4,
                  markevery=max(1, len(curve) // 5))  # fmt: skip
    axes.fill_between(curve.lag_steps, curve.low, curve.high, color=color, alpha=0.15, lw=0)
    # Black over the curve's own colour: the bound belongs to the weights, which training has moved.
    axes.plot(curve.lag_steps, curve.bound, "-", color=color, lw=3.5, alpha=0.35)
    axes.plot(curve.lag_steps, curve.bound, "-", color="black", lw=0.9)


def _legend(figure: Figure, table: pd.DataFrame) -> None:
    entries = {}
    for value, (dashes, marker) in VALUES.items():
        entries[f"{value} singular value"] = Line2D([], [], color="#444444", ls=dashes, marker=marker, ms=4)
    if table.bound.notna().any():
        entries["bound (γ σ_max)^k"] = Line2D([], [], color="black", lw=0.9)
    for stage, color in COLORS.items():
        if stage in set(table.stage):
            entries[base.STAGES[stage]] = Line2D([], [], color=color, lw=4)
    style.legend(figure, list(entries.values()), list(entries))


def _message(table: pd.DataFrame) -> str:
    """Counted over all rows of the table, also those that are not drawn."""
    bounded = table.dropna(subset=["bound", "largest"])
    above = int((bounded.largest > bounded.bound + TOLERANCE).sum())
    if bounded.empty:
        return "Singular values of the Jacobian product by lag (no architecture here has a bound)"
    if above:
        return f"The largest singular value exceeds the bound at {above} of {len(bounded)} measured lags"
    return f"The largest singular value stays within the bound at all {len(bounded)} measured lags"
