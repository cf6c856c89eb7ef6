"""How long a shard takes, in seconds of one processor core: all updates of its budget, and its probes.

An update costs a fixed part, a part for each operation of plain PyTorch, and a part for each multiplication
of all replicas, sequences and steps by the weights (elman, P = 4,486, 10 replicas, 32 sequences, T = 100):

    fixed              whatever its size                                               2.6 ms
    operations         none: the loop over time is compiled                            0 ms
    numbers kept       none: it is not one of the loops that are linear in the state   0 ms
    multiplications    10 x 32 x 100 x 4,486 = 144 million, at 83 million a ms         12 ms

The constants were fitted to the archived rows of the default config, each of which says how long it took (two
cores of an Intel Xeon with AVX-512); a test compares.  There, an estimate for the steps that were really run
is within a factor of 2 of nine shards in ten.  Another processor is another factor, which `Speed` holds where
somebody has measured it (planning/calibration.py), and a run that solves its task or stops improving ends
earlier.  The constants for a GPU are a guess until somebody measures one (`make gpu-check`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rnnlimits import catalog
from rnnlimits.contracts import ProbeOptions
from rnnlimits.planning import memory, time_loops
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.shard import Shard

SIMULATION_S = 2.0  # the longest of the default config
# So many operations a step as tensors are kept, forwards and backwards together.
PROBED_OPERATION_S, PROBED_MULTIPLICATION_S = 1e-4, 2e-10
PROBED_SEQUENCES = 16
# A weight of an embedding costs an update its gradient, which is mostly zeros, and its step; measured with
# 144,016 of them (task sentiment).
LOOKED_UP_S = 1.1e-8
# A sequence that is only evaluated is not pulled back.
EVALUATED = 1 / 3


@dataclass(frozen=True)
class Costs:
    """Seconds of the parts of an update."""

    fixed: float
    operation: float
    multiplication: float
    kept: float = 0.0  # a number kept for the backward pass, of all replicas, sequences and steps


COSTS = {
    "compiled": Costs(2.6e-3, 0, 8.3e-11),
    "linear": Costs(2.6e-3, 0, 8.3e-11, 4e-9),  # compiled too, and bound by memory: little is multiplied
    "plain": Costs(2.6e-3, 4e-5, 1.6e-10),  # PyTorch, step by step
    "window": Costs(1.5e-2, 0, 1.2e-10),  # networks without a loop over time
    "gpu": Costs(2e-3, 1e-5, 1e-12),  # a guess
}
LINEAR_KERNELS = {"minimal_gru", "minimal_lstm", *time_loops.ONE_BY_ONE}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How often the constants' seconds go into those of a machine: 1 as fast, 2 half as fast."""

    fixed: float = 1.0  # the fixed part of an update with a loop over time
    compiled: float = 1.0  # what grows with the size of a network, by kind
    linear: float = 1.0
    plain: float = 1.0  # probes too
    window_fixed: float = 1.0
    window: float = 1.0
    evaluation: float = 1.0  # of a sequence, beside its training
    # Seconds of a job's own process, and of a training beside its updates, which the constants leave out.
    start_s: float = 0.0
    training_start_s: float = 0.0
    # The same of a GPU, which is measured and kept by itself (planning/gpu_calibration.py).
    gpu_fixed: float = 1.0
    gpu: float = 1.0
    gpu_evaluation: float = 1.0

    def of(self, kind: str) -> tuple[float, float]:
        """The factors of the fixed part and of the rest."""
        if kind == "gpu":
            return self.gpu_fixed, self.gpu
        return self.window_fixed if kind == "window" else self.fixed, getattr(self, kind)


BY_CONSTANTS = Speed()


@dataclass(frozen=True)
class Made:
    """How many updates the replicas of a shard made before they stopped."""

    longest: float
    mean: float


def seconds(
    shard: Shard, device: str = "cpu", speed: Speed = BY_CONSTANTS, made: Made | None = None
) -> float:
    """One core's seconds for a shard, in which nothing stops early unless `made` says so; without torch."""
    if shard.budget is None:
        return speed.start_s + SIMULATION_S
    size = memory.sizes(shard)
    made = made or Made(shard.budget.updates, shard.budget.updates)
    trained = training(shard, shard.budget, size, made, device, speed)
    if shard.updates:
        trained += speed.training_start_s
    return speed.start_s + trained + speed.plain * probing(shard, size)


def training(
    shard: Shard, budget: Budget, size: memory.Sizes, made: Made, device: str, speed: Speed
) -> float:
    kind = kind_of(shard, device)
    fixed_factor, factor = speed.of(kind)
    fixed, update, validation = parts(shard, budget, size, COSTS[kind])
    evaluation = speed.gpu_evaluation if kind == "gpu" else speed.evaluation
    grows = factor * (update + evaluation * validation / budget.validate_every)
    # A replica that has stopped takes no part in the products; the call stays as long as there is one.
    return float(made.longest * fixed_factor * fixed + made.mean * grows)


def parts(shard: Shard, budget: Budget, size: memory.Sizes, costs: Costs) -> tuple[float, float, float]:
    """Seconds of an update, what is fixed and what grows with the network; and of a validation."""
    kept = 0.0
    if costs.kept:
        kept = time_loops.kept_by_loops(shard, size.each_step_read) * shard.hidden_size
    multiplied = shard.parameters - size.looked_up
    sequence = size.computed_steps * (costs.multiplication * multiplied + costs.kept * kept)
    operations = costs.operation * size.computed_steps * size.trained_tensors_kept
    update = operations + shard.replicas * (budget.batch_size * sequence + LOOKED_UP_S * size.looked_up)
    validation = EVALUATED * (operations + shard.replicas * budget.validation_sequences * sequence)
    return costs.fixed, update, validation


def kind_of(shard: Shard, device: str = "cpu") -> str:
    """What an update is made of: a key of COSTS."""
    if device == "cuda":
        return "gpu"
    if time_loops.compiled(shard, device):
        return "linear" if time_loops.kernel_of(shard) in LINEAR_KERNELS else "compiled"
    return "plain" if time_loops.architecture_of(shard).receptive_field is None else "window"


def probing(shard: Shard, size: memory.Sizes) -> float:
    """Before training and, if there is any, after it; on the CPU in plain PyTorch, whatever the device."""
    times = memory.seeds_of(shard) * (2 if shard.updates else 1)
    return times * sum(probe(shard, size, name, options) for name, options in shard.probes.items())


def probe(shard: Shard, size: memory.Sizes, name: str, options: dict[str, Any]) -> float:
    """One probe of one replica."""
    page: ProbeOptions = catalog.make(catalog.options("probes", name), options)
    multiplications = PROBED_SEQUENCES * (shard.parameters - size.looked_up)
    one_step = PROBED_OPERATION_S * size.tensors_kept + PROBED_MULTIPLICATION_S * multiplications
    asked = max(1, round(size.steps * size.read_share)) if size.each_step_read else 1
    return float(page.followed_steps(size.steps, asked) * one_step)


def planned(
    shards: Iterable[Shard], device: str = "cpu", speed: Speed = BY_CONSTANTS,
    made: Mapping[str, Made] | None = None,
) -> dict[str, float]:  # fmt: skip
    """shard id -> seconds; a refit as if it chose the largest of its sizes."""
    by_id, made = {shard.id: shard for shard in shards}, made or {}
    return {
        name: seconds(memory.sized(shard, by_id), device, speed, made.get(name))
        for name, shard in by_id.items()
    }


def in_words(seconds: float) -> str:
    """
    >>> in_words(12), in_words(190), in_words(40_000), in_words(900_000)
    ('12 s', '3.2 min', '11.1 h', '10.4 days')
    """
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
