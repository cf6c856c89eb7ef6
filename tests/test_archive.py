"""The results of record are what the code makes of their rows, byte for byte."""

from pathlib import Path

import pytest

from rnnlimits import claims, config, figures, tables

RECORD = Path("results/archive/laptop")
pytestmark = pytest.mark.skipif(not RECORD.exists(), reason="no run has been archived yet")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rebuilt")
    laptop = config.load("config/config.yaml")
    tables.write([RECORD / "rows.parquet"], folder / "tables", laptop.confidence)
    figures.draw_all(folder / "tables", folder / "figures")
    claims.judge([RECORD / "rows.parquet"], laptop.claims_path, folder / "claims.csv", laptop)
    return folder


@pytest.mark.parametrize("pattern", ["tables/*.csv", "figures/*.svg", "claims.csv"])
def test_the_archive_is_what_its_rows_give(rebuilt, pattern):
    committed = {path.relative_to(RECORD): path.read_bytes() for path in RECORD.glob(pattern)}
    made = {path.relative_to(rebuilt): path.read_bytes() for path in rebuilt.glob(pattern)}
    assert committed.keys() == made.keys()
    assert [name for name in committed if committed[name] != made[name]] == []
