"""How much gradient reaches back k steps: log10 of the norm of dL/ds at lag k, before and after training."""

from matplotlib.figure import Figure

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "How much gradient reaches back through time?"
TABLES = ("gradient_by_lag",)


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _rows(tables)
    if table.empty:
        return style.not_measured(TITLE)
    return base.lag_figure(table, TITLE, "Gradient left at the largest lag", "log10 of the gradient norm")


def caption(tables: base.Tables) -> str:
    table = _rows(tables)
    if table.empty:
        return "No gradient was measured by lag in this run."
    return (
        "The norm of the gradient of the loss with respect to the full state, k steps before the end: "
        f"median over sequences, mean over {base.seeds(table)}. {base.lag_band(table)} A straight line is "
        f"exponential decay; a curve that ends has become exactly zero. {base.SHOWN}"
    )


def _rows(tables: base.Tables):
    table = base.at_the_ends(tables["gradient_by_lag"])
    return table if table.empty else table[table.quantity == "gradient"]
