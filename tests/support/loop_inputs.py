"""Inputs for the loops over time."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rnnlimits.architectures import kernels

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units.
ELMAN = ["tanh", "relu", "sigmoid", "identity"]


# The LSTM of 1997 with its full gradient and with the truncated one, two cells a block.
OLD = {"lstm_1997": ("full", 2), "lstm_1997_truncated": ("truncated", 2)}

# Of the recurrences that are linear in their state: kernel, what else it is told, how large its weights are.
LINEAR = {
    "minimal_gru": ("minimal_gru", ("linear",), 1.0),
    "minimal_gru_positive": ("minimal_gru", ("positive",), 1.0),
    "minimal_lstm": ("minimal_lstm", ("linear",), 1.0),
    "minimal_lstm_positive": ("minimal_lstm", ("positive",), 1.0),
    "linear": ("linear", (), 0.3),
    "linear_recurrent_unit": ("linear_recurrent_unit", (), 0.3),
    "diagonal_state_space": ("diagonal_state_space", (), 0.3),
    "selective_state_space": ("selective_state_space", (), 0.3),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A loop as one page uses it."""

    kernel: str
    arguments: tuple[Any, ...] = ()
    weights: Callable[[int, int, int], list[tuple[int, ...]]]  # their shapes, from R, the inputs, H
    states: int = 1


def pairs(H: int) -> int:
    return H * (H - 1) // 2


# The others by name, each page in every way that its loop goes.
PAGES = {
    "long_expressive_memory": Cell(
        kernel="long_expressive_memory", arguments=(0.3,), states=2,
        weights=lambda R, width, H: [(R, 4 * H, width), (R, 4 * H), (R, 3 * H, H), (R, H, H)],
    ),
    **{
        f"independent_{f}": Cell(
            kernel="independent", arguments=(f, 1.01),
            weights=lambda R, width, H: [(R, H, width), (R, H), (R, H)],
        )
        for f in ("relu", "tanh")
    },
    "leaky": Cell(kernel="leaky", weights=lambda R, width, H: [(R, H, width), (R, H), (R, H, H), (R, H)]),
    "leaky_gated": Cell(
        kernel="leaky", weights=lambda R, width, H: [(R, 2 * H, width), (R, H), (R, 2 * H, H), (R, H)]
    ),
    "antisymmetric": Cell(
        kernel="antisymmetric", arguments=(False, 0.1, 0.2),
        weights=lambda R, width, H: [(R, H, width), (R, H), (R, pairs(H))],
    ),
    "antisymmetric_gated": Cell(
        kernel="antisymmetric", arguments=(True, 0.1, 0.2),
        weights=lambda R, width, H: [(R, 2 * H, width), (R, 2 * H), (R, pairs(H))],
    ),
    "coupled_oscillatory": Cell(
        kernel="coupled_oscillatory", arguments=(0.1, 2.0, 3.0), states=2,
        weights=lambda R, width, H: [(R, H, width), (R, H), (R, H, H), (R, H, H)],
    ),
    **{
        f"orthogonal_{f}": Cell(
            kernel="orthogonal", arguments=(f,),
            weights=lambda R, width, H: [(R, H, width), (R, H), (R, pairs(H))],
        )
        for f in ("modrelu", "tanh")
    },
}  # fmt: skip


def inputs_of(cell: str, R: int, B: int, T: int, H: int, dtype: torch.dtype, inputs: int = 3) -> list[Tensor]:
    """x, W, b, U, (the second bias of gru), the start h, (and c of lstm), all of them leaves."""
    if cell in LINEAR:
        return inputs_of_linear(cell, R, B, T, H, dtype, inputs)
    gates = 2 * ((H + 1) // 2)  # of the LSTM of 1997; its recurrent weights see them, too
    G = {"gru": 3 * H, "lstm": 4 * H, **dict.fromkeys(OLD, H + gates)}.get(cell, H)
    shapes = [(R, B, T, inputs), (R, G, inputs), (R, G), (R, G, G if cell in OLD else H)]
    shapes += {
        "gru": [(R, H), (R, B, H)], "lstm": [(R, B, H), (R, B, H)],
        **{cell: [(R, B, H), (R, B, H), (R, B, gates)] for cell in OLD},
    }.get(cell, [(R, B, H)])  # fmt: skip
    recurrent = slice(3, 4)
    if other := PAGES.get(cell):
        shapes = [(R, B, T, inputs), *other.weights(R, inputs, H), *[(R, B, H)] * other.states]
        recurrent = slice(3, -other.states)
    generator = torch.Generator().manual_seed(R * B * T * H)
    tensors = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    for weight in tensors[recurrent]:
        weight /= math.sqrt(H)
    return [tensor.requires_grad_() for tensor in tensors]


def inputs_of_linear(cell, R, B, T, H, dtype, inputs):
    kernel, _, size = LINEAR[cell]
    weights, states, _ = kernels.KERNELS[kernel].trial_shapes(R, inputs, H)
    generator = torch.Generator().manual_seed(R * B * T * H)
    x_RBTI = torch.randn(R, B, T, inputs, generator=generator, dtype=dtype)
    drawn = [size * torch.randn(shape, generator=generator, dtype=dtype) for shape in weights]
    starts = [torch.randn(R, B, *shape, generator=generator, dtype=dtype) for shape in states]
    return [tensor.requires_grad_() for tensor in (x_RBTI, *drawn, *starts)]
