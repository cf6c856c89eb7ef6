"""Inputs for the loops over time."""

import math

import torch

from rnnlimits.architectures import kernels

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


def inputs_of(cell, R, B, T, H, dtype, inputs=3):
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
    generator = torch.Generator().manual_seed(R * B * T * H)
    tensors = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    tensors[3] /= math.sqrt(H)
    return [tensor.requires_grad_() for tensor in tensors]


def inputs_of_linear(cell, R, B, T, H, dtype, inputs):
    kernel, _, size = LINEAR[cell]
    weights, states, _ = kernels.KERNELS[kernel].trial_shapes(R, inputs, H)
    generator = torch.Generator().manual_seed(R * B * T * H)
    x_RBTI = torch.randn(R, B, T, inputs, generator=generator, dtype=dtype)
    drawn = [size * torch.randn(shape, generator=generator, dtype=dtype) for shape in weights]
    starts = [torch.randn(R, B, *shape, generator=generator, dtype=dtype) for shape in states]
    return [tensor.requires_grad_() for tensor in (x_RBTI, *drawn, *starts)]
