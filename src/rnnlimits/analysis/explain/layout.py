"""Plain text of 100 columns: a label with its text, a heading, values by seed, a selection in words."""

import textwrap
from collections.abc import Mapping
from typing import Any

from pandas import DataFrame

WIDTH = 100
LABEL = 12
KEPT = "\u00a0"  # a space at which no line is broken


def field(label: str, text: str) -> str:
    """
    >>> print(field("host", "a node"), field("", "and another"), sep="\\n")
      host        a node
                  and another
    """
    return _wrapped(text, f"  {label:{LABEL}}", " " * (LABEL + 2))


def item(text: str) -> str:
    """What stands below a line without a label."""
    return _wrapped(text, "    ", "      ")


def _wrapped(text: str, first: str, others: str) -> str:
    # Hashes and names are there to be copied, so they are never broken.
    lines = textwrap.wrap(
        text or "-", WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(line.replace(KEPT, " ").rstrip() for line in lines)


def heading(title: str) -> str:
    return f"\n{title}\n{'-' * len(title)}"


def by_seed(rows: DataFrame) -> str:
    """
    >>> by_seed(DataFrame({"seed": [0, 1], "value": [0.25, None]})).replace(KEPT, " ")
    '0: 0.25  1: none'
    """
    pairs = rows.sort_values("seed")[["seed", "value"]].to_numpy(dtype=float)
    # Not a number: the replica diverged, or the number is not defined.
    texts = [(f"{seed:.0f}", "none" if value != value else f"{value:.6g}") for seed, value in pairs]
    return f"{KEPT} ".join(f"{seed}:{KEPT}{value}" for seed, value in texts)


def words(selection: Mapping[str, Any]) -> str:
    """
    >>> words({"variant": ["gru", "lstm"], "bound": 0, "conditions": {"radius": {"below": 1}}})
    'variant gru or lstm, bound 0, conditions radius below 1'
    """
    return ", ".join(f"{key} {_value(value)}" for key, value in selection.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " or ".join(map(_value, value))
    if isinstance(value, Mapping):
        return " and ".join(f"{key} {_value(inner)}" for key, inner in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def count(number: int, noun: str) -> str:
    """
    >>> count(1, "shard"), count(1200, "row")
    ('1 shard', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
