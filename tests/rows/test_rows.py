"""A rows file: equal runs give equal columns, and a killed writer leaves nothing."""

import dataclasses
import math
import os
import subprocess
import sys
from subprocess import PIPE

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlimits import rows
from support.synthetic_rows import BASE, some


def test_rows_come_back_as_they_were_written(tmp_path):
    written = [
        *some(),
        dataclasses.replace(BASE, seed=None, learning_rate=None, lag_steps=4, parameters_target=300),
    ]
    rows.write(written, {"host": "here"}, tmp_path / "a" / "shard.parquet")
    assert rows.read(tmp_path / "a" / "shard.parquet") == written
    assert rows.read_provenance(tmp_path / "a" / "shard.parquet") == {
        "shards": {BASE.shard: {"host": "here"}}
    }


@settings(max_examples=30)
@given(value=st.floats())
def test_a_value_is_kept_to_the_last_bit_or_is_null(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("rows") / "shard.parquet"
    rows.write([dataclasses.replace(BASE, value=value)], {}, path)
    (back,) = rows.read(path)
    assert back.value == (value if math.isfinite(value) else None)


def test_every_row_has_the_columns_in_the_written_order(tmp_path):
    rows.write(some(), {}, tmp_path / "shard.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "shard.parquet")
    assert tuple(schema.names) == rows.COLUMNS
    nullable = {field.name for field in schema if field.nullable}
    assert nullable == {"parameters_target", "seed", "fold", "learning_rate", "lag_steps", "value", "chance"}


@pytest.mark.parametrize(
    ("column", "word"), [("split", "testing"), ("stage", "end"), ("status", "ok"), ("kind", "x")]
)
def test_a_word_outside_the_vocabulary_is_refused(column, word):
    with pytest.raises(ValueError, match=f"{column} '{word}' is none of"):
        dataclasses.replace(BASE, **{column: word})


def test_a_file_holds_one_shard(tmp_path):
    with pytest.raises(ValueError, match="a rows file holds one shard; these rows are of 2"):
        rows.write([*some(), *some("other")], {}, tmp_path / "shard.parquet")
    with pytest.raises(ValueError, match="these rows are of 0"):
        rows.write([], {}, tmp_path / "shard.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_shard_that_measured_nothing_is_a_file_without_rows(tmp_path):
    rows.write([], {"host": "here"}, tmp_path / "shard.parquet", shard="empty")
    assert rows.read(tmp_path / "shard.parquet") == []
    assert rows.read_provenance(tmp_path / "shard.parquet") == {"shards": {"empty": {"host": "here"}}}


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "shard.parquet"
    rows.write(some(), {"run": 1}, path)
    before = path.read_bytes()

    def half(table, place, **options):
        place.write_bytes(b"PAR1 half a file")
        raise OSError("disk full")

    monkeypatch.setattr(pyarrow.parquet, "write_table", half)
    with pytest.raises(OSError, match="disk full"):
        rows.write(some(count=5), {"run": 2}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_equal_runs_give_equal_bytes_and_provenance_stays_out_of_the_digest(tmp_path):
    one, same, later, other = (tmp_path / f"{name}.parquet" for name in ("one", "same", "later", "other"))
    rows.write(some(), {"host": "a"}, one)
    rows.write(some(), {"host": "a"}, same)
    rows.write(some(), {"host": "b", "seconds_total": 3.5}, later)
    rows.write([*some()[:2], dataclasses.replace(some()[2], value=2 / 7 + 1e-16)], {"host": "a"}, other)
    assert one.read_bytes() == same.read_bytes()
    assert rows.content_digest(one) == rows.content_digest(later) != rows.content_digest(other)


def test_an_archive_does_not_depend_on_the_order_of_its_files(tmp_path):
    paths = [tmp_path / f"{name}.parquet" for name in "cab"]
    for path in paths:
        rows.write(some(f"shard_{path.stem}"), {"from": path.stem}, path)
    rows.merge(paths, tmp_path / "one.parquet", {"name": "laptop"})
    rows.merge(reversed(paths), tmp_path / "two.parquet", {"name": "laptop"})
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert rows.read(tmp_path / "one.parquet") == [row for name in "abc" for row in some(f"shard_{name}")]
    provenance = rows.read_provenance(tmp_path / "one.parquet")
    assert provenance["config"] == {"name": "laptop"}
    assert list(provenance["shards"]) == ["shard_a", "shard_b", "shard_c"]


def test_a_shard_given_twice_is_refused(tmp_path):
    rows.write(some(), {}, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="is already in another file"):
        rows.merge([tmp_path / "a.parquet"] * 2, tmp_path / "out.parquet")
    with pytest.raises(ValueError, match="no rows files to merge"):
        rows.merge([], tmp_path / "out.parquet")


def test_a_foreign_file_is_refused(tmp_path):
    foreign = tmp_path / "foreign.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"x": [1]}), foreign)
    with pytest.raises(ValueError, match="not of rnnlimits"):
        rows.read_provenance(foreign)
    with pytest.raises(ValueError, match="not the columns of a rows file; different: architecture, "):
        rows.read(foreign)


def test_pandas_reads_what_was_written(tmp_path):
    pandas = pytest.importorskip("pandas")
    rows.write(some(), {}, tmp_path / "shard.parquet")
    frame = pandas.read_parquet(tmp_path / "shard.parquet")
    assert list(frame.columns) == list(rows.COLUMNS)
    assert frame.value.tolist() == [0, 1 / 7, 2 / 7]


def test_two_jobs_never_write_one_rows_file(tmp_path):
    path = tmp_path / "shard.parquet"
    program = (
        f"from rnnlimits.rows import only_writer\nwith only_writer({str(path)!r}) as known: print(known)"
    )
    command = [sys.executable, "-c", program]
    for writes in (True, False):
        with rows.only_writer(path) as written_meanwhile:
            assert not written_meanwhile
            second = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True)
            assert second.stderr.readline().startswith(f"{path}: process {os.getpid()} on ")
            if writes:
                rows.write(some(), {}, path)
        assert second.communicate() == (f"{writes}\n", "")
    assert list(tmp_path.iterdir()) == [path], "no lock is left"
