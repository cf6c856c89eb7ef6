"""The `where` of a claim: which planned shards, and of their rows which ones, it speaks of.

    where: {task: adding, variant: [elman, lstm], length_steps: longest, metric: mean_squared_error}
    against: {variant: gru}

A list means any of its values.  `shortest`, `longest`, `smallest`, `largest`, `first` and `last` are the ends
of a column of numbers: for a column of shards, those of each variant on each task of a study, among the
shards that fit so far; for a column of rows, those of each seed.  `against` is `where` with some columns
changed.  `split: test` without a stage means the weights that were kept, which is the stage `final`.

This is the only reader of that rule: the plan is checked with it, a claim's own jobs are found with it, and
judging starts from the shards that it finds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rnnlimits.planning.shard import Shard

# In the order in which they narrow down the shards: an end is sought among those that fit so far.
SHARD_COLUMNS = (
    "shard", "study", "kind", "task", "architecture", "variant", "hidden_size", "length_steps", "parameters",
    "parameters_target",
)  # fmt: skip
# `update` and `lag_steps` last: their ends are sought among the rows that fit otherwise.
ROW_COLUMNS = ("split", "stage", "metric", "status", "seed", "fold", "update", "lag_steps")
GROUP = ("study", "task", "variant")  # whose lengths and sizes have ends of their own

End = Callable[[Iterable[Any]], Any]
_LENGTH: dict[str, End] = {"shortest": min, "longest": max, "first": min, "last": max}
_SIZE: dict[str, End] = {"smallest": min, "largest": max, "first": min, "last": max}
ENDS: dict[str, dict[str, End]] = {
    "length_steps": _LENGTH,
    **dict.fromkeys(("hidden_size", "parameters", "parameters_target"), _SIZE),
    "update": {"first": min, "last": max},
    "lag_steps": _LENGTH | _SIZE,
}

Record = Mapping[str, Any]  # the shard columns of one shard


def selections(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`where`, and if the part compares, the same with what `against` changes.

    >>> list(selections({"where": {"task": "adding", "variant": "gru"}, "against": {"variant": "lstm"}}))
    [{'task': 'adding', 'variant': 'gru'}, {'task': 'adding', 'variant': 'lstm'}]
    """
    yield dict(part["where"])
    if "against" in part:
        yield {**part["where"], **part["against"]}


def studies_of(part: Mapping[str, Any]) -> list[Any]:
    return part["study"] if isinstance(part["study"], list) else [part["study"]]


def record(shard: Shard) -> Record:
    return {"shard": shard.id} | {column: getattr(shard, column) for column in SHARD_COLUMNS[1:]}


def fitting(records: Sequence[Record], part: Mapping[str, Any], where: Mapping[str, Any]) -> list[Record]:
    """The shards that one selection of a part speaks of, in the order in which they came."""
    studies = studies_of(part)
    left = [one for one in records if one["study"] in studies]
    for column in SHARD_COLUMNS:
        if column in where:
            left = narrowed(left, column, where[column])
    return left


def narrowed(records: Sequence[Record], column: str, wanted: Any) -> list[Record]:
    """Those with one of the wanted values in a column, or at the wanted end of it.

    >>> same = {"study": "s", "task": "t"}
    >>> sizes = [same | {"variant": v, "hidden_size": n} for v, n in (("a", 4), ("a", 8), ("b", 4))]
    >>> [(one["variant"], one["hidden_size"]) for one in narrowed(sizes, "hidden_size", "largest")]
    [('a', 8), ('b', 4)]
    """
    values, ends = values_and_ends(column, wanted)
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for one in records if ends else ():
        if one[column] is not None:  # nobody aimed at a size
            groups.setdefault(_group(one), []).append(one[column])
    at_ends = {group: {end(found) for end in ends} for group, found in groups.items()}
    return [one for one in records if one[column] in values or one[column] in at_ends.get(_group(one), ())]


def values_and_ends(column: str, wanted: Any) -> tuple[list[Any], list[End]]:
    """The plain values among the wanted ones, and what the words for ends stand for."""
    listed = wanted if isinstance(wanted, list) else [wanted]
    words = ENDS.get(column, {})
    ends = [words[one] for one in listed if isinstance(one, str) and one in words]
    return [one for one in listed if not (isinstance(one, str) and one in words)], ends


def _group(one: Record) -> tuple[Any, ...]:
    return tuple(one[name] for name in GROUP)


def shards_of(claim: Mapping[str, Any], planned: Iterable[Shard]) -> list[Shard]:
    """The shards of all parts of a claim, each once, in the order of the plan: what it takes to judge it."""
    planned = list(planned)
    records = [record(shard) for shard in planned]
    wanted = {
        one["shard"]
        for part in claim["parts"]
        for where in selections(part)
        for one in fitting(records, part, where)
    }
    return [shard for shard in planned if shard.id in wanted]
