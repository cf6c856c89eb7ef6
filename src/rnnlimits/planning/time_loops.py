"""Which loop over time a shard's architecture has, and what that keeps; without importing torch."""

import functools
import importlib.util
import os

from rnnlimits import catalog
from rnnlimits.contracts import ArchitectureOptions
from rnnlimits.planning.shard import Shard

# Tensors of B x H numbers a step that a forward pass keeps, with gradient or without.
COMPILED = {
    "elman": 1, "gru": 5, "lstm": 6, "lstm_1997": 5, "long_expressive_memory": 6, "independent": 2,
    "leaky": 3, "antisymmetric": 3,  # with a gate; without, one less
    "coupled_oscillatory": 3, "orthogonal": 1, "minimal_gru": 3, "minimal_lstm": 4,
}  # fmt: skip
# The same where it is one replica after another: without gradient, the outputs twice, and what one needs.
ONE_BY_ONE = {"diagonal_state_space": 9, "linear_recurrent_unit": 8, "selective_state_space": 15}
FOR_LAST = {"diagonal_state_space": 5, "linear_recurrent_unit": 2.5, "selective_state_space": 7}
NOTHING_COMPILED = {"diagonal_state_space"}  # operations of PyTorch alone, on any device


def architecture_of(shard: Shard) -> ArchitectureOptions:
    options: ArchitectureOptions = catalog.make(
        catalog.options("architectures", shard.architecture), shard.architecture_options
    )
    return options


def kernel_of(shard: Shard) -> str:
    page = architecture_of(shard).of or shard.architecture
    return catalog.constant("architectures", page, "kernel") or ""


def compiled(shard: Shard, device: str) -> bool:
    """Will the loop over time be a compiled one?  A cheap guess; the job itself tries it out."""
    kernel, by_numba = kernel_of(shard), device == "cpu" and numba_is_there()
    there = kernel in NOTHING_COMPILED or (by_numba and kernel in COMPILED | ONE_BY_ONE)
    return there and os.environ.get("RNNLIMITS_BACKEND") != "torch"


@functools.cache
def numba_is_there() -> bool:
    return importlib.util.find_spec("numba") is not None


def kept_by_loops(shard: Shard, each_step_read: bool) -> float:
    """Tensors a step; of the layers of a stack the last one alone may leave out the steps before the last."""
    kernel, loops = kernel_of(shard), architecture_of(shard).time_loops
    of_each, fewer = (COMPILED | ONE_BY_ONE)[kernel], {} if each_step_read else FOR_LAST
    return (loops - 1) * of_each + fewer.get(kernel, of_each)
