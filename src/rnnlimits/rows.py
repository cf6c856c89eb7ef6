"""The waist of the pipeline: one measured number per row, one Parquet file per shard.

Left of this file is torch, right of it pandas.  A row carries everything that is needed to read it; whatever
may differ between two equal runs (times, host, versions) lives in the file's metadata, so equal runs give
equal columns.  The archive is the same format with many shards in one file.
"""

import contextlib
import dataclasses
import json
import math
import sys
import time
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rnnlimits import integrity, locks
from rnnlimits.whole_files import renamed_when_complete

if TYPE_CHECKING:
    import pyarrow

METADATA_KEY = b"rnnlimits"
LOOK_AGAIN_S = 0.2

Kind = Literal["training", "cross_validation", "refit", "simulation"]
Split = Literal["train", "validation", "test", "probe", "simulation", "reference"]
# middle: the weights at `probe_at` of the steps, or the last ones of a replica that stopped before.
Stage = Literal["initial", "training", "middle", "final"]
# solved: the task's own rule; stopped: validation stopped improving; budget: all steps used up;
# measured: nothing was trained (simulations, references).
Status = Literal["untrained", "solved", "stopped", "budget", "diverged", "measured"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One measured number.

    >>> Row(shard="s", study="s", kind="training", task="adding", architecture="gru", variant="gru",
    ...     hidden_size=8, length_steps=10, parameters=300, split="test", stage="finished", step=0,
    ...     metric="loss", unit="nats", status="budget")
    Traceback (most recent call last):
    ValueError: row of shard 's': stage 'finished' is none of initial, training, middle, final
    """

    shard: str
    study: str
    kind: Kind
    task: str
    architecture: str
    variant: str
    hidden_size: int
    length_steps: int
    parameters: int
    parameters_budget: int | None = None
    seed: int | None = None  # the fold's number in a cross-validation
    learning_rate: float | None = None
    selected: bool = False
    split: Split
    stage: Stage
    step: int
    metric: str
    lag_steps: int | None = None
    value: float | None = None  # None where the number is not defined, or the run diverged
    unit: str
    chance: float | None = None
    status: Status

    def __post_init__(self) -> None:
        for column, allowed in WORDS.items():
            if (came := getattr(self, column)) not in allowed:
                possible = ", ".join(allowed)
                raise ValueError(f"row of shard {self.shard!r}: {column} {came!r} is none of {possible}")


COLUMNS = tuple(field.name for field in dataclasses.fields(Row))
# The columns that hold one of a few words only.
WORDS: dict[str, tuple[str, ...]] = {
    "kind": typing.get_args(Kind),
    "split": typing.get_args(Split),
    "stage": typing.get_args(Stage),
    "status": typing.get_args(Status),
}


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
    import pyarrow

    rows = list(rows)
    shards = sorted({row.shard for row in rows} | ({shard} if shard else set()))
    if len(shards) != 1:
        raise ValueError(f"{path}: a rows file holds one shard; these rows are of {len(shards)}: {shards}")
    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    columns["value"] = [_finite(value) for value in columns["value"]]
    _write_table(
        pyarrow.table(columns, schema=arrow_schema()), {"shards": {shards[0]: provenance}}, Path(path)
    )
    integrity.place_aside(Path(path)).unlink(missing_ok=True)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def read(path: str | Path) -> list[Row]:
    """The rows of a file, for readers without pandas."""
    return [Row(**row) for row in table(path).to_pylist()]


def table(path: str | Path) -> "pyarrow.Table":
    """The columns of a file, if they are what was written."""
    import pyarrow.parquet

    with integrity.told_if_damaged(path):
        file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    with file:
        integrity.check_size(path, file.metadata)
        if (names := file.schema_arrow.names) != list(COLUMNS):
            odd = sorted(set(names) ^ set(COLUMNS)) or ["their order"]
            said = f"not the columns of a rows file; different: {', '.join(odd)}"
            raise integrity.DamagedError(path, said)
        _, sums = _provenance(path, file.schema_arrow)
        with integrity.told_if_damaged(path):
            found = file.read().replace_schema_metadata(None).cast(arrow_schema())
            found.validate(full=True)
            integrity.check_rows(path, found, sums)
    return found


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
        return integrity.without_sums(path, json.loads(schema.metadata[METADATA_KEY]))


def merge(paths: Iterable[str | Path], out: str | Path, config: dict[str, Any] | None = None) -> None:
    """Many files into one archive, sorted by shard: the order of the paths does not matter."""
    import pyarrow

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
    # sort_by is stable: the rows of one shard keep the order in which they were measured.
    merged = pyarrow.concat_tables(tables).sort_by("shard")
    metadata: dict[str, Any] = {} if config is None else {"config": config}
    _write_table(merged, metadata | {"shards": dict(sorted(provenance.items()))}, Path(out))


def content_digest(path: str | Path) -> str:
    """sha256 of the columns alone: equal runs agree in it on every machine, whatever the metadata say."""
    return integrity.of_rows(table(path))


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
