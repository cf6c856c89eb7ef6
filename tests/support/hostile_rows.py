"""Rows files as somebody else may have made them: whole, with sums that fit, and wrong."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from rnnlimits import rows
from rnnlimits.storage import integrity
from support.synthetic_rows import some


def columns(count: int = 3, **others: Any) -> pyarrow.Table:
    """Good rows, but for what is given: a whole column, or one value for all rows."""
    good = pyarrow.Table.from_pylist([vars(row) for row in some(count=count)], schema=rows.arrow_schema())
    for name, value in others.items():
        place, field = good.schema.get_field_index(name), good.schema.field(name)
        values = value if isinstance(value, pyarrow.Array) else pyarrow.array([value] * count, field.type)
        # Nothing keeps a stranger from leaving cells empty.
        good = good.set_column(place, pyarrow.field(name, values.type), values)
    return good


def written(path: Path, table: pyarrow.Table, metadata: dict[str, Any] | None = None, **how: Any) -> Path:
    """With sums as our own writer makes them."""
    metadata = {"shards": {name: {} for name in set(table["shard"].to_pylist()) - {None}}} | (metadata or {})
    summed = table.combine_chunks()
    text = json.dumps(metadata | {integrity.SUMS: integrity.sums(metadata, summed)}, sort_keys=True)
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({rows.files.METADATA_KEY: text.encode()}), path,
        compression="zstd", write_page_checksum=True, **how,
    )  # fmt: skip
    return path


def bomb(path: Path, count: int, word_bytes: int) -> Path:
    """One long word, which each of many rows has."""
    table = columns(1).take(pyarrow.array([0] * count))
    numbers, word = pyarrow.array([0] * count, pyarrow.int32()), pyarrow.array(["x" * word_bytes])
    place = table.schema.get_field_index("unit")
    table = table.set_column(place, "unit", pyarrow.DictionaryArray.from_arrays(numbers, word))
    text = json.dumps({"shards": {some()[0].shard: {}}})
    # The types of the columns are not written: a reader takes the words for plain text.
    with pyarrow.parquet.ParquetWriter(
        path, table.schema.remove_metadata(), compression="zstd", store_schema=False
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({rows.files.METADATA_KEY: text.encode()})
    return path
