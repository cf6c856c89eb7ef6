"""The waist of the pipeline: one measured number per row, one Parquet file per shard.

Left of this room only torch is loaded, right of it only pandas, and here neither.  A row carries everything
that is needed to read it.  `selection` holds the choices that are made on validation rows: once while
training and again by the tables.  `marks` tells the rows of what was never trained, or was lost.
"""

from rnnlimits.rows.files import (
    arrow_schema,
    as_table,
    by_shard,
    content_digest,
    digests,
    facts_of,
    merge,
    only_writer,
    packed,
    read,
    read_provenance,
    table,
    write,
    write_archive,
)
from rnnlimits.rows.row import COLUMNS, WORDS, Kind, Row, Split, Stage, Status

__all__ = [
    "COLUMNS",
    "WORDS",
    "Kind",
    "Row",
    "Split",
    "Stage",
    "Status",
    "arrow_schema",
    "as_table",
    "by_shard",
    "content_digest",
    "digests",
    "facts_of",
    "merge",
    "only_writer",
    "packed",
    "read",
    "read_provenance",
    "table",
    "write",
    "write_archive",
]
