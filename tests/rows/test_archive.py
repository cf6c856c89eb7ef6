"""The results of record are what the code makes of their rows, byte for byte."""

from itertools import zip_longest
from pathlib import Path

import pytest

from rnnlimits.analysis import claims, figures, tables, verdicts
from rnnlimits.planning.load import load

pytestmark = pytest.mark.xdist_group("archive")  # or each worker would make all of it

RECORDS = Path("results/archive")
CONFIGS = {
    "laptop": "config/config.yaml", "replication": "config/replicate.yaml",
    "overnight": "config/overnight.yaml",
}  # fmt: skip


@pytest.fixture(scope="module", params=CONFIGS)
def record(request, tmp_path_factory):
    """A folder of the archive, and what its rows give today."""
    folder, loaded = tmp_path_factory.mktemp(request.param), load(CONFIGS[request.param])
    committed = RECORDS / request.param
    rows = [committed / "rows.parquet"]
    tables.write(rows, folder / "tables", loaded.confidence)
    figures.plot_all(folder / "tables", folder / "figures")
    claims.judge(rows, loaded.claims_path, folder / "claims.csv", loaded, folder / "details")
    verdicts.write(
        loaded, folder / "claims.csv", folder / "details", folder / "drawn", folder / "verdicts.html"
    )
    return committed, folder


@pytest.mark.parametrize("pattern", ["tables/*.csv", "figures/*.svg", "claims.*", "verdicts.html"])
def test_the_archive_is_what_its_rows_give(record, pattern):
    folder, rebuilt = record
    committed = {path.relative_to(folder): path.read_bytes() for path in folder.glob(pattern)}
    made = {path.relative_to(rebuilt): path.read_bytes() for path in rebuilt.glob(pattern)}
    assert committed.keys() == made.keys()
    assert [
        _difference(name, committed[name], made[name]) for name in committed if committed[name] != made[name]
    ] == []


def _difference(name: Path, committed: bytes, made: bytes) -> tuple[Path, str, str]:
    """The first line that differs, as it is and as it was made."""
    pairs = zip_longest(committed.decode().splitlines(), made.decode().splitlines(), fillvalue="")
    return name, *next((old[:200], new[:200]) for old, new in pairs if old != new)


def test_no_archive_is_left_out():
    assert {path.name for path in RECORDS.iterdir()} == set(CONFIGS)
