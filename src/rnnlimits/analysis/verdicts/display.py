"""The tables of the verdict report, as texts: findings, sensitivity, what each side was given."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from rnnlimits.analysis.report.answer import interval, number
from rnnlimits.analysis.report.display import Table

SIDES = {"one": "claimed", "other": "compared with"}
Columns = dict[str, Callable[[dict[str, Any]], str]]


def findings(table: pd.DataFrame) -> Table:
    """What was measured, and how the verdict follows."""
    columns: Columns = {
        "part": lambda line: _place(line),
        "verdict": lambda line: line["verdict"],
        "measured": lambda line: line["sentence"],
        "holds if": lambda line: line["bound"] or "–",
        "because": _because,
    }
    note = "A part that looks at several cells has a line for each."
    if (table.positive_control == "True").any():
        note += " A positive control is tuned like the rest and must succeed; else the failure says nothing."
    return _table("What we measured", note, table, columns, numeric=set())


def _because(line: dict[str, Any]) -> str:
    """How the verdict follows, and what it would take where there is none."""
    if not line["seeds_to_decide"]:
        return line["why"] or "–"
    return f"{line['why']}; at this spread {_number(line['seeds_to_decide'])} seeds would decide it"


def sensitivity(table: pd.DataFrame) -> Table:
    """Does the verdict survive?"""
    columns: Columns = {
        "part": lambda line: _place(line),
        "change": lambda line: line["change"],
        "verdict": lambda line: line["verdict"],
        "estimate": lambda line: (
            interval(*(_float(line[key]) for key in ("estimate", "low", "high"))) if line["estimate"] else "–"
        ),
    }
    return _table("Sensitivity", "The same check after one change.", table, columns, numeric={"estimate"})


def fairness(table: pd.DataFrame) -> Table:
    """What each side was given, but for the seconds."""
    columns: Columns = {
        "part": lambda line: _place(line),
        "side": lambda line: SIDES[line["side"]],
        "architecture": lambda line: line["variant"],
        "parameters": lambda line: _number(line["parameters"]),
        "updates planned": lambda line: _number(line["updates_planned"]),
        "updates taken": lambda line: _number(line["updates_taken"]),
        "sequences seen": lambda line: _number(line["sequences_seen"]),
        "trials": lambda line: _number(line["trials"]),
        "learning rate": _rate,
    }
    if table.side.nunique() < 2:
        del columns["side"]
    note = "Updates and sequences are means over seeds; trials are learning rates × seeds."
    return _table("What each side was given", note, table, columns, set(columns) - {"side", "architecture"})


def _rate(line: dict[str, Any]) -> str:
    """
    >>> _rate({"learning_rate": "0.01", "rate_edge": "largest"})
    '0.01, the largest tried'
    """
    edge = f", the {line['rate_edge']} tried" if line["rate_edge"] else ""
    return f"{_number(line['learning_rate'])}{edge}"


def seconds(table: pd.DataFrame) -> Table:
    """The one thing about it in which two equal runs differ."""
    columns: Columns = {
        "job": lambda line: line["shard"],
        "seconds": lambda line: _number(line["seconds"]),
    }
    jobs = table[table.seconds != ""].drop_duplicates("shard")
    return _table("Seconds of each job", "All its seeds and learning rates.", jobs, columns, {"seconds"})


def _place(line: dict[str, Any]) -> str:
    """Parts are counted, and the cells of a part; a positive control is called so."""
    name = f"{line['part']}.{line['finding']}"
    return f"{name} (positive control)" if line.get("positive_control") == "True" else name


def _table(title: str, note: str, table: pd.DataFrame, columns: Columns, numeric: set[str]) -> Table:
    lines: Sequence[dict[str, Any]] = [
        {str(key): value for key, value in line.items()} for line in table.to_dict("records")
    ]
    rows = [[cell(line) for cell in columns.values()] for line in lines]
    return Table(title.lower(), title, note, list(columns), rows, [name in numeric for name in columns])


def _float(text: str) -> float:
    return float(text) if text else math.nan


def _number(text: str) -> str:
    """
    >>> _number("1500.0"), _number(""), _number("0.001")
    ('1,500', '–', '0.001')
    """
    return number(float(text)) if text else "–"
