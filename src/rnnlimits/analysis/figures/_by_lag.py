"""Panels by lag: one quantity of the table gradient_by_lag, before training and after it, side by side."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

FLOOR = -20.0  # in powers of ten: what is smaller would press every other curve flat against the top
SPREAD_UP_TO = 4  # variants in a panel


@dataclass(frozen=True, kw_only=True)
class LagFigure:
    """A page's figure: `page.plot` and `page.caption` are its methods."""

    question: str  # the page's TITLE
    quantity: str  # as the table calls it
    subject: str  # of the headline, "Gradient left at the largest lag"
    ylabel: str
    norm: str  # of what, for the caption
    reading: str  # what a line or its end means
    missing: str  # the caption where nothing was measured

    def plot(self, tables: base.Tables) -> Figure:
        return _plot(self, self.rows(tables))

    def caption(self, tables: base.Tables) -> str:
        table = self.rows(tables)
        if table.empty:
            return self.missing
        return (
            f"{self.norm}: median over sequences, mean over {base.seeds(table[table.n > 0])}. {_band(table)} "
            f"{self.reading} {base.SHOWN}"
        )

    def rows(self, tables: base.Tables) -> pd.DataFrame:
        table = base.at_the_ends(tables["gradient_by_lag"])
        return table if table.empty else table[table.quantity == self.quantity]


@style.styled
def _plot(figure: LagFigure, table: pd.DataFrame) -> Figure:
    if table.empty:
        return style.not_measured(figure.question)
    return _panels(table, figure.question, figure.subject, figure.ylabel)


def _panels(table: pd.DataFrame, question: str, subject: str, ylabel: str) -> Figure:
    """A row of panels for each study and task: before training on the left, after it on the right."""
    table = base.hardest(table)
    parts, message = base.groups(table), _extremes(base.groups(table))
    figure = style.blank(f"{subject} {message}" if message else question, 1.1 + 2.5 * len(parts))
    cells = figure.add_gridspec(len(parts), 2)
    found, edges = style.looks(table.variant), _edges(table)
    for row, (key, part) in enumerate(parts):
        stages = [stage for stage in base.STAGES if stage in set(part.stage)]
        first = None
        for column, stage in enumerate(stages):
            # A study that never trains has one panel, over the whole width.
            cell = cells[row, column] if len(stages) == 2 else cells[row, :]
            axes = figure.add_subplot(cell, sharey=first)
            first = first or axes
            _lag_lines(axes, part[part.stage == stage], found, edges)
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            axes.set_title(f"{base.name(*key)}, {base.STAGES[stage]}\n{base.setting(part)}")
            axes.set(xlabel="lag k (time steps back from the last)", ylabel=ylabel if column == 0 else "")
        assert first is not None
        low, high = first.get_ylim()
        first.set_ylim(max(low, FLOOR), max(high, FLOOR + 1))
    style.variant_legend(figure, found)
    return figure


def _lag_lines(axes: Axes, part: pd.DataFrame, found: style.Looks, edges: tuple[str, str]) -> None:
    for variant, curve in part.sort_values("lag_steps").groupby("variant"):
        look = found[str(variant)]
        every = max(1, len(curve) // 7)
        axes.plot(curve.lag_steps, curve["median"], **look.line(markevery=every))
        axes.fill_between(
            curve.lag_steps, curve[edges[0]], curve[edges[1]], color=look.color, alpha=0.13, lw=0
        )


def _band(table: pd.DataFrame) -> str:
    if _edges(base.hardest(table)) == ("p10", "p90"):
        return "Bands: the 10th to 90th percentile of the sequences."
    return "Bands: 95 % interval over seeds (Student's t)."


def _edges(table: pd.DataFrame) -> tuple[str, str]:
    # The spread over sequences is the fuller picture; of many curves only the intervals stay readable.
    crowd = table.groupby(["study", "task", "stage"]).variant.nunique().max()
    return ("p10", "p90") if crowd <= SPREAD_UP_TO else ("low", "high")


def _extremes(parts: list[tuple[tuple[str, str], pd.DataFrame]]) -> str:
    """Who keeps most and who least at the largest lag, as far as all panels agree on it.

    >>> rows = {"variant": ["gru", "elman"], "stage": "final", "lag_steps": 9, "median": [-2, -7]}
    >>> _extremes([(("memory", "adding"), pd.DataFrame(rows))])
    'after training: most in gru, least in elman'
    """
    stage = "final" if any("final" in set(part.stage) for _, part in parts) else "initial"
    most, least = set(), set()
    for _, part in parts:
        last = part[(part.stage == stage) & (part.lag_steps == part.lag_steps.max())]
        if last.variant.nunique() < 2:
            continue
        ranked = last.dropna(subset="median").sort_values("median").variant.tolist()
        most.add(ranked[-1] if ranked else "")
        # A vanished (undefined) value would be the least of all, so nothing is said about the least then.
        least.add(ranked[0] if len(ranked) == part.variant.nunique() else "")
    said = [f"{word} in {min(names)}" for word, names in (("most", most), ("least", least)) if _agreed(names)]
    return f"{base.STAGES[stage]}: {', '.join(said)}" if said else ""


def _agreed(names: set[str]) -> bool:
    return len(names) == 1 and "" not in names
