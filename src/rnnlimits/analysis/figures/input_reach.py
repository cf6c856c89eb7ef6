"""How far back the last output sees: log10 of the norm of dy/dx at lag k, also without a state."""

from matplotlib.figure import Figure

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "How far back does the output see its input?"
TABLES = ("gradient_by_lag",)


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _rows(tables)
    if table.empty:
        return style.not_measured(TITLE)
    return base.lag_figure(table, TITLE, "What the earliest input still changes", "log10 of ‖∂y/∂x‖")


def caption(tables: base.Tables) -> str:
    table = _rows(tables)
    if table.empty:
        return "No input sensitivity was measured in this run."
    return (
        "The norm of the derivative of the last output with respect to the input k steps earlier: median "
        f"over sequences, mean over {base.seeds(table)}. {base.lag_band(table)} A curve that ends has "
        f"become exactly zero: that input lies outside what the architecture can see. {base.SHOWN}"
    )


def _rows(tables: base.Tables):
    table = base.at_the_ends(tables["gradient_by_lag"])
    return table if table.empty else table[table.quantity == "input_sensitivity"]
