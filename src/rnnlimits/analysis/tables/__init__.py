"""Rows ─► tidy tables: every mean with its interval and its number of seeds.

Each table is one function from the frame of rows to a frame, found by its decorator `made_of` in any
module of this folder; `write` puts them all into a folder as CSV.  The same rows give the same bytes
in whatever order their files come; only `timings` reads what may differ between equal runs.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
from pandas import DataFrame

from rnnlimits import rows as waist
from rnnlimits.analysis import statistics
from rnnlimits.analysis.tables.context import timings
from rnnlimits.analysis.tables.summary import Table
from rnnlimits.storage.plain_text import no_formula
from rnnlimits.storage.whole_files import renamed_when_complete


def _all() -> dict[str, Table]:
    """Every function of this folder that says what it is `made_of`: nothing is registered."""
    names = [file.stem for file in sorted(Path(__file__).parent.glob("[!_]*.py"))]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [(name, one) for module in modules for name, one in vars(module).items()]
    return {name: one for name, one in found if isinstance(one, Table)}


# From the rows alone: two equal runs give the same bytes.
TABLES = _all()


def read(paths: Sequence[str | Path]) -> DataFrame:
    """The rows of several files (one a shard, or an archive of many) in one frame."""
    return _handed_over([_plain(paths)])


def read_with_digests(paths: Sequence[str | Path]) -> tuple[DataFrame, dict[str, str]]:
    """The same, and of each shard that has rows the sha256 of them, as `rows.content_digest` gives it."""
    whole = [_plain(paths)]
    digests = waist.digests(whole[0])
    return _handed_over(whole), digests


def read_packed(paths: Sequence[str | Path]) -> DataFrame:
    """The same with text as categories, sorted as words: a third of the memory, and faster to compare."""
    rows = _handed_over([_whole(paths)])
    texts = {name: rows[name].cat for name in rows.columns[rows.dtypes == "category"]}
    return rows.assign(
        **{name: text.reorder_categories(sorted(text.categories)) for name, text in texts.items()}
    )


def of_rows(rows: Sequence[waist.Row]) -> DataFrame:
    """Rows that are in no file, as if they had been read from one."""
    return _handed_over([waist.as_table(rows).combine_chunks()])


def _plain(paths: Sequence[str | Path]) -> pyarrow.Table:
    return _whole(paths).cast(waist.arrow_schema()).combine_chunks()


def _whole(paths: Sequence[str | Path]) -> pyarrow.Table:
    if not paths:
        raise ValueError("no rows files given: train some shards, or name an archive")
    tables = {Path(path): waist.packed(path) for path in paths}
    seen: dict[str, Path] = {}
    for path, table in tables.items():
        for shard in table.column("shard").unique().to_pylist():
            if shard in seen:
                raise ValueError(f"{path}: shard {shard!r} is also in {seen[shard]}; give each shard once")
            seen[shard] = path
    # A shard's rows stay in the order in which they were measured; the files' order is made to not matter.
    return waist.by_shard(tables.values())


def _handed_over(only: list[pyarrow.Table]) -> DataFrame:
    """A table as a frame, column by column, each let go by and by: the rows are never there twice.

    It comes in a list, which is the only place where it may still be held.
    """
    frame: DataFrame = only.pop().to_pandas(split_blocks=True, self_destruct=True)
    pyarrow.default_memory_pool().release_unused()  # what reading took, before others take theirs
    return frame


def provenance(paths: Sequence[str | Path]) -> dict[str, dict[str, Any]]:
    """What is recorded of every shard beside its rows."""
    return {shard: facts for path in paths for shard, facts in waist.read_provenance(path)["shards"].items()}


def write(
    paths: Sequence[str | Path], out_dir: str | Path, confidence: float = statistics.CONFIDENCE
) -> list[Path]:
    """Every table as out_dir/NAME.csv."""
    rows = read_packed(paths)
    tables = {name: table(rows, confidence) for name, table in TABLES.items()}
    tables["timings"] = timings(rows, provenance(paths))
    return [to_csv(table, Path(out_dir) / f"{name}.csv") for name, table in tables.items()]


def to_csv(table: DataFrame, path: Path) -> Path:
    """Six digits: more would record the order in which a machine happened to sum."""
    with renamed_when_complete(path) as unfinished:
        without_formulas(table).to_csv(unfinished, index=False, float_format="%.6g", lineterminator="\n")
    return path


def without_formulas(table: DataFrame) -> DataFrame:
    """Numbers as they are; text as a spreadsheet will show it, whoever wrote it."""
    other = {}
    for column in table.columns[[not pd.api.types.is_numeric_dtype(one) for one in table.dtypes]]:
        texts = {cell: no_formula(cell) for cell in table[column].unique() if isinstance(cell, str)}
        if any(cell != text for cell, text in texts.items()):
            cells = [texts[cell] if isinstance(cell, str) else cell for cell in table[column]]
            other[column] = pd.Series(cells, table.index, dtype=object)
    return table.assign(**other)
