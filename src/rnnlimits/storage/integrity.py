"""Is a rows file what was written?  A truncated file, a flipped bit, an absurd size: told, not read.

Each page of data has a checksum, which is compared before it is unpacked.  Beside the provenance stand two
sums more, of the numbers as they were measured and of the provenance, because Parquet's own checksums leave
out the part of the file that says where the pages are and what they mean.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

SUMS = "sha256"
KNOWN = {"shards", "config", SUMS}  # another key is one of these with a flipped bit
# A row takes 230 bytes in memory.  The laptop's grid has 120,000 rows, a hundred times its shards 12 million.
MOST_ROWS = 30_000_000
MOST_BYTES = 2**33  # of memory, for which an ordinary machine is enough


class DamagedError(ValueError):
    """A file that is not what was written, or not a rows file at all."""

    def __init__(self, path: str | Path, found: str):
        super().__init__(f"{path}: {found}")
        self.path = Path(path)


@contextlib.contextmanager
def told_if_damaged(path: str | Path) -> Iterator[None]:
    """Whatever a reader may stumble over in a damaged file, in one line."""
    try:
        yield
    except (DamagedError, FileNotFoundError, PermissionError, IsADirectoryError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # not the file: the disk, the network
            raise OSError(f"{path}: cannot be read: {os.strerror(error.errno)}") from error
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise DamagedError(path, f"damaged: {first.rstrip('.')}") from error


@contextlib.contextmanager
def set_aside(folder: Path | None) -> Iterator[None]:
    """A damaged file of this folder of shards is moved away, so that the next run trains its shard again.

    Without a folder it is an archive, which nobody can make again from what is here.
    """
    try:
        yield
    except DamagedError as error:
        if folder is None or error.path.parent != folder:
            raise ValueError(f"{error}; fetch the file again") from error
        with contextlib.suppress(FileNotFoundError):  # another command was faster
            error.path.replace(place_aside(error.path))
        raise ValueError(f"{error}; set aside as {place_aside(error.path).name}: run it again") from error


def place_aside(path: Path) -> Path:
    """
    >>> print(place_aside(Path("rows/a.parquet")))
    rows/a.parquet.damaged
    """
    return path.with_name(f"{path.name}.damaged")


def check_size(path: str | Path, found: "pyarrow.parquet.FileMetaData") -> None:
    """Before anything is read: a small file can claim to be a large one."""
    groups = [found.row_group(i) for i in range(found.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    # A damaged footer may say two things; of a damaged column pyarrow cannot be asked without an abort.
    counts = [found.num_rows, *(group.num_rows for group in groups), sum(group.num_rows for group in groups)]
    if not (min(counts) >= 0 and max(counts) <= MOST_ROWS and 0 <= size <= MOST_BYTES):
        raise DamagedError(
            path,
            f"it claims {max(counts):,} rows and {size:,} bytes; at most {MOST_ROWS:,} and {MOST_BYTES:,} "
            "are read",
        )


def sums(metadata: dict[str, Any], table: "pyarrow.Table") -> dict[str, str]:
    """What is written beside the provenance."""
    return {"provenance": of_provenance(metadata), "rows": of_rows(table)}


def without_sums(path: str | Path, found: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The provenance, checked, and the sums; of files that were written before there were any, none."""
    metadata = {key: value for key, value in found.items() if key != SUMS}
    if unknown := sorted(found.keys() - KNOWN):
        raise DamagedError(path, f"damaged: unknown entry {unknown[0]!r} in its metadata")
    shards = found.get("shards")
    if not isinstance(shards, dict) or not all(isinstance(facts, dict) for facts in shards.values()):
        raise DamagedError(path, "damaged: its provenance is not a mapping of shards")
    if odd := [name for name in shards if not name.isprintable()]:
        raise DamagedError(path, f"damaged: {odd[0][:60]!r} is not the name of a shard")
    written = found.get(SUMS, {})
    if SUMS in found and written.get("provenance") != of_provenance(metadata):
        raise DamagedError(path, "damaged: its provenance is not what was written")
    return metadata, written


def check_rows(path: str | Path, table: "pyarrow.Table", written: dict[str, str]) -> None:
    if written and written.get("rows") != of_rows(table):
        raise DamagedError(path, "damaged: its rows are not what was written")


def of_provenance(metadata: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(metadata, sort_keys=True, allow_nan=False).encode()).hexdigest()


def of_rows(table: "pyarrow.Table") -> str:
    """sha256 of the columns alone, in their order: equal runs agree in it on every machine."""
    import pyarrow

    digest = hashlib.sha256()
    for name in table.column_names:
        values = table.column(name)
        if pyarrow.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        values = values.combine_chunks()
        digest.update(f"{name} {len(values)} {values.null_count}\n".encode())
        digest.update(values.is_null().to_numpy(zero_copy_only=False).tobytes())
        if pyarrow.types.is_string(values.type):
            # Few different words, in the order in which they appear; and which of them each row has.
            words = values.dictionary_encode()
            digest.update(json.dumps(words.dictionary.to_pylist()).encode())
            values = words.indices
        plain = values.fill_null(False if pyarrow.types.is_boolean(values.type) else 0)
        numbers = plain.to_numpy(zero_copy_only=False)
        digest.update(numbers.astype(numbers.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
