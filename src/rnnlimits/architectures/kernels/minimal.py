"""The autograd function of minimal_gru and minimal_lstm: gates, candidate and state in one loop.

Kept for the backward pass are the gates, the candidate and the states, and nothing of a scan in between.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnlimits.architectures.kernels.scan import State, arrays, room

# Shape letters: R replicas, B sequences, T time steps, M = B x T, I inputs, H hidden units, G = 2H or 3H: of
# the GRU z and n, of the LSTM F, I and n.


class Scan(torch.autograd.Function):
    """(outputs of all steps or None, last h)."""

    @staticmethod
    def forward(
        ctx: Any, positive: bool, last: bool, x_RMI: Tensor, W_RGI: Tensor, b_RG: Tensor, h_RBH: Tensor
    ) -> tuple[Tensor | None, Tensor]:
        from rnnlimits.architectures.kernels import loops_linear as loops

        (R, B, H), T = h_RBH.shape, x_RMI.shape[1] // h_RBH.shape[1]
        p_RMG, y_RBTH = room(h_RBH, R, B * T, b_RG.shape[1]), room(h_RBH, R, B, T, H)
        # One replica after another: its p is still in a cache when the loop comes.
        for x_MI, W_GI, b_G, h_BH, p_MG, y_BTH in zip(x_RMI, W_RGI, b_RG, h_RBH, p_RMG, y_RBTH):
            torch.addmm(b_G, x_MI, W_GI.mT, out=p_MG)
            loops.minimal(positive, *arrays(p_MG.view(B, T, -1), y_BTH, h_BH))
        ctx.positive = positive
        ctx.save_for_backward(x_RMI, W_RGI, h_RBH, p_RMG, y_RBTH)
        ctx.set_materialize_grads(False)
        return None if last else y_RBTH, y_RBTH[:, :, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_RBTH: Tensor | None, dh_RBH: Tensor | None) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_linear as loops

        x_RMI, W_RGI, h_RBH, p_RMG, y_RBTH = ctx.saved_tensors
        R, B, T, _ = y_RBTH.shape
        dh_RBH = (
            torch.zeros_like(h_RBH) if dh_RBH is None else dh_RBH.clone(memory_format=torch.contiguous_format)
        )
        dy_RBTH = y_RBTH.new_empty(R, 0, 0, 0) if dy_RBTH is None else dy_RBTH
        dp_MG, dW_RGI = room(h_RBH, *p_RMG.shape[1:]), torch.empty_like(W_RGI)
        db_RG = W_RGI.new_empty(W_RGI.shape[:2])
        dx_RMI = torch.empty_like(x_RMI) if ctx.needs_input_grad[2] else None
        for r in range(R):
            of_all = p_RMG[r].view(B, T, -1), y_RBTH[r], h_RBH[r], dy_RBTH[r], dh_RBH[r], dp_MG.view(B, T, -1)
            loops.minimal_back(ctx.positive, *arrays(*of_all))
            torch.mm(dp_MG.mT, x_RMI[r], out=dW_RGI[r])
            torch.sum(dp_MG, 0, out=db_RG[r])
            if dx_RMI is not None:
                torch.mm(dp_MG, W_RGI[r], out=dx_RMI[r])
        return None, None, dx_RMI, dW_RGI, db_RG, dh_RBH


def scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, h_RBH: Tensor, *, positive: bool, last: bool
) -> tuple[Tensor, State]:
    y_RBTH, h_RBH = Scan.apply(positive, last, x_RBTI.flatten(1, 2), W_RGI, b_RG, h_RBH)  # type: ignore[no-untyped-call]
    return h_RBH.unsqueeze(2) if last else y_RBTH, (h_RBH,)


def zeros(x_RBTI: Tensor, b_RH: Tensor) -> Tensor:
    """h before the first step."""
    return x_RBTI.new_zeros(*x_RBTI.shape[:2], b_RH.shape[1])


def made_positive(n: Tensor) -> Tensor:
    """g(n): n + 1/2 above 0, sigmoid(n) below."""
    return torch.where(n >= 0, n + 0.5, torch.sigmoid(n))
