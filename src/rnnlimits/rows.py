"""The waist of the pipeline: one measured number per row, one Parquet file per shard.

Left of this file is torch, right of it pandas.  A row carries everything that is needed to read it; whatever
may differ between two equal runs (times, host, versions) lives in the file's metadata, so equal runs give
equal columns.  The archive is the same format with many shards in one file.
"""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow

METADATA_KEY = b"rnnlimits"

Kind = Literal["training", "cross_validation", "refit", "simulation"]
Split = Literal["train", "validation", "test", "probe", "simulation", "reference"]
Stage = Literal["initial", "training", "final"]
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
    ValueError: row of shard 's': stage 'finished' is none of initial, training, final
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
    table = pyarrow.table(columns, schema=arrow_schema())
    _write_table(table, {"shards": {shards[0]: provenance}}, Path(path))


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def read(path: str | Path) -> list[Row]:
    """The rows of a file, for readers without pandas."""
    return [Row(**row) for row in _read_table(path).to_pylist()]


def read_provenance(path: str | Path) -> dict[str, Any]:
    """{"shards": {shard: provenance}, "config": ... where the file is an archive}."""
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_schema(path).metadata or {}
    if METADATA_KEY not in metadata:
        raise ValueError(f"{path}: a Parquet file, but not of rnnlimits (its metadata have no 'rnnlimits')")
    return typing.cast(dict[str, Any], json.loads(metadata[METADATA_KEY]))


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
        tables.append(_read_table(path))
    if not tables:
        raise ValueError(f"{out}: no rows files to merge; train some shards first")
    # sort_by is stable: the rows of one shard keep the order in which they were measured.
    table = pyarrow.concat_tables(tables).sort_by("shard")
    metadata: dict[str, Any] = {} if config is None else {"config": config}
    _write_table(table, metadata | {"shards": dict(sorted(provenance.items()))}, Path(out))


def content_digest(path: str | Path) -> str:
    """sha256 of the columns alone: equal runs agree in it on every machine, whatever the metadata say."""
    table = _read_table(path)
    digest = hashlib.sha256()
    for name in COLUMNS:
        digest.update(repr((name, table.column(name).to_pylist())).encode())
    return digest.hexdigest()


def _read_table(path: str | Path) -> "pyarrow.Table":
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    if table.column_names != list(COLUMNS):
        odd = sorted(set(table.column_names) ^ set(COLUMNS)) or ["their order"]
        raise ValueError(f"{path}: not the columns of a rows file; different: {', '.join(odd)}")
    return table.replace_schema_metadata(None).cast(arrow_schema())


def _write_table(table: "pyarrow.Table", metadata: dict[str, Any], path: Path) -> None:
    import pyarrow.parquet

    text = json.dumps(metadata, sort_keys=True, allow_nan=False)
    table = table.replace_schema_metadata({METADATA_KEY: text.encode()}).combine_chunks()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _renamed_when_complete(path) as unfinished:
        pyarrow.parquet.write_table(table, unfinished, compression="zstd")


@contextlib.contextmanager
def _renamed_when_complete(path: Path) -> Iterator[Path]:
    """A killed job leaves no half file: write beside the place, reach the disk, then rename."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def only_writer(path: str | Path) -> Iterator[None]:
    """Holds a lock beside a rows file: a second job for it gives up at once instead of training it twice.

    Snakemake starts such a second job when its main process was killed and the cluster's job was not.
    """
    try:
        import fcntl
    except ImportError:  # not a Unix: the atomic rename alone has to do
        yield
        return
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"{path}: another process is writing it; wait for that one, or stop it"
            ) from error
        yield
