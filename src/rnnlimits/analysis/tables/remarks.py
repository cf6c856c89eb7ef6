"""What must be said beside a number: seeds that diverged or never trained, choices at the end of a list."""

from collections.abc import Sequence

from pandas import DataFrame, Series

from rnnlimits.analysis.tables.summary import kept_their_start
from rnnlimits.rows import marks

COLUMNS = ["n_diverged", "n_not_trained", "n_validation_only", "rate_edge"]


def diverged(rows: DataFrame, by: Sequence[str]) -> Series:
    """How many replicas of each group diverged; a replica is counted once, however many rows it has."""
    return _seeds(rows, rows.status == "diverged", by)


def not_trained(rows: DataFrame, by: Sequence[str]) -> Series:
    """Of each group of rows, how many seeds were read with the weights of their start."""
    return _seeds(rows, kept_their_start(rows), by)


def solved_on_validation_only(rows: DataFrame, by: Sequence[str]) -> Series:
    """Of each group of rows, how many seeds solved the task on validation and not on test."""
    return _seeds(rows, marks.solved_on_validation_only(rows), by)


def _seeds(rows: DataFrame, mark: Series, by: Sequence[str]) -> Series:
    replicas = rows.assign(mark=mark)[[*by, "seed", "mark"]].drop_duplicates()
    return replicas.mark.groupby([replicas[key] for key in by], dropna=False).sum()


def rate_edges(table: DataFrame, best: DataFrame) -> Series:
    """Of each line, the end of the shard's learning rates at which its own lies, if any.

    `best` has the best validation of every replica at every rate that was tried.
    """
    tried = {shard: list(rates) for shard, rates in best.groupby("shard").learning_rate.unique().items()}
    found = [
        marks.edge(rate, tried.get(shard, [rate])) for shard, rate in zip(table.shard, table.learning_rate)
    ]
    return Series(found, index=table.index, dtype=object)
