"""A figure or a table: what it shows, the rows that it is made of, and where these come from."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from rnnlimits.analysis import figures, tables
from rnnlimits.analysis.explain import origin
from rnnlimits.analysis.explain.layout import count, field
from rnnlimits.analysis.explain.record import Record
from rnnlimits.analysis.tables import context

TIMINGS = "timings"


def figure(record: Record, name: str) -> list[str]:
    """A figure is drawn from tables; which of their lines it shows, its caption says."""
    page = figures.page(name)
    # What was recorded of other shards than those of its results, no figure shows.
    parts = {table: made_of(record, table) for table in page.TABLES if table != TIMINGS}
    rows = pd.concat(parts.values()).loc[lambda found: ~found.index.duplicated()]
    lines = [f"figure {name}: {page.TITLE}", ""]
    lines.append(field("caption", page.caption(_tables(record, page.TABLES))))
    lines.append(field("rests on", origin.summary(record, rows)))
    for table in page.TABLES:
        lines += ["", f"It reads the table {table}", *_described(table, parts.get(table, rows))]
    return lines + origin.explain(record, rows)


def table(record: Record, name: str) -> list[str]:
    rows = made_of(record, name)
    lines = [f"table {name}", "", *_described(name, rows)]
    return lines + origin.explain(record, rows)


def made_of(record: Record, name: str) -> DataFrame:
    """The rows of a table; `timings` has the same shards and reads what is recorded of them."""
    return record.rows if name == TIMINGS else tables.TABLES[name].made_of(record.rows)


def _described(name: str, rows: DataFrame) -> Iterator[str]:
    if name == TIMINGS:
        yield field("shows", "Seconds and memory of every shard.")
        yield field("made of", f"what is recorded beside the rows of {count(rows.shard.nunique(), 'shard')}")
        return
    yield field("shows", tables.TABLES[name].summary)
    yield field("made of", f"{count(len(rows), 'row')} of {count(rows.shard.nunique(), 'shard')}")
    shards = rows.drop_duplicates("shard").groupby("study").size()
    yield field("studies", ", ".join(f"{study} ({count(n, 'shard')})" for study, n in shards.items()))
    for column in ("split", "stage", "metric"):
        yield field(column, ", ".join(sorted(rows[column].unique())))


def _tables(record: Record, wanted: tuple[str, ...]) -> dict[str, DataFrame]:
    """The tables as the figure reads them: written to files, with the digits that these have."""
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            made = (
                context.timings(record.rows, record.provenance)
                if name == TIMINGS
                else tables.TABLES[name](record.rows, record.config.confidence)
            )
            tables.to_csv(made, Path(folder) / f"{name}.csv")
        return figures.load(folder, wanted)
