"""The replicas of a shard in groups that fit the memory, which are trained and read one after another.

A replica's numbers are those that it has among all others: its weights, data stream and evaluation sets come
from its seed, and whatever is chosen is chosen when all groups are done.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from rnnlimits.planning import machine, memory
from rnnlimits.planning.job import Job
from rnnlimits.planning.shard import Shard
from rnnlimits.tasks.base import Batch, Split, generator
from rnnlimits.training import decoding
from rnnlimits.training.build import Setup
from rnnlimits.training.evaluation import evaluate
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas


@dataclass(frozen=True, kw_only=True)
class Group:
    """Replicas that are trained, or read, at once."""

    start: int  # the number of the first of them among all
    replicas: list[Replica]
    everyone: list[Replica]  # these and all others of the job

    @property
    def is_all(self) -> bool:
        return len(self.everyone) == len(self.replicas)

    def log_folder(self, log: Path | None) -> Path | None:
        """Where its metrics go: the folder itself, or one for each group."""
        return log if log is None or self.is_all else log / f"from_replica_{self.start}"


def memory_of(job: Job) -> float:
    """MiB that a job may use: of the GPU's memory where it trains on one."""
    if job.memory_mb or not job.on_gpu:
        return job.memory_mb or machine.memory_of_a_core()
    whole = torch.cuda.get_device_properties(0).total_memory / memory.MIB
    return memory.GPU_SHARE * whole / job.jobs_per_gpu


def sizes_that_fit(shard: Shard, job: Job) -> list[int]:
    """How many replicas to train at once, group after group."""
    memory_mb = memory_of(job)
    needed = memory.held_in(shard, 1, job.runs_on)
    if needed > memory_mb:
        logging.getLogger(__name__).warning(
            "%s: one replica alone needs about %.0f MB, and %.0f MB may be used; trying all the same",
            shard.id, needed, memory_mb,
        )  # fmt: skip
    return memory.group_sizes(shard.replicas, memory.fitting(shard, memory_mb, job.runs_on))


def grouped(replicas: Sequence[Replica], sizes: Sequence[int]) -> list[Group]:
    """The replicas in groups of these sizes, in their order."""
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return [
        Group(start=start, replicas=list(replicas[start : start + size]), everyone=list(replicas))
        for start, size in zip(starts, sizes, strict=True)
    ]


def sets(setup: Setup, replicas: Sequence[Replica], split: Split, sequences: int) -> dict[int, list[Batch]]:
    """seed -> its sequences: replicas that differ in the learning rate alone share them."""
    seeds = sorted({replica.seed for replica in replicas})
    return {seed: setup.tasks[seed].evaluation(split, sequences, generator(seed, split)) for seed in seeds}


def read_test(
    setup: Setup, replicas: Sequence[Replica], last: bool = False, device: str = "cpu"
) -> list[dict[str, float]]:
    """metric -> value, a replica: its best (or last) weights on the test sequences of its seed."""
    read = sets(setup, replicas, "test", setup.budget.test_sequences)
    together = Replicas([setup.models[replica.seed] for replica in replicas]).to(device)
    theta_RP = torch.stack([one.last_theta_P if last else one.best_theta_P for one in replicas]).to(device)
    mine = [read[replica.seed] for replica in replicas]
    task = setup.tasks[replicas[0].seed]
    numbers = range(len(replicas))
    scores = evaluate(together, task, numbers, theta_RP, mine)
    written = decoding.judged(together, task, numbers, theta_RP, "test")
    return [{metric: score_R[r] for metric, score_R in scores.items()} | written[r] for r in numbers]
