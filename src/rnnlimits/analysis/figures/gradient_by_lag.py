"""How much gradient reaches back k steps: log10 of the norm of dL/ds at lag k, before and after training."""

from rnnlimits.analysis.figures._by_lag import LagFigure

TITLE = "How much gradient reaches back through time?"
TABLES = ("gradient_by_lag",)

_FIGURE = LagFigure(
    question=TITLE,
    quantity="gradient",
    subject="Gradient left at the largest lag",
    ylabel="log10 of the gradient norm",
    norm="The norm of the gradient of the loss with respect to the full state, k steps before the end",
    reading="A straight line is exponential decay; a curve that ends has become exactly zero.",
    missing="No gradient was measured by lag in this run.",
)
plot, caption = _FIGURE.plot, _FIGURE.caption
