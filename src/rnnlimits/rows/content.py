"""What the columns of a rows file may hold, whoever wrote it: nothing is read as a number that is none.

Sums and checksums find accidents.  A file from a stranger, of another version or put together by hand has
sums that fit; here it is held to what `Row` allows before anything is computed from it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlimits.rows.row import COLUMNS, WORDS
from rnnlimits.storage.integrity import MOST_BYTES, DamagedError

if TYPE_CHECKING:
    import pyarrow

LONGEST_TEXT = 1_000  # bytes of a cell: the name of a shard has at most 200
UNPRINTABLE = r"[\x00-\x1f\x7f-\x{9f}\x{2028}-\x{202e}\x{2066}-\x{2069}]"  # lines and tabs are none of ours
FACTS_IN_WORDS = ("host", "device", "backend", "git_commit", "started", "config_hash", "code_fingerprint")
FACTS_COUNTED = ("replicas", "updates_run")
FACTS_BY_NAME = ("versions", "facts")
MOST_COUNTED = 2**53  # beyond it a float does not tell whole numbers apart
# What tells two measurements of a shard apart.
IDENTITY = ["shard", "seed", "fold", "learning_rate", "split", "stage", "update", "metric", "lag_steps"]


def check_columns(path: str | Path, found: "pyarrow.Schema", expected: "pyarrow.Schema") -> None:
    """Before anything is read, as a column of another type may be larger than any number is."""
    if found.names != list(COLUMNS):
        odd = sorted(set(found.names) ^ set(COLUMNS)) or ["their order"]
        raise DamagedError(path, f"not the columns of a rows file; different: {', '.join(odd)}")
    for field in expected:
        came = found.field(field.name).type
        if came != field.type:
            raise DamagedError(path, f"damaged: column {field.name} is of type {came}; expected {field.type}")


def check_facts(path: str | Path, shards: dict[str, dict[str, Any]]) -> None:
    """What is counted, added up or put into words of a provenance; anything else is only shown."""
    for shard, facts in shards.items():
        for name, value in facts.items():
            if value is not None and (expected := _unlike(name, value)):
                said = f"{name} of {shard!r} is {str(value)[:60]!r}; expected {expected}"
                raise DamagedError(path, f"damaged: {said}")


def _unlike(name: str, value: Any) -> str | None:
    """What a fact should be, where it is something else."""
    if name in FACTS_IN_WORDS and not isinstance(value, str):
        return "text"
    if name in FACTS_COUNTED and not (type(value) is int and abs(value) <= MOST_COUNTED):
        return "a whole number"
    timed = name.startswith("seconds_") or name == "peak_memory_mb"
    if timed and not (type(value) in (int, float) and abs(value) <= MOST_COUNTED):
        return "a number"
    if name in FACTS_BY_NAME and not (isinstance(value, dict) and {str} >= {*map(type, value.values())}):
        return "a mapping of texts"
    return None


def check_packed(path: str | Path, table: "pyarrow.Table", expected: "pyarrow.Schema") -> None:
    """Before words are written out: one long one may stand in every row, and the file be small."""
    import pyarrow.compute

    for field in expected:
        if not field.nullable and (empty := table.column(field.name).null_count):
            raise DamagedError(path, f"damaged: column {field.name} is empty in {empty:,} rows")
    unpacked = 0
    for name, words, number in _words(table):
        length = pyarrow.compute.binary_length(words)
        if (longest := pyarrow.compute.max(length).as_py() or 0) > LONGEST_TEXT:
            said = f"column {name} has a text of {longest:,} bytes; at most {LONGEST_TEXT:,} are read"
            raise DamagedError(path, said)
        if pyarrow.compute.any(pyarrow.compute.match_substring_regex(words, UNPRINTABLE)).as_py():
            raise DamagedError(path, f"damaged: column {name} has a text with unprintable characters")
        unpacked += pyarrow.compute.sum(length.take(number)).as_py() or 0
    if unpacked > MOST_BYTES:
        raise DamagedError(path, f"it unpacks to {unpacked:,} bytes; at most {MOST_BYTES:,} are read")


def _words(table: "pyarrow.Table") -> Iterator[tuple[str, Any, Any]]:
    """(column, different words, which of them each row has)"""
    import pyarrow

    for name in table.column_names:
        if pyarrow.types.is_dictionary(table.schema.field(name).type):
            for chunk in table.column(name).chunks:
                yield name, chunk.dictionary, chunk.indices


def check_values(path: str | Path, table: "pyarrow.Table", shards: dict[str, Any]) -> None:
    """Known words, finite numbers, every measurement once and of a shard of which the provenance tells."""
    import pyarrow

    for name, allowed in WORDS.items():
        if unknown := sorted(set(table.column(name).unique().to_pylist()) - {*allowed}):
            said = f"{name} {unknown[0]!r} is none of {', '.join(allowed)}"
            raise DamagedError(path, f"damaged, or of another version: {said}")
    for field in table.schema:
        if pyarrow.types.is_floating(field.type) and not _finite(table.column(field.name)):
            raise DamagedError(path, f"damaged: column {field.name} has a value that is not a finite number")
    if untold := sorted(set(table.column("shard").unique().to_pylist()) - shards.keys()):
        raise DamagedError(path, f"damaged: it has rows of {untold[0]!r}, and does not tell where from")
    if len(table) > _measurements(table):
        raise DamagedError(path, "damaged: a measurement is there twice")


def _measurements(table: "pyarrow.Table") -> int:
    """How many different ones there are; as one number a row, which takes least time and memory."""
    import numpy

    key = numpy.zeros(len(table), dtype=numpy.int64)
    for name in IDENTITY:
        column = table.column(name).combine_chunks()
        if not hasattr(column, "dictionary"):
            column = column.dictionary_encode()
        number = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        # Numbered anew each time, as the product of all counts may be larger than any number is.
        key = numpy.unique(key * (len(column.dictionary) + 1) + number + 1, return_inverse=True)[1]
    return int(key.max(initial=-1)) + 1


def _finite(column: "pyarrow.ChunkedArray") -> bool:
    import pyarrow.compute

    return pyarrow.compute.all(pyarrow.compute.is_finite(column)).as_py() is not False
