"""Where rows lie: an archive, the results folder of a run, or an archive of this clone by its name.

results/archive/laptop/rows.parquet      a rows file: of one shard, or an archive of many
results/archive/laptop                   a folder with rows.parquet
results                                  a folder with rows/*.parquet, a file for each shard
results/rows                             the same
laptop                                   the first, in this folder or in the clone of the package
"""

from dataclasses import dataclass
from pathlib import Path

from rnnlimits import catalog

ARCHIVES = Path("results", "archive")
ROWS = "rows.parquet"


@dataclass(frozen=True)
class Place:
    """Rows of a run, and the folder where its verdicts stand beside them."""

    label: str  # as somebody named it
    files: list[Path]
    folder: Path


def find(place: str | Path) -> Place:
    """What is meant; LookupError, one line, where there are no rows."""
    path = Path(place)
    for folder in (path / "rows", path) if not (path / ROWS).is_file() else ():
        if shards := sorted(one for one in folder.glob("*.parquet") if one.is_file()):
            return Place(str(place), shards, folder.parent if folder.name == "rows" else folder)
    try:
        file = archive(path)
    except LookupError as error:
        raise LookupError(
            f"{place}: no rows are there; expected a rows file, a results folder with rows/*.parquet, an "
            f"archive's folder with {ROWS} or its name in {ARCHIVES}"
        ) from error
    return Place(str(place), [file], file.parent)


def archive(place: str | Path) -> Path:
    """The one rows file that is meant: itself, in a folder, or an archive of this clone by its name."""
    clone = catalog.PACKAGE.parents[1]
    places = [Path(place), Path(place, ROWS)]
    places += [folder / ARCHIVES / place / ROWS for folder in (Path(), clone)]
    for one in places:
        if one.is_file():
            return one
    raise LookupError(
        f"archive: got {str(place)!r}; expected a rows file, a folder with rows.parquet or a name in "
        f"{ARCHIVES} of a clone; an installed package brings no archive: clone the repository, and give the "
        f"path of its {ARCHIVES / 'replication'}"
    )
