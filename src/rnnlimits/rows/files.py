"""One Parquet file per shard: rows in, rows out, whole or refused.

Whatever may differ between two equal runs (times, host, versions) lives in the file's metadata, so equal runs
give equal columns.  The archive is the same format with many shards in one file.
"""

import contextlib
import json
import math
import sys
import time
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlimits.rows import content
from rnnlimits.rows.row import COLUMNS, WORDS, Row
from rnnlimits.storage import integrity, locks
from rnnlimits.storage.whole_files import renamed_when_complete

if TYPE_CHECKING:
    import pyarrow

METADATA_KEY = b"rnnlimits"
LOOK_AGAIN_S = 0.2


def arrow_schema() -> "pyarrow.Schema":
    """The columns' types, taken from `Row`; a whole number is int32, which every reader knows."""
    import pyarrow

    types = {str: pyarrow.string(), int: pyarrow.int32(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    columns = []
    for name, hint in typing.get_type_hints(Row).items():
        arguments = typing.get_args(hint)
        optional = type(None) in arguments
        plain = str if name in WORDS else arguments[0] if optional else hint
        columns.append(pyarrow.field(name, types[plain], nullable=optional))
    return pyarrow.schema(columns)


def write(
    rows: Iterable[Row], provenance: dict[str, Any], path: str | Path, shard: str | None = None
) -> None:
    """One shard's rows and provenance to one file, by an atomic rename.

    A value that is not a finite number is stored as null: the status column says why there is none.  `shard`
    names the shard where there may be no rows, as of a probe that an architecture does not offer.
    """
    rows = list(rows)
    shards = sorted({row.shard for row in rows} | ({shard} if shard else set()))
    if len(shards) != 1:
        raise ValueError(f"{path}: a rows file holds one shard; these rows are of {len(shards)}: {shards}")
    _write_table(as_table(rows), {"shards": {shards[0]: provenance}}, Path(path))
    integrity.place_aside(Path(path)).unlink(missing_ok=True)


def as_table(rows: Sequence[Row]) -> "pyarrow.Table":
    """Rows as a file would hold them."""
    import pyarrow

    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    columns["value"] = [_finite(value) for value in columns["value"]]
    return pyarrow.table(columns, schema=arrow_schema())


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def read(path: str | Path, shard: str | None = None) -> list[Row]:
    """The rows of a file, for readers without pandas; with `shard`, the file must hold that one alone."""
    if shard is not None:
        facts_of(path, shard)
    return [Row(**row) for row in table(path).to_pylist()]


def facts_of(path: str | Path, shard: str) -> dict[str, Any]:
    """What is recorded of the one shard of a file; one that was renamed has the numbers of another shard."""
    shards: dict[str, dict[str, Any]] = read_provenance(path)["shards"]
    if list(shards) != [shard]:
        said = ", ".join(map(repr, list(shards)[:3])) or "no shard"
        raise integrity.DamagedError(path, f"damaged: it holds the rows of {said}; expected {shard!r}")
    return shards[shard]


def table(path: str | Path) -> "pyarrow.Table":
    """The columns of a file, if they are what was written and what rows may say."""
    return packed(path).cast(arrow_schema())


def packed(path: str | Path) -> "pyarrow.Table":
    """The same with text as a few different words and their numbers: a long one is there once."""
    import pyarrow.parquet

    schema = arrow_schema()
    with integrity.told_if_damaged(path):
        file = pyarrow.parquet.ParquetFile(path)
    with file:
        integrity.check_size(path, file.metadata)
        content.check_columns(path, file.schema_arrow, schema)
        metadata, sums = _provenance(path, file.schema_arrow)
    with integrity.told_if_damaged(path):
        found = _read(path)
        content.check_packed(path, found, schema)
        integrity.check_rows(path, found, sums)
        content.check_values(path, found, metadata["shards"])
    return found


def _read(path: str | Path) -> "pyarrow.Table":
    import pyarrow.parquet

    text = [field.name for field in arrow_schema() if pyarrow.types.is_string(field.type)]
    with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True, read_dictionary=text) as file:
        found = file.read().replace_schema_metadata(None)
    found.validate(full=True)
    return found.unify_dictionaries()


def by_shard(tables: Iterable["pyarrow.Table"]) -> "pyarrow.Table":
    """Many tables as one, sorted by shard; the rows of a shard keep the order in which they were measured."""
    import pyarrow
    import pyarrow.compute

    whole = pyarrow.concat_tables(tables).unify_dictionaries()
    shard = whole.column("shard").cast(pyarrow.string())
    # An archive is sorted: what need not move is not copied.
    if pyarrow.compute.all(pyarrow.compute.less_equal(shard[:-1], shard[1:])).as_py() is False:
        whole = whole.take(pyarrow.compute.sort_indices(shard))  # stable
    return whole


def read_provenance(path: str | Path) -> dict[str, Any]:
    """{"shards": {shard: provenance}, "config": ... where the file is an archive}."""
    import pyarrow.parquet

    with integrity.told_if_damaged(path):
        schema = pyarrow.parquet.read_schema(path)
    return _provenance(path, schema)[0]


def _provenance(path: str | Path, schema: "pyarrow.Schema") -> tuple[dict[str, Any], dict[str, str]]:
    if METADATA_KEY not in (schema.metadata or {}):
        said = "a Parquet file, but not of rnnlimits (its metadata have no 'rnnlimits')"
        raise integrity.DamagedError(path, said)
    with integrity.told_if_damaged(path):
        metadata, sums = integrity.without_sums(path, json.loads(schema.metadata[METADATA_KEY]))
        content.check_facts(path, metadata["shards"])
    return metadata, sums


def merge(paths: Iterable[str | Path], out: str | Path, config: dict[str, Any] | None = None) -> None:
    """Many files into one archive, sorted by shard: the order of the paths does not matter."""
    tables = []
    provenance: dict[str, Any] = {}
    for path in paths:
        shards = read_provenance(path)["shards"]
        if twice := sorted(provenance.keys() & shards):
            raise ValueError(f"{path}: shard {twice[0]!r} is already in another file; give each shard once")
        provenance.update(shards)
        tables.append(table(path))
    if not tables:
        raise ValueError(f"{out}: no rows files to merge; train some shards first")
    write_archive(tables, provenance, out, config)


def content_digest(path: str | Path) -> str:
    """sha256 of the columns alone: equal runs agree in it on every machine, whatever the metadata say."""
    return integrity.of_rows(table(path))


def digests(table: "pyarrow.Table") -> dict[str, str]:
    """The same of each shard of a table that is sorted by shard, as `by_shard` gives it.

    A shard has the digest of its own file, whatever other shards lie beside it.
    """
    table, found, start = table.cast(arrow_schema()).combine_chunks(), {}, 0
    for one in table.column("shard").value_counts().to_pylist():
        found[one["values"]] = integrity.of_rows(table.slice(start, one["counts"]))
        start += one["counts"]
    return found


def write_archive(
    tables: Iterable["pyarrow.Table"], shards: dict[str, Any], out: str | Path, config: dict[str, Any] | None
) -> None:
    """Rows with what is recorded of their shards, in one file sorted by shard."""
    metadata: dict[str, Any] = {} if config is None else {"config": config}
    _write_table(by_shard(tables), metadata | {"shards": dict(sorted(shards.items()))}, Path(out))


def _write_table(table: "pyarrow.Table", metadata: dict[str, Any], path: Path) -> None:
    import pyarrow.parquet

    table = table.combine_chunks()
    text = json.dumps(
        metadata | {integrity.SUMS: integrity.sums(metadata, table)}, sort_keys=True, allow_nan=False
    )
    table = table.replace_schema_metadata({METADATA_KEY: text.encode()})
    with renamed_when_complete(path) as unfinished:
        pyarrow.parquet.write_table(table, unfinished, compression="zstd", write_page_checksum=True)


@contextlib.contextmanager
def only_writer(path: str | Path) -> Iterator[bool]:
    """Holds a lock beside a rows file; True where another process wrote the file while this one waited.

    Snakemake starts a second job for it when its main process was killed and the first job was not.
    """
    path = Path(path)
    place, before = path.with_name(f".{path.name}.lock"), _state(path)
    waited = False
    while (lock := locks.take(place)) is None:
        if not waited:
            who = locks.holder(place)
            print(f"{path}: {who}, is writing it; waiting for its end", file=sys.stderr, flush=True)
            waited = True
        time.sleep(LOOK_AGAIN_S)
    try:
        yield waited and _state(path) not in (None, before)
    finally:
        locks.let_go(place, lock)


def _state(path: Path) -> tuple[int, int] | None:
    """Another one where the file is another one."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
