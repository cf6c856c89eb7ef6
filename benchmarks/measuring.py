"""What the benchmarks share: turns of contenders, the machine in a line, one update of the trainer."""

import argparse
import itertools
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from rnnlimits.architectures import kernels
from rnnlimits.architectures._model import Model
from rnnlimits.planning.config.budget import Budget
from rnnlimits.tasks.base import Batch, Task
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas

Work = Callable[[], object]
LEARNING_RATE = 1e-3


def parser(text: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="tiny sizes; the numbers mean nothing")
    return made


def machine() -> str:
    """The processor, its cores, torch and what runs the loops over time."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return (
        f"{name}, {os.cpu_count()} cores, torch {torch.__version__}, loops: {kernels.backend()}, one thread"
    )


def prepare() -> None:
    """One thread, and denormal numbers are zero, as in a training; so for every contender."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)


def seconds(work: Work) -> float:
    """Of the second of two calls: as in a training, it finds the caches as the one before left them."""
    work()
    start = time.process_time()
    work()
    return time.process_time() - start


def medians(works: dict[str, Work], runs: int) -> dict[str, float]:
    """Median processor seconds of each; they take turns, so that what disturbs the machine disturbs all."""
    for work in works.values():
        work()  # compiles and loads
    taken = [{name: seconds(work) for name, work in works.items()} for _ in range(runs)]
    return {name: statistics.median(run[name] for run in taken) for name in works}


def trainer(models: Sequence[Model], task: Task, batch: int) -> ReplicaTraining:
    """The trainer of a shard with these models, one a seed."""
    replicas = [Replica(seed, LEARNING_RATE) for seed in range(len(models))]
    budget = Budget(updates=1, batch_size=batch)
    return ReplicaTraining(Replicas(models), replicas, dict.fromkeys(range(len(models)), task), {}, budget)


class Written(nn.Module):
    """What one would write with torch.nn."""

    def __init__(self, layer: nn.Module, hidden: int, outputs: int, reads_last: bool):
        super().__init__()
        self.layer, self.readout, self.reads_last = layer, nn.Linear(hidden, outputs), reads_last

    def forward(self, x_BTI: Tensor) -> tuple[Tensor, None]:
        y_BTH, _ = self.layer(x_BTI)
        return self.readout(y_BTH[:, -1:] if self.reads_last else y_BTH), None


def feed(module: ReplicaTraining, device: str = "cpu") -> list[Batch]:
    """The first batch of every seed, which the trainer now gets again and again, drawn and in its place."""
    drawn = [next(stream) for stream in module.streams.values()]
    batches = [replace(one, x=one.x.to(device), target=one.target.to(device)) for one in drawn]
    module.streams = {seed: itertools.repeat(batch) for seed, batch in enumerate(batches)}
    return batches


def update(module: ReplicaTraining) -> Work:
    """One update of all models, without Lightning's loop around it."""
    optimiser = module.configure_optimizers()
    module.on_fit_start()

    def step() -> None:
        optimiser.zero_grad()
        module.backward(module.training_step(torch.zeros(())))
        optimiser.step()

    return step
