"""Real text: training and validation with the point of early stopping, and the test result beside n-grams."""

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.figures import base

TITLE = "What does it mean for real text?"
TABLES = ("learning_curves", "replicas", "test_results", "references")
METRIC = "bits_per_character"
REFERENCE_DASHES = ((6, 2), (2, 1.5), (6, 2, 1, 2), (1, 1), (10, 2), (6, 2, 1, 2, 1, 2), (3, 4))


@style.styled
def plot(tables: base.Tables) -> Figure:
    table = _test(tables["test_results"])
    if table.empty:
        return style.not_measured(TITLE)
    parts, found = base.groups(table), style.looks(table.variant)
    # Two bands for each text: training above, the test result below.
    heights = [h for _, part in parts for h in (0.5 + 1.9 * _rows(part), 0.9 + 0.3 * part.variant.nunique())]
    figure = style.blank(_message(parts), 0.5 + sum(heights))
    bands = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    for i, (key, part) in enumerate(parts):
        _training(bands[2 * i], part, _curves(tables["learning_curves"], part), tables["replicas"], found)
        _results(bands[2 * i + 1].subplots(), part, tables["references"], found)
        bands[2 * i].suptitle(f"{base.name(*key)}, {base.setting(part)}", x=0.01, ha="left", fontsize=10)
    return figure


def caption(tables: base.Tables) -> str:
    table = _test(tables["test_results"])
    if table.empty:
        return "No language model was measured in this run."
    return (
        "Above: the loss in bits per character on the training text (dashed) and the validation text "
        f"(solid), {base.average(table)}, {base.seeds(table)}; the vertical line marks the median "
        "update with the lowest validation loss, whose weights are kept (early stopping). Below: bits per "
        "character of those weights on the test text, read once, beside models "
        "that count pairs or longer strings of characters. Fewer bits are better. "
        f"{base.remarks(table)}Shown: each architecture's largest size."
    )


def _test(table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return table
    return base.hardest(table[(table.metric == METRIC) & table["estimate"].notna()])


def _curves(table: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    """Training and validation loss in one unit: nats become bits, the unit of the references."""
    if table.empty:
        return pd.DataFrame(columns=["variant", "split", "update", "estimate", "low", "high"])
    table = base.of_cells(table[table.metric == "loss"], part)
    scale = np.where(table.unit.str.startswith("nat", na=False), 1 / math.log(2), 1.0)
    return table.assign(**{column: table[column] * scale for column in ("estimate", "low", "high")})


def _rows(part: pd.DataFrame) -> int:
    return -(-part.variant.nunique() // 4)


def _training(
    band: Any, part: pd.DataFrame, curves: pd.DataFrame, replicas: pd.DataFrame, found: style.Looks
) -> None:
    """One panel for each architecture: two lines and a mark stay readable, twenty lines do not."""
    variants = sorted(set(part.variant))
    panels = style.grid(band, len(variants), 4, sharex=True, sharey=True)
    style.label(panels, "updates", "bits per character")
    for axes, variant in zip(panels, variants):
        cell = part[part.variant == variant]
        for split, dashes in (("train", (0, (4, 2))), ("validation", "-")):
            curve = curves[(curves.variant == variant) & (curves["split"] == split)].sort_values("update")
            axes.plot(curve["update"], curve["estimate"], color=found[variant].color, linestyle=dashes)
            axes.fill_between(
                curve["update"], curve.low, curve.high, color=found[variant].color, alpha=0.15, lw=0
            )
        _early_stop(axes, replicas, cell)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_title(variant)
    _legend(band)


def _early_stop(axes: Axes, replicas: pd.DataFrame, cell: pd.DataFrame) -> None:
    if replicas.empty:
        return
    best = base.of_cells(replicas, cell).best_update.dropna()
    if len(best):
        axes.axvline(best.median(), color="black", lw=1.2, linestyle=(0, (1, 1)))


def _legend(band: Any) -> None:
    entries = {
        "training text": Line2D([], [], color="#444444", linestyle=(0, (4, 2))),
        "validation text": Line2D([], [], color="#444444"),
        "early-stopping point (median)": Line2D([], [], color="black", lw=1.2, linestyle=(0, (1, 1))),
    }
    style.legend(band, list(entries.values()), list(entries))


def _results(axes: Axes, part: pd.DataFrame, references: pd.DataFrame, found: style.Looks) -> None:
    part = part.sort_values("estimate", ascending=False)
    for y, row in enumerate(part.to_dict("records")):
        look = found[row["variant"]]
        axes.plot([row["low"], row["high"]], [y, y], color=look.color, lw=2)
        axes.plot(row["estimate"], y, color=look.color, marker=look.marker, ms=8, mec="white")
    axes.set_yticks(range(len(part)), part.variant)
    axes.set_ylim(-0.6, len(part) - 0.4)
    axes.set_xlabel("bits per character on the test text (fewer are better)")
    if references.empty:
        return
    lines = references[references.task.isin(part.task) & references.study.isin(part.study)]
    values = lines.groupby("metric").value.mean().sort_values()
    for (metric, value), dashes in zip(values.items(), itertools.cycle(REFERENCE_DASHES)):
        label = f"{base.words(str(metric).removeprefix('reference_'))} {value:.2f}"
        axes.axvline(value, color="black", lw=1.2, linestyle=(0, dashes), label=label)
    if len(lines):
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=3, title="counting models")


def _message(parts: list[tuple[tuple[str, str], pd.DataFrame]]) -> str:
    said = []
    for (_, task), part in parts:
        best = part.sort_values("estimate").iloc[0]
        on = f" on {task}" if len(parts) > 1 else ""
        said.append(f"{best.variant}{on}, {best['estimate']:.3g} [{best.low:.3g}, {best.high:.3g}]")
    return f"Fewest bits per character on test text: {'; '.join(said)}"
