"""Which weights stay when a shard is done, where, and how large they are: `keep_weights` of a study.

    chosen   the replicas at the learning rate that validation chose, with the weights that test read
    all      the replicas at every learning rate
    none     no weights, as always of folds, of simulations and of what is measured untrained

They lie beside the rows: SHARD.parquet, SHARD.safetensors.  training/kept_weights.py writes that file.
"""

from pathlib import Path

from rnnlimits import catalog
from rnnlimits.contracts import TaskOptions
from rnnlimits.planning.shard import Shard
from rnnlimits.planning.time_loops import architecture_of

KINDS = ("chosen", "all", "none")
ENDING = ".safetensors"
BYTES = 4  # of a number: float32


def beside(rows: Path) -> Path:
    """
    >>> print(beside(Path("rows/s.adding.gru.h8.t10.parquet")))
    rows/s.adding.gru.h8.t10.safetensors
    """
    return rows.with_name(rows.name.removesuffix(".parquet") + ENDING)


def replicas(shard: Shard, keep: str) -> int:
    """How many of its replicas are kept.  A fold is a means of choosing a size, and no result: none are."""
    if keep == "none" or not shard.updates or shard.kind == "cross_validation":
        return 0
    return shard.replicas if keep == "all" else shard.seeds


def size_bytes(shard: Shard, keep: str) -> int:
    """Of the numbers in its file; names and the spec take some kilobytes more."""
    if not (count := replicas(shard, keep)):
        return 0
    task: TaskOptions = catalog.make(catalog.options("tasks", shard.task_page), shard.task_options)
    inputs = task.embedding or task.widths(shard.length_steps)[0]
    frozen = architecture_of(shard).frozen(inputs, shard.hidden_size)
    return count * (shard.parameters + frozen) * BYTES
