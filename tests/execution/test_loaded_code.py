"""The code that ran is the code that its rows name, however and whenever a file is edited."""

import os
import py_compile
import time

import pytest

from rnnlimits import rows
from rnnlimits.execution import loaded_code
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from support.repository_copy import ROOT, Copy, fresh

SHARD = next(
    shard for shard in grid.shards(load(ROOT / "config/smoke.yaml")) if shard.task_page == "curse_of_memory"
)
PAGE = "src/rnnlimits/simulations/curse_of_memory.py"
EDIT = "FORGOTTEN = 1e-6", "FORGOTTEN = 1e-1"  # other numbers, as many letters


@pytest.fixture
def copy(tmp_path) -> Copy:
    return fresh(tmp_path)


def train(copy: Copy, code: str | None = None, out: str = "rows.parquet") -> tuple[int, str]:
    planned = ("--code", code) if code else ()
    done = copy.run("rnnlimits", "train", "--spec", SHARD.to_json(), *planned, "--out", out, check=False)
    return done.returncode, done.stdout


def fingerprint(copy: Copy) -> str:
    return rows.read_provenance(copy.folder / "rows.parquet")["shards"][SHARD.id]["code_fingerprint"]


def test_a_job_does_nothing_with_code_that_nobody_planned(copy):
    assert train(copy) == (0, "")
    planned = fingerprint(copy)
    assert train(copy, planned) == (0, "")
    (copy.folder / "rows.parquet").unlink()
    copy.edit(PAGE, *EDIT)
    code, said = train(copy, planned)
    assert code == 1
    assert said.startswith(f"the code behind {SHARD.id}: edited after this run was planned (got ")
    assert said.endswith("; start the run again; nothing was trained\n")
    assert said.count("\n") == 1
    assert not (copy.folder / "rows.parquet").exists()


def test_an_edit_of_the_same_size_and_time_is_run_and_not_the_bytecode_before_it(copy):
    """Python takes such bytecode for current: rows would name one version and hold numbers of the other."""
    page = copy.folder / PAGE
    assert train(copy) == (0, "")
    first = rows.content_digest(copy.folder / "rows.parquet")
    py_compile.compile(str(page), doraise=True)
    was = page.stat()
    copy.edit(PAGE, *EDIT)
    os.utime(page, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert page.stat().st_size == was.st_size
    assert train(copy) == (0, "")
    edited = rows.content_digest(copy.folder / "rows.parquet")
    copy.edit(PAGE, *reversed(EDIT))
    os.utime(page)
    assert train(copy) == (0, "")
    assert rows.content_digest(copy.folder / "rows.parquet") == first != edited


def test_bytecode_that_cannot_be_removed_is_named(tmp_path, monkeypatch):
    file = tmp_path / "page.py"
    file.write_text("a = 1\n")
    py_compile.compile(str(file), doraise=True)
    file.write_text("a = 2\n")

    def refused(path, missing_ok):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.unlink", refused)
    with pytest.raises(ValueError, match=r"page\..*pyc: of another version of page.py; remove it \(.*denied"):
        loaded_code.drop_stale_bytecode([file])


def test_bytecode_that_is_damaged_is_removed_and_what_is_right_stays(tmp_path):
    files = [tmp_path / "right.py", tmp_path / "damaged.py"]
    for file in files:
        file.write_text("a = -0.0, {1, 2}\n")
        py_compile.compile(str(file), doraise=True)
    (damaged,) = (tmp_path / "__pycache__").glob("damaged.*")
    damaged.write_bytes(damaged.read_bytes()[:20])
    loaded_code.drop_stale_bytecode(files)
    assert [path.name.split(".")[0] for path in (tmp_path / "__pycache__").iterdir()] == ["right"]


def test_a_file_that_is_edited_while_a_job_starts_is_told_also_when_it_is_put_back(tmp_path):
    file = tmp_path / "page.py"
    file.write_text("a = 1\n")
    was = file.stat()
    time.sleep(0.02)  # a coarse clock of the file system

    def edit() -> None:
        with loaded_code.unchanged([file]):
            file.write_text("a = 2\n")
            file.write_text("a = 1\n")
            os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))

    with pytest.raises(ValueError, match=rf"^{file}: edited while it was being used; run it again$"):
        edit()
    with loaded_code.unchanged([file]):
        file.read_text()
