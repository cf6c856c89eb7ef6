"""Which rows files a command reads, and whether a job's rows are there already."""

import contextlib
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlimits import rows
from rnnlimits.execution import pipeline
from rnnlimits.planning import grid, provenance, where
from rnnlimits.planning.job import Job
from rnnlimits.planning.shard import Shard
from rnnlimits.storage import integrity
from rnnlimits.storage.plain_text import printable

ARCHIVE = Path("results/archive")

if TYPE_CHECKING:
    from rnnlimits.planning.config.schema import Config

SHOWN = 20  # files that a message names
NOTHING: dict[str, Any] = {"parts": []}  # a claim that is not there rests on no job


@contextlib.contextmanager
def of(
    config: "Config",
    place: Path | None,
    complete: bool = False,
    only: str | None = None,
    strict: bool = False,
) -> Iterator[list[Path]]:
    """An archive as it is; of a folder, the planned shards and nothing left over.

    A damaged file that is found while they are read is set aside, and the next run trains its shard again.
    Rows that today's plan would not give are told; `strict` refuses them, if they count for the claim `only`.
    """
    place = place or Path(config.results) / "rows"
    archive = place.is_file()
    with integrity.set_aside(None if archive else place):
        if archive:
            yield [place]
            return
        facts = {path: rows.facts_of(path, path.stem) for path in in_folder(config, place, complete)}
        compare(config, facts, only, strict)
        yield list(facts)


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
        raise ValueError(f"{missing}; train them with `{run_of(config)}`")
    if len(there) < len(planned):
        print(f"{missing}; going on with the others", file=sys.stderr)
    return there


def run_of(config: "Config") -> str:
    """The command that makes what is missing."""
    files = [f"--configfile {shlex.quote(file)}" for file in config.options[1:]]
    return " ".join(["snakemake --cores all", *files])


def compare(config: "Config", known: dict[Path, dict[str, Any]], only: str | None, strict: bool) -> None:
    """Do the facts of rows say that what is planned now made them, and all of them on the same data?"""
    planned = grid.shards(config)
    counted = (
        planned if only is None else where.shards_of(pipeline.claims(config).get(only, NOTHING), planned)
    )
    shards = {shard.id: shard for shard in counted}
    facts = {path: found for path, found in known.items() if path.stem in shards}
    others = [path for path, found in facts.items() if not provenance.repeated_by(shards[path.stem], found)]
    # Rows that came from a machine with a GPU cannot be made anew on one without.
    elsewhere = {shard.id for shard in grid.waiting(config)}
    data = list(other_data(shards, facts))
    if strict and data:
        raise ValueError(f"{data[0]}; remove the rows that shall not count and start the run again")
    if strict and (refused := [path for path in others if path.stem not in elsewhere]):
        raise ValueError(
            "".join(other_code(refused)) + f"; remove them and start the run again: {named(refused)}"
        )
    for line in (*other_code(others), *data):
        print(printable(f"{line}; going on with them"), file=sys.stderr)


def check_needs(job: Job) -> None:
    """What a refit reads was measured by the code that it has itself; a ValueError where not.

    The folds take the same pages and the same probes, so the same files are behind both.
    """
    if job.rows is None or job.code is None:  # somebody types the command
        return
    paths = [job.rows / f"{need}.parquet" for need in job.shard.needs]
    facts = {path: rows.facts_of(path, path.stem) for path in paths if path.is_file()}
    if others := [path for path, found in facts.items() if found.get("code_fingerprint") != job.code]:
        raise ValueError(
            "".join(other_code(others)) + f"; remove them and start the run again: {named(others)}"
        )


def other_code(paths: list[Path]) -> Iterator[str]:
    """A line, where there are any."""
    if paths:
        more = f" and {len(paths) - 1} others" if paths[1:] else ""
        yield (
            f"{paths[0].parent}: the rows of {paths[0].stem}{more} were made by other code or another config "
            "than there is now"
        )


def other_data(shards: dict[str, Shard], facts: dict[Path, dict[str, Any]]) -> Iterator[str]:
    """A line for each data set of which the rows have seen more than one version."""
    seen: dict[str, dict[str, Path]] = {}
    for path, found in facts.items():
        shard = shards[path.stem]
        for name, value in (found.get("facts") or {}).items():
            data = json.dumps([shard.task_page, shard.task_options, name], sort_keys=True)
            seen.setdefault(data, {}).setdefault(str(value), path)
    for data, versions in seen.items():
        if len(versions) > 1:
            page, _, name = json.loads(data)
            told = ", ".join(f"{path.stem} on {value[:12]}" for value, path in versions.items())
            yield f"{path.parent}: {page} was measured on other data in some shards ({name}: {told})"


def named(paths: list[Path]) -> str:
    return " ".join(map(str, paths[:SHOWN])) + (" ..." if paths[SHOWN:] else "")


def are_done(shard: Shard, path: Path) -> bool:
    """Does the file hold what the shard's job would write?"""
    try:
        rows.table(path)
        return provenance.repeated_by(shard, rows.read_provenance(path)["shards"].get(shard.id, {}))
    except (ValueError, OSError):
        return False
