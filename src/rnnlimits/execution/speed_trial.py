"""How fast this machine is: some updates of a handful of networks, against the constants of the plan.

Each network is trained as a job trains it, by Lightning, and what counts is the median of processor time,
which other work on the machine disturbs less than the clock.  A small network tells the fixed part of an
update, a larger one what grows with the size, and the updates that end with a validation what that costs.
All of it takes seconds; minutes where the loops over time were never compiled before.
"""

import contextlib
import importlib.util
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlimits.planning import duration, memory
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.duration import COSTS, Speed
from rnnlimits.planning.job import Job
from rnnlimits.planning.shard import Shard

# The first updates find nothing in the caches; every fourth one ends with a validation.
FIRST, UPDATES, VALIDATE_EVERY = 4, 25, 4
STARTS = 3
LEAST = 0.05  # of a factor: what is lost in the noise is not free
# Kind -> (page, hidden size, steps); where there are several, the first is small.
NETWORKS = {
    "compiled": [("elman", 8, 10), ("elman", 64, 100), ("gru", 36, 100), ("lstm", 32, 100)],
    "linear": [("minimal_gru", 64, 100)],
    "window": [("temporal_convolution", 4, 10), ("temporal_convolution", 11, 100)],
    "plain": [("elman", 64, 50)],
}
# A process of a job: what trains is forked from one that has imported everything.
START = [sys.executable, "-m", "rnnlimits.cli", "train", "--help"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Seconds of one network's parts, as measured here and by the constants."""

    update: float
    validation: float
    fixed_estimate: float  # of an update
    estimate: float  # of what grows with the size
    validation_estimate: float

    def growth(self, fixed: float) -> float:
        """The factor of what grows with the size, if that of the fixed part is known."""
        return max(LEAST, (self.update - fixed * self.fixed_estimate) / self.estimate)


def measured() -> Speed:
    """The factors of this machine; a ValueError where it cannot train."""
    if missing := [name for name in ("torch", "lightning") if importlib.util.find_spec(name) is None]:
        raise ValueError(
            f"--calibrate: nothing can be trained without {' and '.join(missing)}; install the extra `train`"
        )
    # Where numba is not there, no loop is compiled, and plain ones stand for them.
    compiled = duration.kind_of(network(*NETWORKS["compiled"][0])) == "compiled"
    kinds = [kind for kind in NETWORKS if compiled or kind in ("window", "plain")]
    trials = {kind: trials_of(kind) for kind in kinds}
    window_fixed, window = fixed_and_growth(trials["window"])
    fixed, loops = fixed_and_growth(trials["compiled"]) if compiled else (1.0, 1.0)
    plain = trials["plain"][0].growth(fixed)
    evaluated, by = (trials["compiled"][1:], loops) if compiled else (trials["plain"], plain)
    linear = trials["linear"][0].growth(fixed) if compiled else plain
    return Speed(
        fixed=fixed, compiled=loops, linear=linear, plain=plain, window_fixed=window_fixed, window=window,
        evaluation=evaluation(evaluated, by), start_s=start_s(),
        training_start_s=training_start_s(),
    )  # fmt: skip


def fixed_and_growth(trials: list[Trial]) -> tuple[float, float]:
    """Both factors that a small network and the larger ones agree on; of the larger ones, the median."""
    small, *larger = trials
    fixed = small.update / (small.fixed_estimate + small.estimate)
    for _ in range(5):  # each corrects the other, and the small one has little that grows
        growth = statistics.median(one.growth(fixed) for one in larger)
        fixed = max(LEAST, (small.update - growth * small.estimate) / small.fixed_estimate)
    return fixed, growth


def evaluation(trials: list[Trial], growth: float) -> float:
    found = (one.validation / (growth * one.validation_estimate) for one in trials)
    return max(LEAST, statistics.median(found))


def trials_of(kind: str) -> list[Trial]:
    with without_compiled_loops() if kind == "plain" else contextlib.nullcontext():
        return [trial(network(*sizes), kind) for sizes in NETWORKS[kind]]


@contextlib.contextmanager
def without_compiled_loops() -> Iterator[None]:
    before = os.environ.get("RNNLIMITS_BACKEND")
    os.environ["RNNLIMITS_BACKEND"] = "torch"
    try:
        yield
    finally:
        del os.environ["RNNLIMITS_BACKEND"]
        if before is not None:
            os.environ["RNNLIMITS_BACKEND"] = before


def network(page: str, hidden: int, steps: int, updates: int | None = None) -> Shard:
    """Ten replicas on the adding problem: as many as most shards of the default config have."""
    budget = Budget(updates=updates or UPDATES, validate_every=VALIDATE_EVERY)
    return Shard(
        study="calibration", kind="training", task="adding", task_page="adding", task_options={},
        variant=page, architecture=page, architecture_options={}, hidden_size=hidden, length_steps=steps,
        parameters=0, parameters_target=None, seeds=5, learning_rates=[1e-3, 1e-4], budget=budget, probes={},
        folds=None, needs=[],
    )  # fmt: skip


def trial(shard: Shard, kind: str, device: str = "cpu") -> Trial:
    """Train one network, and look at the processor's clock whenever it asks for a batch.

    For a GPU at the clock on the wall: the processor waits for it after each update.
    """
    import torch

    from rnnlimits.training import build, groups, trainer
    from rnnlimits.training.module import ReplicaTraining
    from rnnlimits.training.replica import Replica
    from rnnlimits.training.replicas import Replicas

    torch.set_num_threads(1)  # as in a job
    setup = build.set_up(shard)
    replicas = [Replica(seed, rate) for rate in shard.learning_rates for seed in setup.tasks]
    models = Replicas([setup.models[replica.seed] for replica in replicas])
    validation = groups.sets(setup, replicas, "validation", setup.budget.validation_sequences)
    module = ReplicaTraining(models, replicas, setup.tasks, validation, setup.budget)
    asked_s: list[float] = []
    streams: dict[int, Any] = module.streams
    clock = time.process_time if device == "cpu" else time.perf_counter
    streams[0] = stamped(streams[0], asked_s, clock)
    trainer.fit(module, device, None)
    fixed, growth, validated = duration.parts(
        setup.shard, setup.budget, memory.sizes(setup.shard), COSTS[kind]
    )
    update, validation_s = update_and_validation(asked_s)
    return Trial(
        update=update, validation=validation_s, fixed_estimate=fixed, estimate=growth,
        validation_estimate=validated,
    )  # fmt: skip


def stamped(stream: Iterator[Any], asked_s: list[float], clock: Callable[[], float]) -> Iterator[Any]:
    """The same stream, which writes down when it is asked."""
    while True:
        asked_s.append(clock())
        yield next(stream)


def update_and_validation(asked_s: list[float]) -> tuple[float, float]:
    """
    >>> update_and_validation([0, 9, 18, 27, 36, 38, 40, 42, 49, 51, 53, 55, 62])
    (2.0, 5.0)
    """
    taken = [after - before for before, after in itertools.pairwise(asked_s)]
    with_validation = statistics.median(taken[FIRST + VALIDATE_EVERY - 1 :: VALIDATE_EVERY])
    update = statistics.median(
        s for number, s in enumerate(taken, 1) if number > FIRST and number % VALIDATE_EVERY
    )
    return update, with_validation - update


def start_s() -> float:
    """Median processor seconds of a job's own process."""
    import resource

    taken = []
    for _ in range(STARTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(START, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken)


def training_start_s() -> float:
    """Median processor seconds of a training job beside its updates: Lightning's start, its end, the rows."""
    from rnnlimits.training import protocol

    job = Job(shard=network(*NETWORKS["window"][0], updates=1), out=Path("not_written"))
    taken = []
    for _ in range(STARTS):
        began_s = time.process_time()
        protocol.run(job)
        taken.append(time.process_time() - began_s)
    return statistics.median(taken)
