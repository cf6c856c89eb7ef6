"""h_t = a_t h_{t-1} + b_t for all t at once, in about 2 log2(T) rounds of products instead of T steps.

Two steps in a row are one step, (a_2, b_2) after (a_1, b_1) = (a_2 a_1, a_2 b_1 + b_2), and to put steps
together is associative (Blelloch 1990, Prefix Sums and Their Applications; Martin & Cundy 2018,
Parallelizing Linear Recurrent Neural Nets Over Sequence Length).  So the odd steps follow from a recurrence
over half as many, and the even ones from the odd ones.  Nothing is divided and no logarithm taken: where
|a| <= 1, no factor grows.

The gradient g_t = dL/dh_t + conj(a_{t+1}) g_{t+1} is the same recurrence from the end: kept for the backward
pass are a and h alone.

    >>> one, start = torch.ones(1, 5, 1), torch.zeros(1, 1)
    >>> linear_scan(2 * one, one, start).flatten().tolist()
    [1.0, 3.0, 7.0, 15.0, 31.0]
"""

from typing import Any

import torch
from torch import Tensor

# Shape letters: B sequences, T time steps, N coordinates of the state, one or more axes, each on its own.


def linear_scan(a_BTN: Tensor, b_BTN: Tensor, h_BN: Tensor) -> Tensor:
    """h_1 .. h_T, real or complex, where h_BN is h_0; `a` may have size 1 for B and for T."""
    h_BTN: Tensor = LinearScan.apply(a_BTN.expand(-1, b_BTN.shape[1], *b_BTN.shape[2:]), b_BTN, h_BN)  # type: ignore[no-untyped-call]
    return h_BTN


def as_numbers(h: Tensor, like: Tensor) -> Tensor:
    """The state as it is computed with: complex, from pairs of real numbers, where `like` is."""
    return torch.complex(h[..., 0], h[..., 1]) if like.is_complex() else h


def as_real(h: Tensor) -> Tensor:
    """The state as it is handed on: probes and weights know real numbers only."""
    return torch.view_as_real(h) if h.is_complex() else h


class LinearScan(torch.autograd.Function):
    generate_vmap_rule = True  # every operation below works on any number of replicas

    @staticmethod
    def forward(a_BTN: Tensor, b_BTN: Tensor, h_BN: Tensor) -> Tensor:
        first_B1N = a_BTN[:, :1] * h_BN.unsqueeze(1) + b_BTN[:, :1]
        return from_zero(a_BTN, torch.cat([first_B1N, b_BTN[:, 1:]], 1))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        a_BTN, _, h_BN = inputs
        ctx.save_for_backward(a_BTN, h_BN, output)

    @staticmethod
    def backward(ctx: Any, d_BTN: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a_BTN, start_BN, h_BTN = ctx.saved_tensors
        back_BTN = a_BTN.conj().flip(1)
        # From the end, the factor between g_{t+1} and g_t is a_{t+1}; the first one meets nothing.
        factors_BTN = torch.cat([torch.zeros_like(back_BTN[:, :1]), back_BTN[:, :-1]], 1)
        g_BTN = from_zero(factors_BTN, d_BTN.flip(1)).flip(1)
        before_BTN = torch.cat([start_BN.unsqueeze(1), h_BTN[:, :-1]], 1)
        # Where `a` has size 1, autograd sums its gradient.
        return g_BTN * before_BTN.conj(), g_BTN, a_BTN[:, 0].conj() * g_BTN[:, 0]


def from_zero(a_BTN: Tensor, b_BTN: Tensor) -> Tensor:
    """h_1 .. h_T from h_0 = 0; the first factor meets nothing."""
    steps = b_BTN.shape[1]
    if steps == 1:
        return b_BTN
    first, second = slice(0, steps - 1, 2), slice(1, None, 2)
    pairs_BTN = a_BTN[:, second] * b_BTN[:, first] + b_BTN[:, second]
    second_BTN = from_zero(a_BTN[:, second] * a_BTN[:, first], pairs_BTN)
    after_BTN = a_BTN[:, 2::2] * second_BTN[:, : (steps - 1) // 2] + b_BTN[:, 2::2]
    first_BTN = torch.cat([b_BTN[:, :1], after_BTN], 1)
    whole_BTN = torch.stack([first_BTN[:, : steps // 2], second_BTN], 2).flatten(1, 2)
    return torch.cat([whole_BTN, first_BTN[:, -1:]], 1) if steps % 2 else whole_BTN
