"""What a row says beside its number: that nothing was trained, or that the replica was lost afterwards.

Each mark is read from columns that every row has had from the beginning, so old rows bear it too.  A rule
takes one row, `vars(row)`, or a whole table of rows, and answers for it element by element:

    not_trained(vars(row))              True or False
    table[~not_trained(table)]          the rows of a pandas table that some training has made
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol


class Columns(Protocol):
    """A row as a mapping, or a table: something with columns."""

    def __getitem__(self, column: str, /) -> Any: ...


def not_trained(rows: Columns) -> Any:
    """Is it of a replica whose best validation was its start, so that its weights were never trained?

    It marks the row `best_update` of the replica, and all that was read with its best weights: test and
    the probes after training.  `status` says beside it how the training ended.

    >>> row = {"stage": "final", "split": "test", "metric": "loss", "update": 0, "value": 1.86}
    >>> not_trained(row), not_trained(row | {"update": 200}), not_trained(row | {"stage": "initial"})
    (True, False, False)
    """
    kept = (rows["split"] == "test") | (rows["split"] == "probe")
    never = (rows["split"] == "validation") & (rows["metric"] == "best_update") & (rows["value"] == 0)
    return (rows["stage"] == "final") & ((kept & (rows["update"] == 0)) | never)


def probe_of_a_diverged_replica(rows: Columns) -> Any:
    """Was it measured on weights that a replica had before it diverged?  No mean may count it.

    The number is finite, as the best weights before the divergence were; a test score has none.

    >>> row = {"stage": "final", "split": "probe", "status": "diverged"}
    >>> probe_of_a_diverged_replica(row), probe_of_a_diverged_replica(row | {"status": "solved"})
    (True, False)
    """
    return (rows["split"] == "probe") & (rows["status"] == "diverged")


def solved_on_validation_only(rows: Columns) -> Any:
    """Did two validations in a row solve the task, and test did not?  It marks the row `solved` of test.

    >>> row = {"split": "test", "metric": "solved", "status": "solved", "value": 0.0}
    >>> solved_on_validation_only(row), solved_on_validation_only(row | {"value": 1.0})
    (True, False)
    """
    of_test = (rows["split"] == "test") & (rows["metric"] == "solved")
    return of_test & (rows["status"] == "solved") & (rows["value"] == 0)


def edge(chosen: float, tried: Sequence[float]) -> Literal["smallest", "largest"] | None:
    """Which end of the learning rates or hidden sizes tried was chosen?  A better one may lie beyond it.

    What was tried stands in the rows, those of the choice with `selected`: the learning rates in a shard's
    final rows of validation, the sizes in those of the folds of one study, task and variant.

    >>> edge(0.01, [0.001, 0.003, 0.01]), edge(0.003, [0.001, 0.003, 0.01]), edge(0.01, [0.01])
    ('largest', None, None)
    """
    if len(set(tried)) < 2 or min(tried) < chosen < max(tried):
        return None
    return "smallest" if chosen <= min(tried) else "largest"
