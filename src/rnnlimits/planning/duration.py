"""How long a shard takes, in seconds of one processor core: all updates of its budget, and its probes.

An update costs a fixed part, a part for each operation of plain PyTorch, and a part for each multiplication
of all replicas, sequences and steps by the weights (elman, P = 4,486, 10 replicas, 32 sequences, T = 100):

    fixed              whatever its size                                               2.6 ms
    operations         none: the loop over time is compiled                            0 ms
    numbers kept       none: it is not one of the loops that are linear in the state   0 ms
    multiplications    10 x 32 x 100 x 4,486 = 144 million, at 83 million a ms         12 ms

The constants were fitted to the archived rows of the default config, each of which says how long it took (two
cores of an Intel Xeon with AVX-512); a test compares.  There, an estimate for the steps that were really run
is within a factor of 2 of nine shards in ten.  Another processor is another factor, and a run that solves its
task or stops improving ends earlier.  For a GPU nothing was measured: its constants are a guess.
"""

from collections.abc import Iterable
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
# A sequence that is only evaluated is not pulled back.
EVALUATED = 1 / 3


@dataclass(frozen=True)
class Costs:
    """Seconds of the parts of an update."""

    fixed: float
    operation: float
    multiplication: float
    kept: float = 0.0  # a number kept for the backward pass, of all replicas, sequences and steps


COMPILED = Costs(2.6e-3, 0, 8.3e-11)
LINEAR = Costs(2.6e-3, 0, 8.3e-11, 4e-9)  # compiled too, and bound by memory: little is multiplied
LOOP = Costs(2.6e-3, 4e-5, 1.6e-10)  # plain PyTorch, step by step
NO_LOOP = Costs(1.5e-2, 0, 1.2e-10)  # networks with a window
LINEAR_KERNELS = {"minimal_gru", "minimal_lstm", *time_loops.ONE_BY_ONE}
GPU = Costs(2e-3, 1e-5, 1e-12)  # a guess


def seconds(shard: Shard, device: str = "cpu") -> float:
    """One core's seconds for a shard, in which nothing stops early; without importing torch."""
    if shard.budget is None:
        return SIMULATION_S
    size = memory.sizes(shard)
    return training(shard, shard.budget, size, device) + probing(shard, size)


def training(shard: Shard, budget: Budget, size: memory.Sizes, device: str = "cpu") -> float:
    costs = costs_of(shard, device)
    validated = budget.validation_sequences / budget.validate_every
    sequences = shard.replicas * (budget.batch_size + EVALUATED * validated)
    multiplications = sequences * size.computed_steps * shard.parameters
    operations = size.computed_steps * size.trained_tensors_kept
    one = costs.fixed + costs.operation * operations + costs.multiplication * multiplications
    if costs.kept:
        kept = time_loops.kept_by_loops(shard, size.each_step_read) * shard.hidden_size
        one += costs.kept * sequences * size.computed_steps * kept
    return float(budget.updates * one)


def costs_of(shard: Shard, device: str) -> Costs:
    if device == "cuda":
        return GPU
    if time_loops.compiled(shard, device):
        return LINEAR if time_loops.kernel_of(shard) in LINEAR_KERNELS else COMPILED
    return LOOP if time_loops.architecture_of(shard).receptive_field is None else NO_LOOP


def probing(shard: Shard, size: memory.Sizes) -> float:
    """Before training and, if there is any, after it; on the CPU in plain PyTorch, whatever the device."""
    times = memory.seeds_of(shard) * (2 if shard.updates else 1)
    return times * sum(probe(shard, size, name, options) for name, options in shard.probes.items())


def probe(shard: Shard, size: memory.Sizes, name: str, options: dict[str, Any]) -> float:
    """One probe of one replica."""
    page: ProbeOptions = catalog.make(catalog.options("probes", name), options)
    multiplications = PROBED_SEQUENCES * shard.parameters
    one_step = PROBED_OPERATION_S * size.tensors_kept + PROBED_MULTIPLICATION_S * multiplications
    asked = max(1, round(size.steps * size.read_share)) if size.each_step_read else 1
    return float(page.followed_steps(size.steps, asked) * one_step)


def planned(shards: Iterable[Shard], device: str = "cpu") -> dict[str, float]:
    """shard id -> seconds; a refit as if it chose the largest of its sizes."""
    by_id = {shard.id: shard for shard in shards}
    return {name: seconds(memory.sized(shard, by_id), device) for name, shard in by_id.items()}


def in_words(seconds: float) -> str:
    """
    >>> in_words(12), in_words(190), in_words(40_000), in_words(900_000)
    ('12 s', '3.2 min', '11.1 h', '10.4 days')
    """
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
