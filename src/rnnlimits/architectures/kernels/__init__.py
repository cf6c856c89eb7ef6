"""Optional fused time loops for several replicas at once; pure PyTorch stands in where they fail.

`available("gru", x)` says whether the loop of that name can take over for inputs like x. It says so after a
trial run against plain PyTorch, once per process: an import that works proves little (a compiler, a BLAS or a
writable folder may be missing). The environment variable RNNLIMITS_BACKEND=torch switches all of it off.
`choose` gives the loop to use, on a GPU one of rnnlimits.kernels.cuda, or None.
"""

import functools
import hashlib
import os
import sys
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from rnnlimits.architectures.kernels import (
    antisymmetric,
    coupled_oscillatory,
    cuda,
    diagonal_state_space,
    elman,
    gru,
    independent,
    leaky,
    linear,
    linear_recurrent_unit,
    long_expressive_memory,
    lstm,
    lstm_1997,
    minimal_gru,
    minimal_lstm,
    orthogonal,
    selective_state_space,
)

__all__ = ["available", "backend", "choose", "cuda", "elman", "gru", "lstm", "lstm_1997"]

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units, G = H, 3H or 4H gate values.
KERNELS = {
    "antisymmetric": antisymmetric, "coupled_oscillatory": coupled_oscillatory,
    "diagonal_state_space": diagonal_state_space, "elman": elman, "gru": gru, "independent": independent,
    "leaky": leaky, "linear": linear, "linear_recurrent_unit": linear_recurrent_unit,
    "long_expressive_memory": long_expressive_memory, "lstm": lstm, "lstm_1997": lstm_1997,
    "minimal_gru": minimal_gru, "minimal_lstm": minimal_lstm, "orthogonal": orthogonal,
    "selective_state_space": selective_state_space,
}  # fmt: skip
# Nothing of these is compiled: products of PyTorch, which run wherever it does.
PRODUCTS = {"diagonal_state_space": "torch-blocks"}
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def available(kernel: str = "elman", x: Tensor | None = None) -> bool:
    """Does the compiled loop run for inputs like `x` (float32 on the CPU if not given), and run right?"""
    if os.environ.get("RNNLIMITS_BACKEND") == "torch" or kernel not in KERNELS:
        return False
    dtype, device = (torch.float32, "cpu") if x is None else (x.dtype, x.device.type)
    if kernel in PRODUCTS and dtype in TOLERANCE:
        # In float64, whatever follows: there, TF32 and the order of a sum cannot hide a mistake.
        return passes_trial(kernel, torch.float64, device=device)
    return device == "cpu" and dtype in TOLERANCE and passes_trial(kernel, dtype)


def choose(kernel: str, x_RBTI: Tensor, *arguments: Any) -> Callable[..., tuple[Tensor, cuda.State]] | None:
    """The loop over time for inputs like these; None where nothing but the plain step will do."""
    if available(kernel, x_RBTI):
        compiled: Callable[..., tuple[Tensor, cuda.State]] = KERNELS[kernel].scan
        return compiled
    if not x_RBTI.is_cuda or kernel not in cuda.KERNELS or os.environ.get("RNNLIMITS_BACKEND") == "torch":
        return None
    loops = cuda.loops(kernel, len(x_RBTI), *arguments)
    return next((loop for loop in loops if passes_trial(kernel, torch.float64, loop)), None)


def backend(kernel: str = "elman", device: str = "cpu", replicas: int = 1, *arguments: Any) -> str:
    """What runs the time loop of an architecture: "numba-0.68.1", "torch", or on a GPU "cudnn", ..."""
    if kernel in PRODUCTS:
        like = torch.empty(0, device=device)
        return PRODUCTS[kernel] if available(kernel, like) else "torch"
    if device == "cuda":
        loop = choose(kernel, torch.empty(replicas, 1, 1, 1, device=device), *arguments)
        return getattr(loop, "name", "torch")
    if not available(kernel):
        return "torch"
    import numba

    return f"numba-{numba.__version__}"


def made_for(kernel: str) -> str:
    """The processor that a loop is compiled for, and a digest of what it may use; none for plain PyTorch."""
    if kernel in PRODUCTS or not available(kernel):
        return ""
    from numba.core.registry import cpu_target

    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    return f"{name} {hashlib.sha256(features.encode()).hexdigest()[:16]}"


@functools.cache
def passes_trial(kernel: str, dtype: torch.dtype, loop: cuda.Loop | None = None, device: str = "cpu") -> bool:
    """The compiled loop, or one for a GPU, against the plain one."""
    how = (loop.trial_replicas, "cuda") if loop else (2, device)
    page = KERNELS[kernel]
    try:
        compiled, plain = (trial(kernel, dtype, scan, *how) for scan in (loop or page.scan, page.plain_scan))
    except Exception as error:  # whatever it is, plain PyTorch does the same work
        return refused(kernel, dtype, f"{type(error).__name__}: {error}".splitlines()[0])
    right = all(near(ours, theirs, TOLERANCE[dtype]) for ours, theirs in zip(compiled, plain))
    return right or refused(kernel, dtype, "its numbers were wrong in a trial")


def near(ours: Tensor, theirs: Tensor, bound: float) -> bool:
    """Relative to the largest number of a tensor: a small one may be the difference of large ones."""
    return torch.allclose(ours, theirs, rtol=bound, atol=bound * max(1.0, theirs.abs().max().item()))


def refused(kernel: str, dtype: torch.dtype, why: str) -> Literal[False]:
    """Said in the job's log: plain PyTorch is slower and rounds differently."""
    what = f"{kernel} in {str(dtype).removeprefix('torch.')}"
    said = f"{what} runs in plain PyTorch, slower and with other last digits ({why})"
    print(f"compiled loops: {said}; RNNLIMITS_BACKEND=torch asks for that", file=sys.stderr, flush=True)
    return False


@torch.enable_grad()
def trial(
    kernel: str, dtype: torch.dtype, scan: Callable[..., Any], R: int = 2, device: str = "cpu"
) -> list[Tensor]:
    """Outputs, final state and all gradients of a tiny case."""
    B, T, inputs, H = 3, 4, 2, 5
    weights, states, how = KERNELS[kernel].trial_shapes(R, inputs, H)
    shapes = [(R, B, T, inputs), *weights, *((R, B, *size) for size in states)]
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    tensors = [tensor.to(device).requires_grad_() for tensor in drawn]
    y_RBTH, state = scan(*tensors[: -len(states)], tuple(tensors[-len(states) :]), *how)
    loss = y_RBTH.square().sum() + sum(part.sum() for part in state)
    return [y_RBTH, *state, *torch.autograd.grad(loss, tensors)]
