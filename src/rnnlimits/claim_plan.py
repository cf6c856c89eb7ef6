"""What a claim looks at must be planned: its columns exist, and some shard of the config fits its values.

    parts:
    - study: sequence_length
      where: {task: adding, variant: [elman, lstm], length_steps: longest, metric: mean_squared_error}
      against: {task: adding, variant: gru, length_steps: longest, metric: mean_squared_error}

A list means any of its values; `shortest` and `longest` are the extremes of length_steps, `smallest` and
`largest` those of hidden_size.  The form of an entry is the business of claim_form.py, the checks of claims/.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from rnnlimits.catalog import pick
from rnnlimits.grid import Shard
from rnnlimits.mistakes import unknown_key, unknown_word
from rnnlimits.rows import COLUMNS, WORDS

SELECTIONS = ("where", "against")
EXTREMES = {
    "length_steps": {"shortest": min, "longest": max},
    "hidden_size": {"smallest": min, "largest": max},
}
SHARD_COLUMNS = [name for name in COLUMNS if name in {field.name for field in dataclasses.fields(Shard)}]


def problems(claims: list[dict[str, Any]], studies: list[str], planned: list[Shard]) -> list[str]:
    """One line for each thing that a claim names and no study produces."""
    return [
        f"{claim['id']}.parts[{position}]{line}"
        for claim in claims
        for position, part in enumerate(claim["parts"])
        for line in _of_part(part, studies, planned)
    ]


def _of_part(part: dict[str, Any], studies: list[str], planned: list[Shard]) -> Iterator[str]:
    wanted = part["study"] if isinstance(part["study"], list) else [part["study"]]
    unknown = [study for study in wanted if study not in studies]
    yield from (f".study: {_no_study(study, studies)}" for study in unknown)
    shards = [shard for shard in planned if shard.study in wanted]
    for key in SELECTIONS if not unknown else ():
        if key in part:
            yield from (f".{key}{line}" for line in _of_selection(part[key], shards))


def _no_study(study: Any, studies: list[str]) -> str:
    try:
        return pick(study, studies, noun="study")
    except LookupError as error:
        return str(error)


def _of_selection(selection: Any, shards: list[Shard]) -> Iterator[str]:
    """Problems of one `where`; the columns of a shard narrow down the shards, one after the other."""
    if not isinstance(selection, dict):
        yield ": give a mapping of columns to values"
        return
    for column, wanted in selection.items():
        if column not in COLUMNS:
            yield f": {unknown_key(column, COLUMNS)}"
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if column in WORDS and value not in WORDS[column]:
                yield f".{column}: {unknown_word(value, WORDS[column])}"
    for column in (name for name in SHARD_COLUMNS if name in selection):
        left = _fitting(shards, column, selection[column])
        if not left:
            there = sorted({getattr(shard, column) for shard in shards}, key=str)
            words = [*EXTREMES.get(column, {}), *map(str, there)]
            yield f".{column}: no planned shard has {selection[column]!r}; planned: {', '.join(words)}"
            return
        shards = left


def _fitting(shards: list[Shard], column: str, wanted: Any) -> list[Shard]:
    values = wanted if isinstance(wanted, list) else [wanted]
    there = [getattr(shard, column) for shard in shards]
    for word, extreme in EXTREMES.get(column, {}).items():
        values = [extreme(there) if value == word else value for value in values]
    return [shard for shard in shards if getattr(shard, column) in values]
