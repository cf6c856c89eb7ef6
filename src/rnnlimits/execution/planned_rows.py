"""Which rows files a command reads, and whether a job's rows are there already."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlimits import rows
from rnnlimits.planning import grid, provenance
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from rnnlimits.storage import integrity

ARCHIVE = Path("results/archive")

if TYPE_CHECKING:
    from rnnlimits.planning.config.schema import Config


@contextlib.contextmanager
def of(config: "Config", place: Path | None, complete: bool = False) -> Iterator[list[Path]]:
    """An archive as it is; of a folder, the planned shards and nothing left over.

    A damaged file that is found while they are read is set aside, and the next run trains its shard again.
    """
    place = place or Path(config.results) / "rows"
    archive = place.is_file()
    with integrity.set_aside(None if archive else place):
        yield [place] if archive else in_folder(config, place, complete)


@contextlib.contextmanager
def read(
    config_file: Path, place: Path | None, complete: bool = False
) -> Iterator[tuple["Config", list[Path]]]:
    """The config of a file, and the files of its rows for as long as they are read."""
    config = load(config_file)
    with of(config, place, complete) as paths:
        yield config, paths


def archived(config: "Config") -> Path:
    """The rows of this run if there are any, else the rows of record of its name."""
    folder = Path(config.results) / "rows"
    return folder if any(folder.glob("*.parquet")) else ARCHIVE / config.name / "rows.parquet"


def in_folder(config: "Config", folder: Path, complete: bool) -> list[Path]:
    planned = [folder / f"{shard.id}.parquet" for shard in grid.shards(config)]
    there = sorted(path for path in planned if path.is_file())
    aside = [path for path in map(integrity.place_aside, sorted({*planned} - {*there})) if path.is_file()]
    if aside:  # found by a command that failed: its second attempt must not go on without them
        raise ValueError(
            f"{folder}: damaged rows of {len(aside)} planned shards were set aside, as {aside[0].name}; "
            "run `snakemake` again, which trains them again"
        )
    # A shard that waits for a GPU is not missed; rows of it, from another machine, are read.
    waiting = {folder / f"{shard.id}.parquet" for shard in grid.waiting(config)} - {*there}
    planned = [path for path in planned if path not in waiting]
    missing = f"{folder}: {len(planned) - len(there)} of {len(planned)} planned shards have no rows"
    if not there or (complete and len(there) < len(planned)):
        raise ValueError(f"{missing}; train them with `rnnlimits train` or with `snakemake`")
    for path in there:
        rows.check_is_of(path, path.stem)
    if len(there) < len(planned):
        print(f"{missing}; going on with the others", file=sys.stderr)
    return there


def are_done(shard: Shard, path: Path) -> bool:
    """Does the file hold what the shard's job would write?"""
    try:
        rows.table(path)
        return provenance.repeated_by(shard, rows.read_provenance(path)["shards"].get(shard.id, {}))
    except (ValueError, OSError):
        return False
