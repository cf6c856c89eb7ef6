"""Which of the planned shards a claim speaks of, without pandas: what must run before it can be judged alone.

The same shards that claims/selection.py finds in the rows: a value is one of those listed, `longest` and its
like are the ends of a column for each variant on each task.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rnnlimits.planning.shard import Shard

# In the order in which they narrow down the shards: an end is sought among those that fit so far.
COLUMNS = (
    "id", "study", "kind", "task", "architecture", "variant", "hidden_size", "length_steps", "parameters",
    "parameters_target",
)  # fmt: skip
ENDS = {"shortest": min, "smallest": min, "first": min, "longest": max, "largest": max, "last": max}


def shards_of(claim: Mapping[str, Any], planned: Iterable[Shard]) -> list[Shard]:
    """The shards of all parts of a claim, each once, in the order of the plan."""
    planned = list(planned)
    wanted = {
        shard.id
        for part in claim["parts"]
        for where in _selections(part)
        for shard in _of(part, where, planned)
    }
    return [shard for shard in planned if shard.id in wanted]


def _selections(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield dict(part["where"])
    if "against" in part:
        yield {**part["where"], **part["against"]}


def _of(part: Mapping[str, Any], where: Mapping[str, Any], planned: list[Shard]) -> list[Shard]:
    studies = part["study"] if isinstance(part["study"], list) else [part["study"]]
    left = [shard for shard in planned if shard.study in studies]
    for column in COLUMNS:
        if (name := "shard" if column == "id" else column) in where:
            left = _narrowed(left, column, where[name])
    return left


def _narrowed(shards: list[Shard], column: str, wanted: Any) -> list[Shard]:
    values = wanted if isinstance(wanted, list) else [wanted]
    found = {shard.id for shard in shards if getattr(shard, column) in values}
    for end in [ENDS[value] for value in values if value in ENDS]:
        groups: dict[tuple[str, ...], list[Any]] = {}
        for shard in shards:
            if (value := getattr(shard, column)) is not None:
                groups.setdefault(_group(shard), []).append(value)
        found |= {
            shard.id
            for shard in shards
            if _group(shard) in groups and getattr(shard, column) == end(groups[_group(shard)])
        }
    return [shard for shard in shards if shard.id in found]


def _group(shard: Shard) -> tuple[str, ...]:
    return shard.study, shard.task, shard.variant
