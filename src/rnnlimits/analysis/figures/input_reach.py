"""How far back the last output sees: log10 of the norm of dy/dx at lag k, also without a state."""

from rnnlimits.analysis.figures._by_lag import LagFigure

TITLE = "How far back does the output see its input?"
TABLES = ("gradient_by_lag",)

_FIGURE = LagFigure(
    question=TITLE,
    quantity="input_sensitivity",
    subject="What the earliest input still changes",
    ylabel="log10 of ‖∂y/∂x‖",
    norm="The norm of the derivative of the last output with respect to the input k steps earlier",
    reading="A curve that ends has become exactly zero: "
    "that input lies outside what the architecture can see.",
    missing="No input sensitivity was measured in this run.",
)
plot, caption = _FIGURE.plot, _FIGURE.caption
