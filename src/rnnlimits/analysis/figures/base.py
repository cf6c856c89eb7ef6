"""What figures read from a table: which rows to show, what to call them, and the panels by lag.

A grid has more cells than a figure can hold: figures show the longest sequences and each architecture's
largest size, unless length or size is what they are about.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnnlimits.analysis.figures import _style as style

Tables = dict[str, pd.DataFrame]
STAGES = {"initial": "before training", "final": "after training"}
WAY = {"initial": "before training", "mid_training": "in mid-training", "final": "after training"}


def groups(table: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """The table cut by study and task, in the order of their names."""
    return [((str(study), str(task)), part) for (study, task), part in table.groupby(["study", "task"])]


def name(study: str, task: str) -> str:
    return f"{study}: {task}"


def largest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of each variant's largest size: the best that it was given the means for."""
    cell = ["study", "task", "variant", "length_steps"]
    return table[table.hidden_size == table.groupby(cell).hidden_size.transform("max")]


def hardest(table: pd.DataFrame) -> pd.DataFrame:
    """The longest sequences of each study and task, and there each variant's largest size."""
    return largest(
        table[table.length_steps == table.groupby(["study", "task"]).length_steps.transform("max")]
    )


def probed_on_the_way(table: pd.DataFrame) -> set[str]:
    """The studies that were probed in mid-training: they have a figure of their own."""
    return set(table.study[table.stage == "mid_training"])


def at_the_ends(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the other studies, which a figure with all architectures in one panel can hold."""
    return table if table.empty else table[~table.study.isin(probed_on_the_way(table))]


def cells(table: pd.DataFrame) -> list[tuple[tuple[str, str, str], pd.DataFrame]]:
    """The table cut by study, task and variant: a panel for each."""
    cut = table.groupby(["study", "task", "variant"])
    return [((str(study), str(task), str(variant)), part) for (study, task, variant), part in cut]


def size(part: pd.DataFrame) -> pd.Series:
    """Matched by parameters, architectures have unequal hidden sizes: the budget is the common axis."""
    return part.parameters_target.fillna(part.hidden_size)


def size_effect(solved: pd.DataFrame) -> tuple[int, int, int]:
    """In how many cells of several sizes the solved share rises and falls from the smallest to the largest.

    >>> row = {"study": "s", "task": "t", "variant": "gru", "length_steps": 9, "parameters_target": np.nan}
    >>> sizes = [{**row, "hidden_size": 8, "mean": 0.0}, {**row, "hidden_size": 16, "mean": 1.0}]
    >>> size_effect(pd.DataFrame(sizes))
    (1, 0, 1)
    """
    ends = solved.assign(size=size(solved)).sort_values("size")
    ends = ends.groupby(["study", "task", "variant", "length_steps"])["mean"].agg(["first", "last", "size"])
    ends = ends[ends["size"] > 1]
    return int((ends["last"] > ends["first"]).sum()), int((ends["last"] < ends["first"]).sum()), len(ends)


def setting(part: pd.DataFrame) -> str:
    """The length and the size that the rows share.

    >>> setting(pd.DataFrame({"length_steps": [50, 50], "hidden_size": [32, 64], "parameters_target": None}))
    'T = 50, 32–64 units'
    """
    budgets, sizes = part.parameters_target.dropna(), part.hidden_size
    size = f"≈ {budgets.max():,.0f} parameters" if len(budgets) else f"{span(sizes)} units"
    return f"T = {span(part.length_steps)}, {size}"


def span(values: Iterable[float]) -> str:
    """
    >>> span([3, 5, 3]), span([3, 3]), span([])
    ('3–5', '3', 'no')
    """
    numbers = np.asarray(list(values), dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return "no"
    low, high = numbers.min(), numbers.max()
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def seeds(table: pd.DataFrame) -> str:
    """How many seeds a row of the table rests on, for a caption."""
    count = span(table.n)
    return f"{count} seed" if count == "1" else f"{count} seeds"


def join(names: Iterable[str], most: int = 4) -> str:
    """A list that fits into a title.

    >>> join(["gru"]), join(["gru", "lstm", "irnn"]), join(["a", "b", "c", "d", "e"])
    ('gru', 'gru, lstm and irnn', '5 architectures')
    """
    *first, last = names
    if len(first) >= most:
        return f"{len(first) + 1} architectures"
    return f"{', '.join(first)} and {last}" if first else last


def measure(part: pd.DataFrame, separator: str = " ") -> str:
    """What the rows measure, with its unit unless the name says it.

    >>> measure(pd.DataFrame({"metric": ["recall_accuracy"], "unit": ["share"]}))
    'recall accuracy (share)'
    """
    if part.empty:
        return ""
    metric, unit = words(str(part.metric.iloc[0])), str(part.unit.iloc[0])
    return metric if unit in metric or unit in ("nan", "1") else f"{metric}{separator}({unit})"


def words(metric: str) -> str:
    return metric.replace("_", " ")


SHOWN = "Shown: the longest sequences and each architecture's largest size."

# Panels by lag: gradient_by_lag and input_reach differ only in what they measure.
FLOOR = -20.0  # in powers of ten: what is smaller would press every other curve flat against the top
SPREAD_UP_TO = 4  # variants in a panel


def lag_figure(table: pd.DataFrame, question: str, subject: str, ylabel: str) -> Figure:
    """A row of panels for each study and task: before training on the left, after it on the right."""
    table = hardest(table)
    parts, message = groups(table), _extremes(groups(table))
    figure = style.blank(f"{subject} {message}" if message else question, 1.1 + 2.5 * len(parts))
    cells = figure.add_gridspec(len(parts), 2)
    found, edges = style.looks(table.variant), _edges(table)
    for row, (key, part) in enumerate(parts):
        stages = [stage for stage in STAGES if stage in set(part.stage)]
        first = None
        for column, stage in enumerate(stages):
            # A study that never trains has one panel, over the whole width.
            cell = cells[row, column] if len(stages) == 2 else cells[row, :]
            axes = figure.add_subplot(cell, sharey=first)
            first = first or axes
            _lag_lines(axes, part[part.stage == stage], found, edges)
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            axes.set_title(f"{name(*key)}, {STAGES[stage]}\n{setting(part)}")
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


def lag_band(table: pd.DataFrame) -> str:
    if _edges(hardest(table)) == ("p10", "p90"):
        return "Bands: the 10th to 90th percentile of the sequences."
    return "Bands: bootstrap interval over seeds."


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
    return f"{STAGES[stage]}: {', '.join(said)}" if said else ""


def _agreed(names: set[str]) -> bool:
    return len(names) == 1 and "" not in names


def spans_decades(part: pd.DataFrame) -> bool:
    """An error may fall by orders of magnitude; a share stays on its own scale."""
    values = part["mean"].dropna()
    if values.empty or (part.unit == "share").any():
        return False
    return bool(0 < values.min() < values.max() / 30)
