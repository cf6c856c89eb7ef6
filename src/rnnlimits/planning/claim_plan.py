"""What a claim looks at must be planned: its columns exist, and some shard of the config fits its values.

The form of an entry is the business of config/claim_form.py, the rule of `where` that of where.py.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rnnlimits import catalog
from rnnlimits.catalog import pick
from rnnlimits.contracts import CheckOptions
from rnnlimits.planning import where as rule
from rnnlimits.planning.config.fields import fields as option_fields
from rnnlimits.planning.config.messages import short, unknown_key, unknown_word
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import COLUMNS, WORDS


def problems(claims: list[dict[str, Any]], studies: list[str], planned: list[Shard]) -> list[str]:
    """One line for each thing that a claim names and no study produces."""
    records = [rule.record(shard) for shard in planned]
    return [
        f"{claim['id']}.parts[{position}]{line}"
        for claim in claims
        for position, part in enumerate(claim["parts"])
        for line in _of_part(part, studies, records)
    ]


def too_few_seeds(claims: list[dict[str, Any]], planned: Sequence[Shard], confidence: float) -> Iterator[str]:
    """One line for each part of a claim that the seeds of its shards could never decide."""
    records = [rule.record(shard) for shard in planned]
    seeds = {shard.id: shard.seeds for shard in planned}
    for claim in claims:
        for position, part in enumerate(claim["parts"]):
            needed = _options(part).fewest(confidence)
            fitting = [one for where in rule.selections(part) for one in rule.fitting(records, part, where)]
            if fewer := sorted({one["shard"] for one in fitting if seeds[one["shard"]] < needed}):
                yield (
                    f"{claim['id']}.parts[{position}].check: {part['check']} decides nothing with "
                    f"{seeds[fewer[0]]} seeds, as of {fewer[0]}; give the study at least {needed}, or write "
                    "`too_few_seeds: undecided` where the config only tries things out"
                )


def _options(part: dict[str, Any]) -> CheckOptions:
    """What a part says to its check."""
    known = {option.name for option in option_fields("checks", part["check"])}
    given = {key: value for key, value in part.items() if key in known}
    found: CheckOptions = catalog.check(part["check"])(**given)
    return found


def _of_part(part: dict[str, Any], studies: list[str], records: Sequence[rule.Record]) -> Iterator[str]:
    unknown = [study for study in rule.studies_of(part) if study not in studies]
    yield from (f".study: {_no_study(study, studies)}" for study in unknown)
    if unknown:
        return
    for key in ("where", "against"):
        if not isinstance(part.get(key, {}), dict):
            yield f".{key}: give a mapping of columns to values"
            return
    mine = [one for one in records if one["study"] in rule.studies_of(part)]
    for key, selection in zip(("where", "against"), rule.selections(part)):
        yield from (f".{key}{line}" for line in _of_selection(selection, mine))


def _no_study(study: Any, studies: list[str]) -> str:
    try:
        return pick(study, studies, noun="study")
    except LookupError as error:
        return str(error)


def _of_selection(selection: dict[str, Any], left: Sequence[rule.Record]) -> Iterator[str]:
    """Problems of one selection; the columns of a shard narrow down the shards, one after the other."""
    for column, wanted in selection.items():
        if column not in COLUMNS:
            yield f": {unknown_key(column, COLUMNS)}"
        yield from (f".{column}: {problem}" for problem in _of_words(column, wanted))
    for column in (name for name in rule.SHARD_COLUMNS if name in selection):
        found = rule.narrowed(left, column, selection[column])
        if not found:
            there = sorted({one[column] for one in left}, key=str)
            words = [*rule.ENDS.get(column, {}), *map(str, there)]
            yield f".{column}: no planned shard has {short(selection[column])}; planned: {', '.join(words)}"
            return
        left = found


def _of_words(column: str, wanted: Any) -> Iterator[str]:
    """A column of rows that holds one of a few words, or numbers whose ends have names."""
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if column in WORDS and value not in WORDS[column]:
            yield unknown_word(value, WORDS[column])
        ends = rule.ENDS.get(column, {}) if column in rule.ROW_COLUMNS else {}
        if ends and isinstance(value, str) and value not in ends:
            yield f"{unknown_word(value, list(ends))}, or give a number"
