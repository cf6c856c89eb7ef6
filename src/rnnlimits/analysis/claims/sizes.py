"""How our sizes compare with those of a claim's source: full, or what was cut down from what."""

from collections.abc import Mapping
from typing import NamedTuple

from pandas import DataFrame

REDUCED = "reduced"


class Cut(NamedTuple):
    """One size that is smaller than the source's."""

    column: str
    ours: float
    source: float


def cut(full: Mapping[str, float] | None, shards: DataFrame) -> list[Cut]:
    """What was cut down, by the columns of the plan.

    >>> ours = DataFrame({"length_steps": [100], "hidden_size": [32]})
    >>> [tuple(map(str, one)) for one in cut({"length_steps": 100, "hidden_size": 128}, ours)]
    [('hidden_size', '32', '128')]
    """
    sizes = [Cut(column, shards[column].max(), wanted) for column, wanted in (full or {}).items()]
    return [one for one in sizes if one.ours < one.source]


def scale(full: Mapping[str, float] | None, shards: DataFrame, reduced: bool = False) -> str:
    """The same in words.

    `reduced`: the claim says that something was cut which is no column of the plan.

    >>> ours = DataFrame({"length_steps": [100], "hidden_size": [32]})
    >>> scale({"length_steps": 100, "hidden_size": 128}, ours)
    'reduced: hidden_size 32 of 128'
    """
    if full is None:
        return REDUCED if reduced else "not stated"
    if smaller := [f"{one.column} {one.ours:,.0f} of {one.source:,.0f}" for one in cut(full, shards)]:
        return f"{REDUCED}: {', '.join(smaller)}"
    return REDUCED if reduced else "full"
