"""The figure of one claim: a dot for each seed, mean and interval, and where the claim's bound lies.

Left, the measured numbers.  Of a comparison, what is judged stands on the right, on a scale of its own: the
difference or the quotient, with the region in which the claim holds.  The verdict ends each line.
"""

from collections.abc import Iterable, Sequence
from math import inf, isfinite
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from rnnlimits.analysis import report
from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.report.answer import number
from rnnlimits.analysis.statistics import Interval
from rnnlimits.analysis.verdicts import rows
from rnnlimits.analysis.verdicts.rows import Judged, Line, Panel

HOLDS: dict[str, Any] = {"facecolor": "#d9ecd9", "edgecolor": "none"}
EDGE = "#5c8a5c"
CHANCE: dict[str, Any] = {"color": "#7a7a7a", "linestyle": (0, (2, 1.5)), "linewidth": 1.2}
JUDGED = "#1d1d1f"
WORD = {"reproduced": "#0a6640", "contradicted": "#a32a00", "undecided": "#6b4e00", "not run": "#56565c"}
# Inches: of a line, of each further row of its label, of a panel around its lines.
LINE_HEIGHT, TEXT_HEIGHT, FRAME_HEIGHT = 0.24, 0.13, 0.95
# Of a run whose budget ended before it got there.
OPEN: dict[str, Any] = {"markerfacecolor": "none", "markeredgewidth": 1.0}
CLOSED: dict[str, Any] = {"markeredgewidth": 0, "alpha": 0.55}
SPREAD = 0.5  # of a line's height, over which its seeds are spread so that equal ones stay apart


@style.styled
def plot(title: str, findings: pd.DataFrame, evidence: pd.DataFrame) -> Figure | None:
    """The figure of one claim; None where nothing was measured."""
    panels = rows.panels(findings, evidence)
    if not panels:
        return None
    heights = [_height(panel) for panel in panels]
    figure = style.blank(title, 0.75 + sum(heights))
    found = style.looks(line.look for panel in panels for line in panel.lines)
    grid = figure.add_gridspec(len(panels), 2, height_ratios=heights, width_ratios=[1.45, 1])
    for row, panel in enumerate(panels):
        cell = grid[row, 0] if panel.compares else grid[row, :]
        left = figure.add_subplot(cell)
        _measured(left, panel, found)
        last = left
        if panel.compares:
            last = figure.add_subplot(grid[row, 1])
            _compared(last, panel)
        _verdicts(last, panel)
    _legend(figure, panels)
    return figure


def _height(panel: Panel) -> float:
    """All lines of a panel are as high as its longest label."""
    rows_of_text = max(label.count("\n") for label in _labels(panel))
    return FRAME_HEIGHT + (LINE_HEIGHT + TEXT_HEIGHT * rows_of_text) * len(panel.lines)


def _labels(panel: Panel) -> list[str]:
    return [fill(f"{line.label}{_without(line)}", 36) for line in panel.lines]


def _measured(axes: Axes, panel: Panel, found: style.Looks) -> None:
    """The numbers of each cell, a line each."""
    lines = panel.lines
    values = [value for line in lines for value in line.values]
    shown = rows.near(values)
    numbers = shown + [line.chance for line in lines]
    if len(shown) == len(values):  # else an interval reaches as far as the numbers that were left out
        numbers += [end for line in lines for end in (line.interval.low, line.interval.high)]
    numbers += [0.0, 1.0] if panel.form.whole_scale else []
    if not panel.compares:
        bounds = [end for finding in panel.findings for end in finding.bound]
        numbers += [end for end in bounds if panel.form.has_bound]
    _scale(axes, numbers, panel.share)
    place = 0
    for finding in panel.findings:
        top = place - 0.5
        for line in finding.lines:
            _seeds(axes, line, place, found[line.look])
            place += 1
        if not panel.compares and panel.form.has_bound:
            _region(axes, finding, top, place - 0.5)
    axes.set_yticks(range(len(lines)), _labels(panel))
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_title(fill(_heading(panel), 60 if panel.compares else 95))
    axes.set_xlabel(fill(panel.measure, 44 if panel.compares else 95))


def _heading(panel: Panel) -> str:
    bound = f"holds if {panel.bound}" if panel.bound else ""
    return "; ".join(part for part in (panel.title, bound) if part)


def _without(line: Line) -> str:
    return f" ({line.missing} of {line.seeds} without)" if line.missing else ""


def _seeds(axes: Axes, line: Line, place: float, look: style.Look) -> None:
    count = len(line.values)
    size = 3.0 if count > 40 else 5.0
    left, right = axes.get_xlim()
    for i, (value, cut_off) in enumerate(zip(line.values, line.cut_off)):
        height = place + SPREAD * ((i + 0.5) / count - 0.5)
        filled = OPEN if cut_off else CLOSED
        beyond = "" if left <= value <= right else ">" if value > right else "<"
        place_x, marker = min(max(value, left), right), beyond or look.marker
        axes.plot(place_x, height, marker, color=look.color, markersize=size, clip_on=False, zorder=3,
                  **filled)  # fmt: skip
        if beyond:
            axes.annotate(number(value), (place_x, height), (-6 if beyond == ">" else 6, 0), fontsize=7,
                          textcoords="offset points", va="center",
                          ha="right" if beyond == ">" else "left")  # fmt: skip
    _interval(axes, line.interval, place)
    if isfinite(line.chance):
        axes.plot([line.chance] * 2, [place - 0.45, place + 0.45], **CHANCE, zorder=2)


def _interval(axes: Axes, interval: Interval, place: float) -> None:
    if isfinite(interval.low) and isfinite(interval.high):
        axes.plot([interval.low, interval.high], [place] * 2, color=JUDGED, linewidth=1.6, zorder=4)
    if isfinite(interval.estimate):
        axes.plot([interval.estimate], [place], "|", color=JUDGED, markersize=11, markeredgewidth=2, zorder=5)


def _compared(axes: Axes, panel: Panel) -> None:
    """What was held against the bound: beside the two lines that it compares."""
    equal = panel.form.no_difference
    ends = [end for finding in panel.findings for end in (*finding.bound, *finding.interval[:3])]
    _scale(axes, [*ends, equal])
    axes.axvline(equal, color="#9a9a9a", linewidth=1, zorder=1)
    place = 0
    for finding in panel.findings:
        count = len(finding.lines)
        _region(axes, finding, place - 0.5, place + count - 0.5)
        _interval(axes, finding.interval, place + (count - 1) / 2)
        place += count
    axes.set_yticks([])
    axes.set_ylim(place - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(panel.form.shows)


def _region(axes: Axes, finding: Judged, top: float, bottom: float) -> None:
    """Where the claim holds; the axis keeps its ends, whatever the bound."""
    low, high = finding.bound
    if low == -inf and high == inf:
        return
    left, right = axes.get_xlim()
    inner = 0.06
    start, end = max(low, left), min(high, right)
    if end > start:
        axes.fill_betweenx([top + inner, bottom - inner], start, end, **HOLDS, zorder=0)
    for bound in (low, high):
        if isfinite(bound):
            axes.plot([bound] * 2, [top + inner, bottom - inner], color=EDGE, linewidth=1.4, zorder=1)


def _verdicts(axes: Axes, panel: Panel) -> None:
    """The word and its sign, at the end of each finding's lines."""
    place = 0.0
    for finding in panel.findings:
        middle = place + (len(finding.lines) - 1) / 2
        said = f"{report.SIGNS[finding.verdict]} {finding.verdict}"
        axes.annotate(said, (1, middle), (5, 0), xycoords=axes.get_yaxis_transform(), va="center",
                      textcoords="offset points", color=WORD[finding.verdict], fontsize=8)  # fmt: skip
        place += len(finding.lines)


def _scale(axes: Axes, numbers: Sequence[float], share: bool = False) -> None:
    """An axis that holds all of them, with some room; few ticks, in plain numbers."""
    known = [number for number in numbers if isfinite(number)] or [0.0]
    if share and min(known) == max(known):
        known = [0.0, 1.0]  # all seeds alike
    low, high = min(known), max(known)
    if rows.logarithmic(known):
        axes.set_xscale("log")
        room = (high / low) ** 0.06
        axes.set_xlim(low / room, high * room)
        axes.xaxis.set_major_locator(LogLocator(numticks=6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        room = 0.06 * (high - low) or 0.06 * abs(high) or 0.5
        left, right = low - room, high + room
        axes.set_xlim(*((max(left, -0.02), min(right, 1.02)) if share else (left, right)))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value, 12))))


def _power(value: float) -> str:
    """
    >>> _power(1e-7), _power(0.1), _power(100.0), _power(1e6)
    ('10⁻⁷', '0.1', '100', '10⁶')
    """
    return f"{value:g}" if 0.001 <= value < 1e4 else style.power_of_ten(value)


def _legend(figure: Figure, panels: Iterable[Panel]) -> None:
    """Colours need none: each line has its name."""
    lines = [line for panel in panels for line in panel.lines]
    handles: dict[str, Line2D | Patch] = {
        "a seed": Line2D([], [], marker="o", color="#555555", alpha=0.55, linestyle="", markeredgewidth=0),
        "mean (or what was judged) and interval": Line2D(
            [], [], color=JUDGED, linewidth=1.6, marker="|", markersize=10, markeredgewidth=2
        ),
    }
    if any(cut_off for line in lines for cut_off in line.cut_off):
        handles["not solved by then"] = Line2D([], [], marker="o", color="#555555", linestyle="", **OPEN)
    if any(isfinite(end) for panel in panels for finding in panel.findings for end in finding.bound):
        handles["the claim holds here"] = Patch(**HOLDS)
    if any(isfinite(line.chance) for line in lines):
        handles["chance"] = Line2D([], [], **CHANCE)
    figure.legend(
        handles.values(), handles, loc="outside lower left", ncols=4, handlelength=1.8, columnspacing=1.2
    )
