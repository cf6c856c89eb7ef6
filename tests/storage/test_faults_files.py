"""Full disks, read-only folders, damaged files: nothing finished is lost, nothing wrong is read."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest
from matplotlib.figure import Figure

from rnnlimits import rows
from rnnlimits.analysis import tables
from rnnlimits.analysis.figures import _style as style
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from rnnlimits.storage import integrity, whole_files
from support.example_config import GOOD
from support.repository_copy import ROOT
from support.small_disk import filled, mounted, read_only
from support.synthetic_rows import some

ARCHIVE = ROOT / "results" / "archive" / "laptop" / "rows.parquet"


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk") as place:
        yield place


def a_figure(lines: int) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    for line in range(lines):
        axes.plot(range(60), [line * step**0.5 for step in range(60)])
    return figure


def merged(path: Path, size: int) -> None:
    part = path.parent.parent / f"part{size}.parquet"
    rows.write(some(count=size), {"run": size}, part)
    rows.merge([part], path)


# Each writes a file at a place, the larger the larger the number.
WRITERS = {
    "rows.parquet": lambda path, size: rows.write(some(count=size), {"run": size}, path),
    "archive.parquet": merged,
    "table.csv": lambda path, size: tables.to_csv(pd.DataFrame({"x": range(size)}), path),
    "figure.svg": lambda path, size: style.save(a_figure(size // 3), path.with_suffix("")),
    "figure.png": lambda path, size: style.save(a_figure(size // 3), path.with_suffix("")),
    "page.html": lambda path, size: whole_files.write_text(path, size * "a line\n"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_on_a_full_disk_the_old_file_stays_and_the_next_run_works(disk, tmp_path, name):
    path, large = disk / name, 300 if name.startswith("figure") else 30_000
    WRITERS[name](path, 3)
    room = 4096
    if name == "figure.png":  # room for the SVG, which is written first
        WRITERS[name](tmp_path / name, large)
        room *= 1 + -(-(tmp_path / "figure.svg").stat().st_size // 4096)
    before = {file: file.read_bytes() for file in disk.iterdir()}
    with filled(disk, but_bytes=room):
        with pytest.raises(OSError, match="cannot be written: No space left on device; make room") as told:
            WRITERS[name](path, large)
        assert str(told.value).startswith(f"{path}: ")
        assert "\n" not in str(told.value)
        left = {file: file.read_bytes() for file in disk.iterdir() if file.name != "filler"}
    assert set(left) == set(before)
    changed = {file.name for file in left if left[file] != before[file]}
    assert changed == ({"figure.svg"} if name == "figure.png" else set())
    WRITERS[name](path, 6)
    assert path.read_bytes() != before[path]


@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_folder_is_told_in_one_line(disk, name):
    WRITERS[name](disk / name, 3)
    with (
        read_only(disk),
        pytest.raises(OSError, match="cannot be written: Read-only file system; make the folder writable"),
    ):
        WRITERS[name](disk / name, 4)


def train(shard: Shard, out: Path, log: Path | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "rnnlimits.cli", "train", "--spec", shard.to_json(), "--out", str(out)]
    if log is None:
        return subprocess.run(command, capture_output=True, text=True)
    with log.open("w") as file:
        return subprocess.run(command, stdout=file, stderr=file)


@pytest.fixture(scope="module")
def simulation() -> Shard:
    smoke = load(ROOT / "config" / "smoke.yaml")
    return next(shard for shard in grid.shards(smoke) if shard.study == "random_guessing")


def test_a_job_on_a_full_disk_ends_with_one_line_even_in_a_log_beside_its_rows(disk, simulation):
    out, log = disk / "rows" / "shard.parquet", disk / "shard.log"
    with filled(disk, but_bytes=2 * 4096):  # the lock, and less than the rows
        done = train(simulation, out, log)
        assert done.returncode == 1
        assert (
            log.read_text()
            == f"{out}: cannot be written: No space left on device; make room, then run it again\n"
        )
        assert list((disk / "rows").iterdir()) == []
    assert train(simulation, out).returncode == 0
    rows.table(out)


def test_a_job_in_a_read_only_folder_ends_with_one_line(disk, simulation):
    with read_only(disk):
        done = train(simulation, disk / "rows" / "shard.parquet")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "cannot be written: Read-only file system; make the folder writable, or name" in done.stderr


@pytest.fixture
def written(tmp_path) -> Path:
    path = tmp_path / "shard.parquet"
    rows.write(some(count=5), {"host": "here", "versions": {"torch": "2"}}, path)
    return path


def test_no_flipped_bit_is_ever_read_as_a_result(written):
    """Every bit was tried once: 36,341 of 56,240 are refused, the others change nothing that is read."""
    good, told = written.read_bytes(), []
    right = rows.read(written), rows.read_provenance(written)
    for bit in random.Random(0).sample(range(8 * len(good)), 400):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        written.write_bytes(damaged)
        try:
            assert (rows.read(written), rows.read_provenance(written)) == right, bit
        except integrity.DamagedError as error:
            told.append(str(error))
    assert len(told) > 100
    assert all(line.startswith(f"{written}: ") and "\n" not in line for line in told)


@pytest.mark.parametrize("what", ["shorter by a byte", "half", "empty", "another file"])
def test_a_truncated_file_is_told(written, what):
    good = written.read_bytes()
    left = {"shorter by a byte": good[:-1], "half": good[: len(good) // 2], "empty": b""}
    written.write_bytes(left.get(what, b"<html>Bad gateway</html>"))
    for read in (rows.read, rows.read_provenance, rows.content_digest, lambda path: tables.read([path])):
        with pytest.raises(integrity.DamagedError, match=r"shard\.parquet: damaged: "):
            read(written)


def edited(path: Path, change) -> None:
    """The same file with other metadata, as a writer without our checks would leave it."""
    table = pyarrow.parquet.read_table(path)
    metadata = json.loads(table.schema.metadata[rows.files.METADATA_KEY])
    change(metadata)
    kept = table.replace_schema_metadata({rows.files.METADATA_KEY: json.dumps(metadata).encode()})
    pyarrow.parquet.write_table(kept, path)


def test_provenance_and_rows_are_held_together_by_their_sums(written):
    edited(written, lambda metadata: metadata["shards"]["lengths.adding.gru.h8.t10"].update(host="there"))
    with pytest.raises(integrity.DamagedError, match="its provenance is not what was written"):
        rows.read_provenance(written)
    rows.write(some(count=5), {}, written)
    edited(written, lambda metadata: metadata["sha256"].update(rows="0" * 64))
    with pytest.raises(integrity.DamagedError, match="its rows are not what was written"):
        rows.read(written)
    edited(written, lambda metadata: metadata.update(sha255=metadata.pop("sha256")))
    with pytest.raises(integrity.DamagedError, match="unknown entry 'sha255'"):
        rows.read(written)


def test_a_file_from_before_there_were_sums_is_read(written):
    right = rows.read(written)
    edited(written, lambda metadata: metadata.pop("sha256"))
    assert rows.read(written) == right


@pytest.mark.skipif(not ARCHIVE.exists(), reason="no run has been archived yet")
def test_the_committed_archive_is_read():
    assert len(rows.table(ARCHIVE)) > 0


def test_a_file_that_claims_to_be_huge_is_refused_before_it_is_read(written, monkeypatch):
    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "read", None)
    monkeypatch.setattr(integrity, "MOST_ROWS", 4)
    with pytest.raises(integrity.DamagedError, match=r"it claims 5 rows and [\d,]+ bytes; at most 4 and 8,"):
        rows.table(written)


def rnnlimits(command: str, *arguments: object) -> subprocess.CompletedProcess:
    """With a folder of rows."""
    line = [sys.executable, "-m", "rnnlimits.cli", command, "--config", "config.yaml", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True)


@pytest.fixture
def run(tmp_path, monkeypatch) -> list[Path]:
    """The rows files of a config, in a working directory of their own."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(json.dumps(GOOD))
    shards = grid.shards(load("config.yaml"))
    for shard in shards:
        row = shard.row(split="test", stage="final", update=0, metric="loss", unit="nats", status="measured")
        rows.write([row], {}, f"rows/{shard.id}.parquet")
    return sorted(Path("rows").iterdir())


def test_a_damaged_file_is_set_aside_and_nothing_goes_on_without_it(run):
    damaged, *others = run
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-100])
    first = rnnlimits("archive", "--rows", "rows", "--out", "archive.parquet")
    aside = integrity.place_aside(damaged)
    assert first.returncode == 1
    assert first.stderr == (
        f"{damaged}: damaged: {first.stderr.partition('damaged: ')[2].partition(';')[0]}; "
        f"set aside as {aside.name}: run it again\n"
    )
    assert sorted(Path("rows").iterdir()) == sorted([aside, *others])
    second = rnnlimits("table", "--rows", "rows", "--out", "tables")  # as Snakemake's second attempt
    assert (second.returncode, len(second.stderr.splitlines())) == (1, 1)
    assert f"set aside, as {aside.name}; run `snakemake` again" in second.stderr
    assert not Path("tables").exists()
    rows.write(some(damaged.stem, 1), {}, damaged)
    assert sorted(Path("rows").iterdir()) == run, "what was set aside goes when it has been made again"


def test_a_damaged_archive_stays_where_it_is(run):
    assert rnnlimits("archive", "--rows", "rows", "--out", "archive.parquet").returncode == 0
    archive = Path("archive.parquet")
    archive.write_bytes(archive.read_bytes()[:-1])
    done = rnnlimits("judge", "--rows", archive, "--out", "claims.csv")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("archive.parquet: damaged: ")
    assert done.stderr.endswith("; fetch the file again\n")
    assert archive.is_file()


def test_what_a_link_leads_to_is_neither_moved_nor_written(run):
    linked, target = run[0], Path("elsewhere.parquet")
    damaged = linked.read_bytes()[:-100]
    linked.unlink()
    target.write_bytes(damaged)
    linked.symlink_to(target.absolute())
    done = rnnlimits("archive", "--rows", "rows", "--out", "archive.parquet")
    assert (done.returncode, "set aside as" in done.stderr) == (1, True)
    assert integrity.place_aside(linked).is_symlink()
    linked.symlink_to(target.absolute())
    rows.write(some(linked.stem, 1), {}, linked)
    assert not linked.is_symlink()
    assert target.read_bytes() == damaged
