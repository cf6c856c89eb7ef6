"""Inputs for the loops over time."""

import math

import torch

ELMAN = ["tanh", "relu", "sigmoid", "identity"]


# The LSTM of 1997 with its full gradient and with the truncated one, two cells a block.
OLD = {"lstm_1997": ("full", 2), "lstm_1997_truncated": ("truncated", 2)}


def inputs_of(cell, R, B, T, H, dtype, inputs=3):
    """x, W, b, U, (the second bias of gru), the start h, (and c of lstm), all of them leaves."""
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
