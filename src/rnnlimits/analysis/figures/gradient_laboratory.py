"""Every architecture side by side: what reaches back k steps, onto the state and onto the recurrent weights.

Shown are the studies that were probed in mid-training as well: three moments tell what a network was given by
its design from what it has learned.
"""

import itertools
import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "What do gradients look like before, during and after learning?"
TABLES = ("gradient_by_lag",)
READING = (
    "Each panel is one architecture; the first ones keep most of their gradient over the whole sequence. To "
    "the right are the steps further back from the end, where the error is made; up is a power of ten. The "
    "solid line is the gradient of the loss with respect to the state. Where it falls as a straight line it "
    "loses the same factor at each step (it vanishes), where it rises it explodes, and where it is level an "
    "error is carried to any lag. The dashed line is what an update feels: the part of the gradient of the "
    "recurrent weights that comes from that one step. Where it falls faster than the solid line, the error "
    "arrives and teaches nothing, because the state was near zero there or the units were saturated. From "
    "light to dark the lines are those before, in the middle of and after training: a line that is level "
    "from the start is a gift of the design, one that has become level was learned. Training makes the loss "
    "small, which lowers whole lines: compare slopes and not heights. Dotted is the solid line after "
    "training with every path but that of the output cut, of an LSTM the one through the cell: what lies "
    "between the two, that path carries. A line that leaves the panel at the bottom has fallen below the "
    "scale; one that ends is exactly zero there."
)

COLORS = {"initial": "#8cc5e3", "mid_training": "#2a7ab9", "final": "#0b2545"}
# Which gradient: dashes, and the stages at which it is drawn.
LINES = {
    "gradient": ("∂L/∂state", "-", base.WAY),
    "parameter_gradient": ("∂L/∂W_rec at that step", (0, (4, 1.3)), base.WAY),
    "gradient_output_only": ("∂L/∂state, output alone", (0, (1, 1)), ("final",)),
}
FLOOR = -12.0  # in powers of ten: below it differences mean nothing to a learner
CARRIED = -3.0  # a thousandth


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _rows(tables)
    if table.empty:
        return style.not_measured(TITLE)
    parts = sorted(base.cells(table), key=lambda cell: (-_kept(cell[1]), cell[0]))
    figure = style.blank(_message(parts), 1.3 + 1.35 * -(-len(parts) // 4))
    panels = style.grid(figure, len(parts), 4, sharex=True, sharey=True)
    style.label(panels, "lag k (steps back)", "log10 norm")
    several = table[["study", "task"]].drop_duplicates().shape[0] > 1
    for axes, ((study, task, variant), part) in zip(panels, parts):
        _lines(axes, part)
        axes.set_title(f"{base.name(study, task)}\n{variant}" if several else variant)
    # The margins of a curve that falls by a hundred decades would fill the panels of the others.
    low, high = table["median"].min(), table["median"].max()
    panels[0].set_ylim(max(FLOOR, low - 0.5), max(FLOOR + 1, high + 0.5))
    style.legend(figure, *_legend(table))
    return figure


def caption(tables: base.Tables) -> str:
    table = _rows(tables)
    if table.empty:
        return "No study of this run was probed in mid-training."
    shown = "; ".join(f"{base.name(*key)}, {base.setting(part)}" for key, part in base.groups(table))
    return (
        f"Norms of gradients of the loss, k steps before the end, in float64 on the full state ({shown}): "
        f"median over sequences, mean of its log10 over {base.seeds(table.dropna(subset='median'))}. "
        "Recurrent weights are those that the state is multiplied with, or that make the factor it is "
        "multiplied with. In mid-training means the weights at the share of the updates that the config "
        "names, or the last ones of a network that stopped before."
    )


def how_to_read(tables: base.Tables) -> str:
    """How to read it, where there is something to read."""
    return "" if _rows(tables).empty else READING


def _rows(tables: base.Tables) -> pd.DataFrame:
    table = tables["gradient_by_lag"]
    if table.empty:
        return table
    return base.hardest(
        table[table.quantity.isin(list(LINES)) & table.study.isin(base.probed_on_the_way(table))]
    )


def _kept(part: pd.DataFrame) -> float:
    """log10 of the share of the gradient at lag 1 that is left at the largest lag, after training."""
    last = [stage for stage in base.WAY if stage in set(part.stage)][-1]
    curve = part[(part.quantity == "gradient") & (part.stage == last)].set_index("lag_steps")["median"]
    kept = curve.get(part.lag_steps.max(), math.nan) - curve.get(1, math.nan)
    return kept if math.isfinite(kept) else -math.inf


def _message(parts: list[tuple[tuple[str, str, str], pd.DataFrame]]) -> str:
    carried = sum(_kept(part) >= CARRIED for _, part in parts)
    lags = base.span(part.lag_steps.max() for _, part in parts)
    return f"After training {carried} of {len(parts)} keep a thousandth of their gradient over {lags} steps"


def _lines(axes: Axes, part: pd.DataFrame) -> None:
    for quantity, (_, dashes, stages) in LINES.items():
        for stage in stages:
            curve = part[(part.quantity == quantity) & (part.stage == stage)].sort_values("lag_steps")
            axes.plot(curve.lag_steps, curve["median"], ls=dashes, color=COLORS[stage], lw=1.3)


def _legend(table: pd.DataFrame) -> tuple[list[Line2D], list[str]]:
    stages = {base.WAY[stage]: Line2D([], [], color=color, lw=4) for stage, color in COLORS.items()}
    found = set(table.quantity)
    lines = {
        label: Line2D([], [], color=COLORS["final"], ls=dashes, lw=1.3)
        for quantity, (label, dashes, _) in LINES.items()
        if quantity in found
    }
    # A legend fills its columns first: so the moments stand in one line of it, and the lines in the other.
    pairs = itertools.zip_longest(stages.items(), lines.items())
    entries = [entry for pair in pairs for entry in pair if entry is not None]
    return [handle for _, handle in entries], [label for label, _ in entries]
