"""What others wrote reaches a terminal as text, and a spreadsheet as cells."""

import csv
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from rnnlimits import rows
from rnnlimits.analysis import tables
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from rnnlimits.storage import integrity, locks
from rnnlimits.storage.plain_text import FORMULA, NUMBERS, printable
from support.example_config import GOOD
from support.hostile_rows import columns, written
from support.synthetic_rows import some

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "-2 to 3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1+1",
]
TURNS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}  # the order of writing
HOSTILE = {
    "host": "=node\x1b]0;owned\x07\x1b[2J\u202e7",
    "device": '=HYPERLINK("http://x")',
    "versions": {"torch\x1b[8m": "2\x9b31m"},
    "git_commit": "0123\x1b[1A",
    "started": "2026\r2027",
    "note": "\x1b[31mred",
}


def is_obeyed(one: str) -> bool:
    """Does a terminal do something else than to show it?"""
    command = unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") and one not in "\n\t"
    return command or unicodedata.bidirectional(one) in TURNS


def test_no_character_that_a_terminal_obeys_is_left_and_every_other_is():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not any(map(is_obeyed, printable(every)))
    marks = {"\u061c", "\u200e", "\u200f"}  # no commands, but they turn what stands beside them
    shown = "".join(one for one in every if not is_obeyed(one) and one not in marks)
    assert printable(shown) == shown


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """The rows of a config, and what a stranger wrote beside those of one shard."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(json.dumps(GOOD))
    for shard in grid.shards(load("config.yaml")):
        row = shard.row(split="test", stage="final", update=0, metric="loss", unit="nats", status="measured")
        rows.write([row], dict(HOSTILE), f"rows/{shard.id}.parquet")
    return tmp_path


def rnnlimits(command: str, *arguments: object) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "rnnlimits.cli", command, "--config", "config.yaml", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize("name", ["timings", "cost", "trained.adding.elman.h4.t64"])
def test_what_is_explained_holds_no_command_for_the_terminal(run, name):
    done = rnnlimits("explain", name, "--rows", "rows")
    assert done.returncode == 0, done.stderr
    assert r"=node\x1b]0;owned\x07\x1b[2J\u202e7" in " ".join(done.stdout.split())
    assert not any(map(is_obeyed, done.stdout + done.stderr))


def test_a_warning_of_other_data_holds_no_command_for_the_terminal(run):
    for number, shard in enumerate(shard for shard in grid.shards(load("config.yaml")) if shard.probes):
        facts = {"facts": {"corpus": f"\x1b[2J{number}"}}
        rows.write([], facts, f"rows/{shard.id}.parquet", shard.id)
    done = rnnlimits("table", "--rows", "rows", "--out", "tables")
    assert r"on \x1b[2J1" in done.stderr
    assert not any(map(is_obeyed, done.stdout + done.stderr))


def test_a_message_holds_no_command_for_the_terminal(run):
    done = rnnlimits("explain", "\x1b[2Jx", "--rows", "rows")
    assert done.returncode == 1
    assert r"\x1b[2Jx" in done.stderr.splitlines()[-1]
    assert not any(map(is_obeyed, done.stdout + done.stderr))


def test_the_holder_of_a_lock_is_one_line_of_text(tmp_path):
    path = tmp_path / ".shard.lock"
    path.write_bytes(b"process 1 on \x1b[2J\xff\nanother line" + 2**20 * b"x")
    said = locks.holder(path)
    assert said.startswith(r"process 1 on \x1b[2J")
    assert not any(map(is_obeyed, said))
    assert len(said.splitlines()) == 1
    assert len(said) < 500


@pytest.mark.parametrize("text", ["a\x1b[31m", "a\nb", "a\tb", "\u202eab", "\x9b31m"])
@pytest.mark.parametrize("column", ["metric", "unit", "shard"])
def test_text_of_rows_with_commands_is_refused(tmp_path, column, text):
    path = written(tmp_path / "rows.parquet", columns(**{column: text}), {"shards": {some()[0].shard: {}}})
    with pytest.raises(integrity.DamagedError, match=f"column {column} has a text with unprintable charac"):
        rows.table(path)


def test_a_shard_whose_name_is_no_text_is_refused(tmp_path):
    path = written(tmp_path / "rows.parquet", columns(), {"shards": {some()[0].shard: {}, "a\nb": {}}})
    with pytest.raises(integrity.DamagedError, match=r"'a\\nb' is not the name of a shard"):
        rows.read_provenance(path)


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_formula(cell: str) -> bool:
    return cell.startswith(FORMULA) and not NUMBERS.fullmatch(cell)


def test_a_table_has_no_formula_and_its_numbers_stay_numbers(tmp_path):
    table = pd.DataFrame({"text": [*FORMULAS], "value": -0.5, "mixed": [-1, "-0.1 to 1e-3", None] * 3})
    table["count"] = pd.array([-3] * 9, "Int64")
    before = table.copy()
    tables.to_csv(table, tmp_path / "table.csv")
    pd.testing.assert_frame_equal(table, before)
    found = cells(tmp_path / "table.csv")
    assert [line["text"] for line in found][:5] == [f"'{text}" for text in FORMULAS[:5]]
    assert not any(is_formula(cell) for line in found for cell in line.values())
    assert {(line["value"], line["count"]) for line in found} == {("-0.5", "-3")}
    assert [line["mixed"] for line in found] == ["-1", "-0.1 to 1e-3", ""] * 3


def test_a_host_that_is_a_formula_is_text_in_the_tables_of_a_run(run):
    assert rnnlimits("table", "--rows", "rows", "--out", "tables").returncode == 0
    written = [
        cell for path in Path("tables").glob("*.csv") for line in cells(path) for cell in line.values()
    ]
    assert '\'=HYPERLINK("http://x")' in written
    assert not any(is_formula(cell) or any(map(is_obeyed, cell)) for cell in written)
