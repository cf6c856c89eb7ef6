"""Rows of several runs in one archive: every shard once, whole, from one of them, and it is told from which.

A shard that two of them have with equal rows is taken from the first.  One with different rows is taken from
nobody until somebody says whose rows count: numbers of two runs are never mixed, nor averaged.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlimits.rows.files import arrow_schema, by_shard, digests, packed, read_provenance, write_archive
from rnnlimits.rows.places import Place
from rnnlimits.storage import integrity

if TYPE_CHECKING:
    import pyarrow

FIRST = "FIRST"
ORIGIN = "merged_from"  # beside what else is recorded of a shard
DIGITS = 12


@dataclasses.dataclass(frozen=True)
class Source:
    """One of the runs."""

    label: str
    table: "pyarrow.Table"
    facts: Mapping[str, dict[str, Any]]  # by shard
    digests: Mapping[str, str]  # by shard, of those that have rows
    config: Mapping[str, Any] | None
    sum: str  # of all its rows

    @property
    def name(self) -> str:
        """By which an archive is known elsewhere, too; else the name of its file or folder, and its sum."""
        named = (self.config or {}).get("name") or Path(self.label).name
        return f"{named} {self.sum[:DIGITS]}"


def read(place: Place) -> Source:
    """Raises ValueError, one line, where a file is damaged or none of rnnlimits."""
    with integrity.set_aside(None):
        table = by_shard(packed(path) for path in place.files)
        known = [read_provenance(path) for path in place.files]
    facts: dict[str, dict[str, Any]] = {}
    for one in known:
        if twice := sorted(facts.keys() & one["shards"]):
            raise ValueError(
                f"{place.label}: shard {twice[0]!r} is in two of its files; give each shard once"
            )
        facts |= one["shards"]
    config = known[0].get("config") if len(known) == 1 else None
    return Source(place.label, table, facts, digests(table), config, integrity.of_rows(table))


@dataclasses.dataclass(frozen=True)
class Merged:
    """Whose rows of each shard are taken."""

    sources: Sequence[Source]
    taken: Mapping[str, Source]
    repeated: Mapping[str, list[Source]]  # shards that several have, with equal rows
    contradicted: Mapping[str, list[Source]]  # with different rows

    @property
    def undecided(self) -> dict[str, list[Source]]:
        """Shards with different rows of which nobody's are taken."""
        return {shard: them for shard, them in self.contradicted.items() if shard not in self.taken}


def choose(sources: Sequence[Source], prefer: str | None = None) -> Merged:
    """`prefer` says whose rows count where they differ: FIRST, or a label."""
    labels = [source.label for source in sources]
    if len(sources) < 2 or len({*labels}) < len(labels):
        raise ValueError(f"merge: got {', '.join(labels) or 'nothing'}; expected two runs or more, each once")
    if prefer not in (None, FIRST, *labels):
        raise LookupError(f"merge: --prefer: got {prefer!r}; expected {FIRST} or one of {', '.join(labels)}")
    taken, repeated, contradicted = {}, {}, {}
    for shard, them in _having(sources):
        if len({source.digests.get(shard) for source in them}) == 1:
            taken[shard] = them[0]
            if them[1:]:
                repeated[shard] = them
            continue
        contradicted[shard] = them
        for source in them if prefer else ():
            if prefer in (FIRST, source.label):
                taken[shard] = source
                break
    return Merged(sources, taken, repeated, contradicted)


def _having(sources: Sequence[Source]) -> Iterator[tuple[str, list[Source]]]:
    for shard in sorted({shard for source in sources for shard in source.facts}):
        yield shard, [source for source in sources if shard in source.facts]


def write(merged: Merged, out: Path) -> None:
    """One file; of every shard it is recorded whose rows these are, and who had the same."""
    import pyarrow
    import pyarrow.compute

    tables, facts = [], {}
    for source in merged.sources:
        mine = [shard for shard, one in merged.taken.items() if one is source]
        plain = source.table.column("shard").cast(pyarrow.string())
        tables.append(
            source.table.filter(pyarrow.compute.is_in(plain, pyarrow.array(mine, pyarrow.string())))
        )
        for shard in mine:
            same = [one for one in merged.repeated.get(shard, [source]) if one is not source]
            origins = [name for one in (source, *same) for name in _origins(one, shard)]
            facts[shard] = {**source.facts[shard], ORIGIN: list(dict.fromkeys(origins))}
    plain_tables = [table.cast(arrow_schema()) for table in tables]
    write_archive(plain_tables, facts, out, common_config(merged.sources))


def _origins(source: Source, shard: str) -> list[str]:
    """Where a shard was before it was merged the first time."""
    earlier = source.facts[shard].get(ORIGIN)
    return [str(name) for name in earlier] if isinstance(earlier, list) and earlier else [source.name]


def common_config(sources: Sequence[Source]) -> dict[str, Any] | None:
    """The config of all, where it is the same; an archive of several has none."""
    first = sources[0].config
    same = first is not None and all(source.config == first for source in sources)
    return dict(first) if first is not None and same else None


def told(merged: Merged, out: Path) -> Iterator[str]:
    """What was written, in a few lines."""
    yield f"{out}: {len(merged.taken):,} shards"
    for source in merged.sources:
        mine = sum(one is source for one in merged.taken.values())
        yield f"  {mine:,} from {source.label}"
    if merged.repeated:
        yield f"  {len(merged.repeated):,} of them in several, with equal rows"
    if merged.contradicted:
        yield f"  {len(merged.contradicted):,} of them in several, with different rows: the preferred ones"
    if common_config(merged.sources) is None:
        yield "  without a config, as theirs are different; give --config to what reads it"
