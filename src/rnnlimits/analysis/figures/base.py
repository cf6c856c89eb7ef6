"""What figures read from a table: which rows to show, and what to call them.

A grid has more cells than a figure can hold: figures show the longest sequences and each architecture's
largest size, unless length or size is what they are about.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

Tables = dict[str, pd.DataFrame]
CELL = ["study", "task", "variant", "hidden_size", "length_steps"]  # of the grid
NOT_MEASURED = "not measured in this run"
STAGES = {"initial": "before training", "final": "after training"}
WAY = {"initial": "before training", "mid_training": "in mid-training", "final": "after training"}


def groups(table: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """The table cut by study and task, in the order of their names."""
    return [((str(study), str(task)), part) for (study, task), part in table.groupby(["study", "task"])]


def name(study: str, task: str) -> str:
    """How the title of a panel calls a study and its task."""
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


def of_cells(table: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that belong to the cells of the grid of which other rows speak.

    >>> cell = {"study": ["s"], "task": ["t"], "variant": ["gru"], "hidden_size": [8], "length_steps": [9]}
    >>> both = pd.DataFrame({name: value * 2 for name, value in cell.items()} | {"seed": [0, 1]})
    >>> len(of_cells(both, both)), len(of_cells(both, both.assign(hidden_size=16)))
    (2, 0)
    """
    return table.merge(wanted[CELL].drop_duplicates(), on=CELL)


def size(part: pd.DataFrame) -> pd.Series:
    """Matched by parameters, architectures have unequal hidden sizes: the budget is the common axis."""
    return part.parameters_target.fillna(part.hidden_size)


def size_effect(solved: pd.DataFrame) -> tuple[int, int, int]:
    """In how many cells of several sizes the solved share rises and falls from the smallest to the largest.

    >>> row = {"study": "s", "task": "t", "variant": "gru", "length_steps": 9, "parameters_target": np.nan}
    >>> sizes = [{**row, "hidden_size": 8, "estimate": 0.0}, {**row, "hidden_size": 16, "estimate": 1.0}]
    >>> size_effect(pd.DataFrame(sizes))
    (1, 0, 1)
    """
    ends = solved.assign(size=size(solved)).sort_values("size")
    ends = ends.groupby(["study", "task", "variant", "length_steps"])["estimate"].agg(
        ["first", "last", "size"]
    )
    ends = ends[ends["size"] > 1]
    return int((ends["last"] > ends["first"]).sum()), int((ends["last"] < ends["first"]).sum()), len(ends)


def setting(part: pd.DataFrame) -> str:
    """The length and the size that the rows share.

    >>> setting(pd.DataFrame({"length_steps": [50, 50], "hidden_size": [32, 64], "parameters_target": None}))
    'T = 50, 32–64 units'
    """
    return f"{length_in_words(part)}, {size_in_words(part)}"


def length_in_words(part: pd.DataFrame) -> str:
    """
    >>> length_in_words(pd.DataFrame({"length_steps": [50, 200]}))
    'T = 50–200'
    """
    return f"T = {span(part.length_steps)}"


def size_in_words(part: pd.DataFrame) -> str:
    """
    >>> size_in_words(pd.DataFrame({"hidden_size": [37, 12], "parameters_target": [4800, 4800]}))
    '≈ 4,800 parameters'
    """
    targets = part.parameters_target.dropna()
    return f"≈ {targets.max():,.0f} parameters" if len(targets) else f"{span(part.hidden_size)} units"


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


def average(table: pd.DataFrame) -> str:
    """What the estimates of a table are, for a caption: a loss is averaged on its logarithms.

    >>> average(pd.DataFrame({"estimator": ["geometric mean", "mean"]}))
    'geometric mean or mean over seeds with t interval'
    """
    means = sorted(set(table.estimator) - {"two groups"})
    return f"{' or '.join(means) or 'mean'} over seeds with t interval"


def of_two_groups(table: pd.DataFrame) -> str:
    """For a caption: what hollow dots are, if there are any."""
    if not table.low_group.notna().any():
        return ""
    return "Hollow dots are the means of those seeds that solve the task and of those that do not. "


def remarks(table: pd.DataFrame) -> str:
    """For a caption: at how many points of a figure something must be said beside the number.

    >>> none = {"n_diverged": 0, "n_not_trained": 0, "n_validation_only": 0, "rate_edge": None}
    >>> point = {"study": "s", "task": "t", "variant": "gru", "hidden_size": 8, "length_steps": 9}
    >>> remarks(pd.DataFrame([point | none]))
    ''
    >>> remarks(pd.DataFrame([point | none | {"n_diverged": 2, "rate_edge": "largest"}]))
    'Of 1 cells, 1 lost seeds that diverged; 1 took a learning rate from the end of its list. '
    """
    cells = {column: len(table[asked(table[column])][CELL].drop_duplicates()) for column in REMARKS}
    said = [f"{count} {REMARKS[column]}" for column, count in cells.items() if count]
    return f"Of {len(table[CELL].drop_duplicates())} cells, {'; '.join(said)}. " if said else ""


def asked(column: pd.Series) -> pd.Series:
    """In which lines does a column of remarks, of counts or of words, ask for something to be said?"""
    return column.notna() & column.ne(0)


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
    """The name of a metric as words: recall_accuracy becomes recall accuracy."""
    return metric.replace("_", " ")


NOT_SOLVED = "not solved"  # the group of a learning curve, beside those that solve the task
REMARKS = {
    "n_diverged": "lost seeds that diverged",
    "n_not_trained": "have seeds whose weights were never trained",
    "n_validation_only": "have seeds that solve the task on validation and not on test",
    "rate_edge": "took a learning rate from the end of its list",
}
SHOWN = "Shown: the longest sequences and each architecture's largest size."


def spans_decades(part: pd.DataFrame) -> bool:
    """An error may fall by orders of magnitude; a share stays on its own scale."""
    values = part.filter(["estimate", "low_group", "high_group"]).stack().dropna()
    if values.empty or (part.unit == "share").any():
        return False
    return bool(0 < values.min() < values.max() / 30)
