"""The replicas of a shard in groups that fit the memory, trained one group after another.

A replica's numbers are those that it has among all others: its weights, data stream and evaluation sets come
from its seed, and whatever is chosen is chosen when all groups are done.
"""

import gc
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rnnlimits.architectures._model import Model
from rnnlimits.planning import machine, memory
from rnnlimits.planning.shard import Shard
from rnnlimits.tasks.base import Batch, Split, Task, generator
from rnnlimits.training.checkpoints import Checkpoint
from rnnlimits.training.evaluation import evaluate
from rnnlimits.training.replicas import Replicas

if TYPE_CHECKING:
    from rnnlimits.training.module import Reading, Replica


def sizes_that_fit(shard: Shard, memory_mb: float, device: str, jobs_per_gpu: int = 1) -> list[int]:
    """How many replicas to train at once, group after group; `memory_mb` 0 means what there is for a job."""
    if not memory_mb and device == "cuda":
        whole = torch.cuda.get_device_properties(0).total_memory / memory.MIB
        memory_mb = memory.GPU_SHARE * whole / jobs_per_gpu
    memory_mb = memory_mb or machine.memory_of_a_core()
    needed = memory.held_in(shard, 1, device)
    if needed > memory_mb:
        logging.getLogger(__name__).warning(
            "%s: one replica alone needs about %.0f MB, and %.0f MB may be used; trying all the same",
            shard.id, needed, memory_mb,
        )  # fmt: skip
    return memory.group_sizes(shard.replicas, memory.fitting(shard, memory_mb, device))


def in_groups(replicas: "list[Replica]", sizes: list[int]) -> "Iterator[tuple[int, list[Replica]]]":
    """(the number of its first replica, its replicas) of each group."""
    start = 0
    for size in sizes:
        yield start, replicas[start : start + size]
        start += size


def train(
    replicas: "list[Replica]", tasks: dict[int, Task], models: dict[int, Model], budget: dict,
    log_dir: Path | None, device: str, checkpoint: Checkpoint | None, start: int,
) -> "list[Reading]":  # fmt: skip
    """Train the group from replica `start` on: its readings; the best weights are left in `replicas`."""
    # Lightning costs seconds to import; a shard that only probes does without.
    from rnnlimits.training.module import ReplicaTraining
    from rnnlimits.training.trainer import fit

    own = {replica.seed: tasks[replica.seed] for replica in replicas}
    validation = sets(replicas, tasks, "validation", budget["validation_sequences"])
    together = Replicas([models[replica.seed] for replica in replicas])
    module = ReplicaTraining(together, replicas, own, validation, budget, checkpoint, start)
    if checkpoint and start in checkpoint.groups:
        module.restore(checkpoint.groups[start])
    fit(module, device, log_dir)
    for replica in replicas:
        replica.best_theta_P = replica.best_theta_P.cpu()
        replica.mid_training_theta_P = replica.mid_training_theta_P.cpu()
    readings = module.readings
    if checkpoint:
        checkpoint.groups[start] = module.outcome()
    del module, together, validation
    gc.collect()  # Lightning's parts point at each other: without this the next group would come on top
    if device == "cuda":
        torch.cuda.empty_cache()
    return readings


def read_test(
    replicas: "list[Replica]", tasks: dict[int, Task], models: dict[int, Model], sequences: int
) -> dict[str, list[float]]:
    """metric -> a value a replica, with its best weights on the test sequences of its seed."""
    read = sets(replicas, tasks, "test", sequences)
    together = Replicas([models[replica.seed] for replica in replicas])
    theta_RP = torch.stack([replica.best_theta_P for replica in replicas])
    task = tasks[replicas[0].seed]
    return evaluate(together, task, range(len(replicas)), theta_RP, [read[one.seed] for one in replicas])


def sets(
    replicas: "list[Replica]", tasks: dict[int, Task], split: Split, sequences: int
) -> dict[int, list[Batch]]:
    """seed -> its sequences: replicas that differ in the learning rate alone share them."""
    seeds = sorted({replica.seed for replica in replicas})
    return {seed: tasks[seed].evaluation(split, sequences, generator(seed, split)) for seed in seeds}
