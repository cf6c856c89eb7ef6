"""Tables made for reading: an interval is one cell, a number has three digits, the same is said once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from rnnlimits.analysis.figures import base
from rnnlimits.analysis.report.answer import interval, number

# Beside a number: a letter, which column of the table asks for it, and what it says.
REMARKS = {
    "d": ("n_diverged", "some seeds diverged and are left out"),
    "n": ("n_not_trained", "some kept the weights of their start, which no training made"),
    "v": ("n_validation_only", "some solve it on validation only"),
    "e": ("rate_edge", "the learning rate lies at an end of its list"),
}
# Name, title, and what the reader must know; in the order of the page.
SHORT = {
    "results": (
        "Test results",
        "Each task's own measure; read once, at the learning rate that validation chose. Where some seeds "
        "solve the task and others do not, the means of both.",
    ),
    "solved": ("Share of seeds that solve the task", "On test sequences, with Wilson's interval."),
    "cross_validation": (
        "Choice of the hidden size",
        "Chosen: the smallest within one standard error of the best; a lost fold counts as guessing.",
    ),
    "gradient_slopes": (
        "Decay of gradients",
        "Slope of the natural logarithm by lag; steps until an e-th is left.",
    ),
    "references": ("Reference values", "What models that only count reach on the same data."),
    "simulations": ("Simulations", "Numbers that need no training."),
    "parameters": (
        "Trainable parameters",
        "With the deviation from the budget, where they were matched to one.",
    ),
}
LONG = {
    "learning_rate_search": (
        "Search for the learning rate",
        "Validation score of the weights that were kept; the same list for everyone.",
    ),
    "replicas": ("Every replica", "One line for each seed, at the chosen learning rate."),
    "probe_scalars": ("Probes without a lag", "Measured in float64 on the full state."),
    "timings": ("Where the time went", "Seconds of each job; the one table that differs between equal runs."),
}
# Curves are for figures; as tables they would fill the page.
FILES_ONLY = ("learning_curves", "gradient_by_lag", "jacobian_by_lag", "context_by_lag")
INTERVALS = (("estimate", "low", "high"), ("slope", "low", "high"), ("test_value", "test_low", "test_high"))
# Said in the note of a table instead of in every line, where all lines agree.
SAID_ONCE = {
    "study", "task", "metric", "unit", "n", "n_diverged", "quantity", "stage", "length_steps", "hidden_size",
    "learning_rate", "host", "device", "replicas", "chance", "parameters_target",
}  # fmt: skip
MOST_ROWS = 1000


@dataclass(frozen=True)
class Table:
    """What the template needs: texts only."""

    name: str
    title: str
    note: str
    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    numeric: list[bool] = field(default_factory=list)

    @property
    def timed(self) -> bool:
        """Does it say how long something took?  Then two equal runs differ in it."""
        return self.name == "timings"

    @property
    def long(self) -> bool:
        return len(self.rows) > 12


def short(tables: base.Tables) -> list[Table]:
    """The tables that carry the result."""
    results = tables["test_results"]
    frames: dict[str, pd.DataFrame] = {**tables, "results": results, "solved": results}
    notes = {name: note for name, (_, note) in SHORT.items()}
    if not results.empty:
        frames |= {"results": results[results.primary], "solved": results[results.metric == "solved"]}
    for name in ("results", "solved"):
        if len(frames[name]):
            notes[name] = " ".join([notes[name], *_remarks(frames[name])])
            frames[name] = by_variant(frames[name])
    frames["parameters"] = _lengths_joined(tables["parameters"])
    return [shown(name, frames[name], title, notes[name]) for name, (title, _) in SHORT.items()]


def long(tables: base.Tables) -> list[Table]:
    """The tables for looking things up."""
    return [shown(name, tables[name], *words) for name, words in LONG.items()]


def by_variant(results: pd.DataFrame) -> pd.DataFrame:
    """One column for each architecture, so that a line compares them."""
    matched = results.parameters_target.notna().any()
    size = "parameters_target" if matched else "hidden_size"
    lines = ["study", "task", "metric", "chance", "length_steps", size, "n"]
    cells = results.assign(**{size: base.size(results), "cell": _cells(results)})
    # A line has one n; where some seeds diverged, the n of a line is a range.
    cells["n"] = cells.groupby(lines[:-1], dropna=False).n.transform(base.span)
    cells["chance"] = cells.chance.map(_text)
    wide = cells.pivot_table(index=lines, columns="variant", values="cell", aggfunc="first")
    return wide.rename_axis(columns=None).reset_index()


def _cells(results: pd.DataFrame) -> pd.Series:
    """The interval or the means of two groups, with the letters of what must be said beside it."""
    texts = _merged(results, *INTERVALS[0])
    two = results[results.low_group.notna()]
    texts.loc[two.index] = [
        f"{few:g} at {number(low)}, {n - few:g} at {number(high)}"
        for few, n, low, high in zip(two.n_low_group, two.n, two.low_group, two.high_group)
    ]
    for letter, (column, _) in REMARKS.items():
        said = base.asked(results[column])
        if not said.all():
            texts = texts.where(~said | texts.eq("–"), texts + f" {letter}")
    return texts


def _remarks(results: pd.DataFrame) -> Iterator[str]:
    """What the letters say; what holds for every line needs none.

    >>> table = {"n_diverged": [0, 1], "n_not_trained": [0, 0], "n_validation_only": [0, 0]}
    >>> list(_remarks(pd.DataFrame(table | {"rate_edge": ["largest", "smallest"]})))
    ['d: some seeds diverged and are left out.', 'In all lines the learning rate lies at an end of its list.']
    """
    for letter, (column, words) in REMARKS.items():
        said = base.asked(results[column])
        if said.any():
            yield f"In all lines {words}." if said.all() else f"{letter}: {words}."


def _lengths_joined(parameters: pd.DataFrame) -> pd.DataFrame:
    """Most architectures have as many parameters at one length as at another."""
    if parameters.empty:
        return parameters
    same = [column for column in parameters if column != "length_steps"]
    lengths = parameters.groupby(same, dropna=False, sort=False).length_steps.agg(
        lambda steps: ", ".join(f"{step:g}" for step in sorted(steps))
    )
    return lengths.reset_index()[list(parameters)]


def shown(name: str, table: pd.DataFrame, title: str, note: str) -> Table:
    """A table as texts; what is the same in all its lines becomes a part of the note."""
    if table.empty:
        return Table(name, title, note)
    table = _without_doubles(table.copy())
    for columns in INTERVALS:
        if set(columns) <= set(table):
            table[columns[0]] = _merged(table, *columns)
            table = table.drop(columns=list(columns[1:]))
    constant = [column for column in table if column in SAID_ONCE and _is_constant(table[column])]
    said = ", ".join(f"{heading(column)} {_text(table[column].iloc[0])}" for column in constant)
    table = table.drop(columns=constant)
    if len(table) > MOST_ROWS:
        note = f"{note} The first {MOST_ROWS:,} of {len(table):,} lines."
        table = table.head(MOST_ROWS)
    note = f"{note} In all lines: {said}." if said else note
    numeric = [_is_numeric(table[column]) for column in table]
    rows = [[_text(value) for value in row] for row in table.astype(object).to_numpy()]
    return Table(name, title, note, [heading(str(column)) for column in table], rows, numeric)


def _is_constant(column: pd.Series) -> bool:
    return len(column) > 1 and column.nunique(dropna=False) == 1


def heading(column: str) -> str:
    """
    >>> heading("length_steps"), heading("n_diverged"), heading("deviation_percent")
    ('T (steps)', 'diverged', 'deviation (%)')
    """
    own = {"length_steps": "T (steps)", "n_diverged": "diverged", "deviation_percent": "deviation (%)",
           "hidden_size": "units", "test_value": "test", "peak_memory_mb": "peak memory (MB)",
           "parameters_target": "parameters aimed at", "lag_steps": "lag (steps)", "low": "low", "n": "n",
           "time_constant": "time constant (steps)", "slope": "slope (nats per step)"}  # fmt: skip
    return own.get(column, base.words(column))


def _without_doubles(table: pd.DataFrame) -> pd.DataFrame:
    """The page of a variant is worth a column only where it has another name; an empty column never is."""
    same = {"architecture", "variant"} <= set(table) and (table.architecture == table.variant).all()
    return table.drop(columns=["architecture"] if same else []).dropna(axis="columns", how="all")


def _merged(table: pd.DataFrame, value: str, low: str, high: str) -> pd.Series:
    texts = [interval(*cells) for cells in table[[value, low, high]].to_numpy(dtype=float)]
    return pd.Series(texts, index=table.index).replace("not defined", "–")


def _is_numeric(column: pd.Series) -> bool:
    texts = column.dropna().map(_text)
    return len(texts) > 0 and bool(texts.str.match(r"^[−\d–]").all())


def _text(value: Any) -> str:
    """
    >>> _text(64.0), _text(0.0012345), _text(True), _text(float("nan")), _text("gru")
    ('64', '0.00123', 'yes', '–', 'gru')
    """
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return "–"
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    return number(value)
