"""The look of every figure: one look per architecture, one way to save, one way to say "not measured".

A figure page reads tables and returns a `Figure`; it opens no file and touches no global setting, so the same
table always gives the same bytes.
"""

import functools
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, ParamSpec, TypeVar

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from rnnlimits.analysis.figures import base
from rnnlimits.storage.whole_files import renamed_when_complete, write_text

P = ParamSpec("P")
R = TypeVar("R")
WIDTH = 8.0  # inches; at 100 dots per inch the 800 pixels that a figure must be readable at
PLACES = 6  # digits of a panel's place, as a share of the figure: a thousandth of a pixel
LINE = 100  # characters that fit into one line of it
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
RC = {
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "font.family": "DejaVu Sans",  # the one font that matplotlib brings along: the same figure everywhere
    "font.size": 9,
    "grid.color": "#e2e2e2",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "text.parse_math": False,  # a $ in a name is a $
    "svg.fonttype": "none",  # text stays text: small files, searchable, read aloud
    "svg.hashsalt": "rnnlimits",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


@dataclass(frozen=True)
class Look:
    """How one variant is drawn everywhere: colour, marker and dashes each tell it apart on their own."""

    color: str
    marker: str
    dashes: tuple[float, ...] = ()

    def line(self, **more: Any) -> dict[str, Any]:
        style: Any = (0, self.dashes) if self.dashes else "-"
        return {"color": self.color, "marker": self.marker, "linestyle": style, "markeredgecolor": "white",
                "markeredgewidth": 0.5} | more  # fmt: skip


Looks = dict[str, Look]

# Okabe and Ito (2008), a palette for every kind of colour vision, without its yellow (too light for a line on
# white) and with three darker colours of Paul Tol; a page of the package keeps its look in every figure.
OWN = {
    "elman": Look("#d55e00", "o"),
    "lstm": Look("#0072b2", "s", (5, 1.2)),
    "gru": Look("#009e73", "^", (5, 1.2, 1, 1.2)),
    "irnn": Look("#cc79a7", "D", (2, 1)),
    "temporal_convolution": Look("#000000", "v", (1, 1)),
    "convolution": Look("#56b4e9", "P", (7, 1.5, 2, 1.5)),
    "feed_forward": Look("#e69f00", "X", (3, 1, 1, 1, 1, 1)),
    "echo_state": Look("#882255", "<", (4, 2)),
}
SPARE = (
    Look("#332288", "h", (9, 1)),
    Look("#999933", ">", (4, 1)),
    Look("#777777", "p", (1.5, 1)),
    Look("#661100", "*"),
)


def looks(variants: Iterable[str]) -> Looks:
    """One look for each variant: its own if it is named like a page, else the next free one.

    >>> found = looks(["lstm", "lstm_chrono", "elman"])
    >>> found["lstm"] == OWN["lstm"], len({look.color for look in found.values()})
    (True, 3)
    """
    names = sorted(set(variants))
    found = {name: OWN[name] for name in names if name in OWN}
    # Only after the spare looks are used up does an unknown variant borrow one of an absent page.
    free = [*SPARE, *(look for name, look in OWN.items() if name not in found)]
    for i, name in enumerate(name for name in names if name not in found):
        found[name] = free[i % len(free)]
    return {name: found[name] for name in names}


def styled(plot: Callable[P, R]) -> Callable[P, R]:
    """Draw under the shared style, and leave the reader's own matplotlib settings as they were."""

    @functools.wraps(plot)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        settings: Any = {**sns.axes_style("whitegrid"), **RC}
        with matplotlib.rc_context(settings):
            return plot(*args, **kwargs)

    return within


@styled
def save(figure: Figure, stem: Path) -> None:
    """Write STEM.svg and STEM.png, with no date and no version inside: equal figures give equal bytes."""
    _lay_out(figure)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    # Whoever opens the file may not have the font; Verdana is as wide, so no text runs into the next.
    svg = buffer.getvalue().replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    write_text(stem.with_suffix(".svg"), svg)
    with renamed_when_complete(stem.with_suffix(".png")) as unfinished:
        figure.savefig(unfinished, format="png", dpi=200, metadata={"Software": None})


def dots(axes: Axes, x: Any, groups: Iterable[Any], look: Look) -> None:
    """Of cells whose seeds fall into two groups, a hollow dot for each group and none for their mean."""
    hollow: Any = {"markerfacecolor": "none", "markeredgecolor": look.color, "markeredgewidth": 1.4}
    for values in groups:
        axes.plot(x, values, look.marker, ms=7, **hollow)


def _lay_out(figure: Figure) -> None:
    """Find the places of the panels once, and round them.

    The solver goes through its constraints in the order of their addresses in memory, so its last digits are
    other ones in the next process; and the names of clip paths are made of all digits.
    """
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)  # where "none" leaves a stand-in, for which all is drawn twice
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((_place(left), _place(bottom), _place(width), _place(height)))


def _place(share: float) -> float:
    return round(float(share), PLACES)


def blank(message: str, height: float) -> Figure:
    """An empty figure of the common width, `height` in inches, with the message above its panels."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    headline(figure, message)
    return figure


@styled
def not_measured(subject: str) -> Figure:
    """Stands in the place of a figure whose table is empty: an absence is said, not left out."""
    figure = blank(subject, 1.6)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, base.NOT_MEASURED, ha="center", va="center", fontsize=12, color="#555555")
    return figure


def headline(figure: Figure, message: str) -> None:
    """The message above all panels, broken into lines that fit."""
    figure.suptitle(fill(message, LINE - 12), x=0.01, ha="left")


def legend(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Below the panels, so that it covers no data; as many entries in a line as there is room for."""
    columns = max(1, min(len(labels), LINE // (9 + max(map(len, labels)))))
    figure.legend(
        handles, labels, loc="outside lower left", ncols=columns, handlelength=3.6, columnspacing=1.2
    )


def variant_legend(figure: Figure, found: Looks, extra: dict[str, Line2D] | None = None) -> None:
    """The look of each variant, and then of each `extra` line, below the panels."""
    handles = [Line2D([], [], **look.line()) for look in found.values()] + list((extra or {}).values())
    legend(figure, handles, [*found, *(extra or {})])


def grid(figure: Figure, count: int, columns: int, **shared: Any) -> list[Axes]:
    """`count` panels in rows of at most `columns`; the unused places of the last row stay empty."""
    columns = 2 if count == 4 and columns == 3 else min(columns, count)
    panels = list(figure.subplots(-(-count // columns), columns, squeeze=False, **shared).flat)
    for spare in panels[count:]:
        spare.remove()
    for last in panels[max(0, count - columns) : count]:
        last.tick_params(labelbottom=True)  # shared axes hide it where an empty place is below
    return panels[:count]


def label(panels: Sequence[Axes], xlabel: str, ylabel: str) -> None:
    """Name the axes once: below the lowest panel of each column, and left of each row."""
    layout = panels[0].get_gridspec()
    columns = layout.ncols if layout else 1
    for i, axes in enumerate(panels):
        axes.set_xlabel(xlabel if i + columns >= len(panels) else "")
        axes.set_ylabel(ylabel if i % columns == 0 else "")


def at_values(axes: Axes, which: str, values: Iterable[float]) -> None:
    """Ticks at the measured values, on a scale that doubles where they span more than a factor of four."""
    ticks = sorted(set(values))
    if ticks[0] > 0 and ticks[-1] / ticks[0] > 4:
        getattr(axes, f"set_{which}scale")("log", base=2)
    axis = getattr(axes, f"{which}axis")
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def log_x(axes: Axes) -> None:
    """Ticks at 1, 2 and 5 of every power of ten, in plain numbers."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def log_y(axes: Axes) -> None:
    """Ticks at the powers of ten, written without mathematical text: in that, a $ would not be a $."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def power_of_ten(value: float) -> str:
    """
    >>> power_of_ten(0.001), power_of_ten(1.0)
    ('10⁻³', '10⁰')
    """
    return "10" + str(round(math.log10(value))).translate(SUPERSCRIPTS)
