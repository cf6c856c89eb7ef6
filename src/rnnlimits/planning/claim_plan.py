"""What a claim looks at must be planned: its columns exist, and some shard of the config fits its values.

    parts:
    - study: sequence_length
      where: {task: adding, variant: [elman, lstm], length_steps: longest, metric: mean_squared_error}
      against: {variant: gru}

A list means any of its values; `shortest` and `longest` are the ends of length_steps, `smallest` and
`largest` those of a size.  `against` is `where` with some columns changed.  The form of an entry is the
business of claim_form.py, the checks that of claims/.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from rnnlimits.catalog import pick
from rnnlimits.planning.config.mistakes import short, unknown_key, unknown_word
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import COLUMNS, WORDS

SIZE = {"smallest": min, "largest": max}
EXTREMES = {
    "length_steps": {"shortest": min, "longest": max},
    "hidden_size": SIZE,
    "parameters": SIZE,
    "parameters_target": SIZE,
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
    if unknown:
        return
    shards = [shard for shard in planned if shard.study in wanted]
    for key in ("where", "against"):
        if not isinstance(part.get(key, {}), dict):
            yield f".{key}: give a mapping of columns to values"
            return
    yield from (f".where{line}" for line in _of_selection(part["where"], shards))
    if "against" in part:
        merged = {**part["where"], **part["against"]}
        yield from (f".against{line}" for line in _of_selection(merged, shards))


def _no_study(study: Any, studies: list[str]) -> str:
    try:
        return pick(study, studies, noun="study")
    except LookupError as error:
        return str(error)


def _of_selection(selection: dict[str, Any], shards: list[Shard]) -> Iterator[str]:
    """Problems of one selection; the columns of a shard narrow down the shards, one after the other."""
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
            yield f".{column}: no planned shard has {short(selection[column])}; planned: {', '.join(words)}"
            return
        shards = left


def _fitting(shards: list[Shard], column: str, wanted: Any) -> list[Shard]:
    values = wanted if isinstance(wanted, list) else [wanted]
    there = [getattr(shard, column) for shard in shards]
    ends = [value for value in there if value is not None]  # nobody aimed at a size
    for word, extreme in EXTREMES.get(column, {}).items() if ends else ():
        values = [extreme(ends) if value == word else value for value in values]
    return [shard for shard in shards if getattr(shard, column) in values]
