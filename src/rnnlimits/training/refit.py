"""The refit of a cross-validation: the hidden size and the learning rate that the folds' rows choose.

The size is chosen by the rule of one standard error (rows/selection.py); each size comes with the learning
rate at which its folds were best.
"""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import torch

from rnnlimits import rows
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row
from rnnlimits.rows.selection import of_a_diverged_fold, one_standard_error
from rnnlimits.storage.integrity import DamagedError
from rnnlimits.training.build import build_task


def chosen_by_cross_validation(shard: Shard, rows_dir: Path | None) -> Shard:
    """The shard with the hidden size and the learning rate filled in; `rows_dir` holds the folds' rows.

    A rows file that is not what was written is a storage.integrity.DamagedError: nothing is chosen from it.
    """
    if rows_dir is None:
        raise ValueError(f"{shard.id}: needs the rows of {', '.join(shard.needs)}; say where with --rows")
    task = build_task(shard)
    folds = list(scored(shard, rows_dir, f"best_{task.metric}"))
    survivors = [row.value for row in folds if row.value is not None]
    lost = of_a_diverged_fold(survivors, folds[0].chance, task.higher_is_better)
    scores: dict[int, list[float]] = {}
    rates: dict[int, float] = {}
    for row in folds:
        scores.setdefault(row.hidden_size, []).append(lost if row.value is None else row.value)
        assert row.learning_rate is not None, "a fold that was trained has a learning rate"
        rates[row.hidden_size] = row.learning_rate
    sizes = {size: mean_and_error(values) for size, values in scores.items()}
    _, size = one_standard_error(sizes, task.higher_is_better)
    return dataclasses.replace(shard, hidden_size=size, learning_rates=[rates[size]], needs=[], folds=None)


def scored(shard: Shard, rows_dir: Path, metric: str) -> Iterator[Row]:
    """One row a fold of each size, at the learning rate that was chosen for that size."""
    for need in shard.needs:
        path = rows_dir / f"{need}.parquet"
        if not path.is_file():
            raise ValueError(f"{path}: not there, and {shard.id} needs it; train it first: run it again")
        found = [row for row in rows.read(path, need) if row.metric == metric and row.selected]
        if sorted(row.fold for row in found if row.fold is not None) != list(range(shard.folds or 0)):
            said = f"damaged: it has {len(found)} scores of its folds; expected one of each of {shard.folds}"
            raise DamagedError(path, said)
        yield from found


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """The mean, and its standard error."""
    tensor = torch.tensor(values, dtype=torch.float64)
    return tensor.mean().item(), (tensor.std() / math.sqrt(len(values))).item()
