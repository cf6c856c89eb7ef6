"""Rows files with sums that fit and content that does not: each is refused in one line."""

import json
import re
import subprocess
import sys

import pyarrow
import pytest

from rnnlimits import rows
from rnnlimits.rows import content
from rnnlimits.storage import integrity
from support.hostile_rows import bomb, columns, written
from support.synthetic_rows import some

SHARD = some()[0].shard
# What a reader without bounds needs more than; the process itself takes 300 MB of address space.
LIMIT = 3 * 2**30
READ = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({LIMIT}, {LIMIT}))
from rnnlimits import rows
rows.table(sys.argv[1])
"""


def refused(path, said: str) -> None:
    with pytest.raises(integrity.DamagedError, match=said) as error:
        rows.table(path)
    assert len(str(error.value).splitlines()) == 1


def test_a_good_file_of_this_kind_is_read(tmp_path):
    assert rows.table(written(tmp_path / "rows.parquet", columns())) == columns()


def test_a_small_file_that_unpacks_to_80_gigabytes_is_refused_within_three(tmp_path):
    path = bomb(tmp_path / "rows.parquet", count=1_000_000, word_bytes=80_000)
    assert path.stat().st_size < 400_000
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True)
    assert done.stderr.endswith(f"{path}: column unit has a text of 80,000 bytes; at most 1,000 are read\n")


def test_words_of_a_common_length_are_counted_in_all_rows(tmp_path, monkeypatch):
    path = bomb(tmp_path / "rows.parquet", count=1_000, word_bytes=900)
    monkeypatch.setattr(content, "MOST_BYTES", 500_000)
    refused(path, r"it unpacks to 9\d\d,000 bytes; at most 500,000 are read")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("column", ["value", "chance", "learning_rate"])
def test_a_number_that_is_none_is_refused(tmp_path, column, value):
    path = written(tmp_path / "rows.parquet", columns(**{column: value}))
    refused(path, f"damaged: column {column} has a value that is not a finite number")


@pytest.mark.parametrize(
    ("column", "word"), [("status", "stopped"), ("stage", "middle"), ("split", "dev"), ("kind", "=1+1")]
)
def test_a_word_of_another_version_is_refused(tmp_path, column, word):
    path = written(tmp_path / "rows.parquet", columns(**{column: word}))
    refused(path, re.escape(f"damaged, or of another version: {column} {word!r} is none of "))


@pytest.mark.parametrize("column", ["status", "shard", "unit", "update"])
def test_a_cell_that_must_not_be_empty_is_refused(tmp_path, column):
    path = written(tmp_path / "rows.parquet", columns(**{column: None}), {"shards": {SHARD: {}}})
    refused(path, f"damaged: column {column} is empty in 3 rows")


def test_a_measurement_that_is_there_twice_is_refused(tmp_path):
    twice = pyarrow.concat_tables([columns(2), columns(1, value=0.5)])
    refused(written(tmp_path / "rows.parquet", twice), "damaged: a measurement is there twice")


def test_rows_of_which_the_provenance_says_nothing_are_refused(tmp_path):
    path = written(tmp_path / "rows.parquet", columns(), {"shards": {"another": {}}})
    refused(path, f"damaged: it has rows of '{SHARD}', and does not tell where from")


@pytest.mark.parametrize("shards", [None, [], "x", {SHARD: None}, {SHARD: [1]}])
def test_a_provenance_of_another_form_is_refused(tmp_path, shards):
    path = written(tmp_path / "rows.parquet", columns(), {"shards": shards})
    refused(path, "damaged: its provenance is not a mapping of shards")


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("value", pyarrow.array(["0.5"] * 3), "column value is of type string; expected double"),
        ("seed", pyarrow.array([0.5] * 3), "column seed is of type double; expected int32"),
        ("unit", pyarrow.array(["x"] * 3).dictionary_encode(), "column unit is of type dictionary"),
        ("metric", pyarrow.array([["loss"]] * 3), "column metric is of type list"),
    ],
)
def test_a_column_of_another_type_is_refused_before_it_is_read(tmp_path, monkeypatch, column, values, said):
    table = columns(**{column: values})
    path = tmp_path / "rows.parquet"
    text = json.dumps({"shards": {SHARD: {}}}).encode()
    pyarrow.parquet.write_table(table.replace_schema_metadata({rows.files.METADATA_KEY: text}), path)
    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "read", None)
    refused(path, said)


def test_a_file_that_was_renamed_is_of_no_other_shard(tmp_path):
    path = tmp_path / "other.parquet"
    rows.write(some(), {}, path)
    assert rows.read(path, SHARD) == some()
    with pytest.raises(integrity.DamagedError, match=f"it holds the rows of '{SHARD}'; expected 'other'"):
        rows.read(path, "other")


@pytest.mark.parametrize(
    ("fact", "value", "expected"),
    [
        ("host", ["a"], "text"),
        ("git_commit", 5, "text"),
        ("versions", ["torch"], "a mapping of texts"),
        ("versions", {"torch": 2}, "a mapping of texts"),
        ("facts", {"corpus": {"sha256": "0"}}, "a mapping of texts"),
        ("replicas", True, "a whole number"),
        ("updates_run", "=1+1", "a whole number"),
        ("seconds_total", "1", "a number"),
        ("seconds_probing", 1e308, "a number"),
        ("peak_memory_mb", [1], "a number"),
    ],
)
def test_a_fact_that_cannot_be_counted_or_put_into_words_is_refused(tmp_path, fact, value, expected):
    path = tmp_path / "rows.parquet"
    rows.write(some(), {fact: value}, path)
    for read in (rows.table, rows.read_provenance):
        with pytest.raises(integrity.DamagedError, match=f"{fact} of '{SHARD}' is .*; expected {expected}$"):
            read(path)
    rows.write(some(), {fact: None, "another": value}, path)
    assert rows.read(path) == some(), "what is only shown may be anything"


def test_facts_that_are_no_numbers_in_json_are_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    text = json.dumps({"shards": {SHARD: {"seconds_total": float("nan")}}}).encode()
    pyarrow.parquet.write_table(columns().replace_schema_metadata({rows.files.METADATA_KEY: text}), path)
    refused(path, "seconds_total of .* is 'nan'; expected a number")
