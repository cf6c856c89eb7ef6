"""h' = exp(-d A) h + d u Q u, z = (R u) h' + D u, y = V (z * silu(S x)), with u = silu(W x + b) and d =
softplus(P u + p), for R replicas: of the states, N numbers a unit, every sixteenth is kept.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu, softplus

from rnnlimits.architectures.kernels.scan import State, TrialShapes, arrays, room

# Shape letters: R replicas, B sequences, T time steps, M = B x T, I inputs, H hidden units, N coordinates of
# each unit's state, J the rank of P, G = J + 2N what the input chooses, K blocks of steps.


class Scan(torch.autograd.Function):
    """(z without D u, or None where no `out` is given; the state after the last step) of one replica."""

    @staticmethod
    def forward(
        ctx: Any, d_BTH: Tensor, u_BTH: Tensor, in_BTN: Tensor, out_BTN: Tensor | None, A_NH: Tensor,
        h_BNH: Tensor,
    ) -> tuple[Tensor | None, Tensor]:  # fmt: skip
        from rnnlimits.architectures.kernels import loops_selective as loops

        B, T, _ = d_BTH.shape
        h_BNH = h_BNH.clone(memory_format=torch.contiguous_format)
        before_BKNH = room(A_NH, B, -(-T // loops.BLOCK_STEPS), *A_NH.shape)
        z_BTH = None if out_BTN is None else torch.empty_like(d_BTH)
        given = *arrays(d_BTH, u_BTH, in_BTN), *maybe(out_BTN, in_BTN), *arrays(A_NH)
        loops.forward(*given, *arrays(h_BNH, before_BKNH), *maybe(z_BTH, d_BTH))
        ctx.save_for_backward(d_BTH, u_BTH, in_BTN, out_BTN, A_NH, before_BKNH)
        ctx.set_materialize_grads(False)
        return z_BTH, h_BNH

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz_BTH: Tensor | None, dh_BNH: Tensor | None) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_selective as loops

        d_BTH, u_BTH, in_BTN, out_BTN, A_NH, before_BKNH = ctx.saved_tensors
        B, _, *sizes = before_BKNH.shape
        # A copy, which the loop takes back to the start.
        dh_BNH = A_NH.new_zeros(B, *sizes) if dh_BNH is None else dh_BNH.contiguous().clone()
        dd_BTH, du_BTH, din_BTN = (torch.empty_like(one) for one in (d_BTH, u_BTH, in_BTN))
        dout_BTN, dA_NH = None if dz_BTH is None else torch.empty_like(in_BTN), torch.zeros_like(A_NH)
        given = *arrays(d_BTH, u_BTH, in_BTN), *maybe(out_BTN, in_BTN), *arrays(A_NH, before_BKNH)
        found = *arrays(dh_BNH, dd_BTH, du_BTH, din_BTN), *maybe(dout_BTN, in_BTN), *arrays(dA_NH)
        loops.backward(*given, *maybe(dz_BTH, d_BTH), *found)
        return dd_BTH, du_BTH, din_BTN, dout_BTN, dA_NH, dh_BNH


def maybe(tensor: Tensor | None, like: Tensor) -> Any:
    """An array of no sequences where there is no tensor: the loops know it by that."""
    return arrays(like[:0] if tensor is None else tensor)


def scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, S_RHI: Tensor, ln_A_RHN: Tensor, chosen_RGH: Tensor,
    P_RHJ: Tensor, p_RH: Tensor, D_RH: Tensor, V_RHH: Tensor, state: State | None, *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    weights = W_RHI, b_RH, S_RHI, ln_A_RHN, chosen_RGH, P_RHJ, p_RH, D_RH, V_RHH
    (h_RBHN,) = zeros(x_RBTI, ln_A_RHN) if state is None else state
    # One replica after another: what belongs to one stays in the caches.
    each = zip(x_RBTI.unbind(), *(rows.unbind() for rows in weights), h_RBHN.unbind(), strict=True)
    y_R, h_R = zip(*(of_one_replica(*own, last=last) for own in each))
    return torch.stack(y_R), (torch.stack(h_R),)


def of_one_replica(
    x_BTI: Tensor, W_HI: Tensor, b_H: Tensor, S_HI: Tensor, ln_A_HN: Tensor, chosen_GH: Tensor,
    P_HJ: Tensor, p_H: Tensor, D_H: Tensor, V_HH: Tensor, h_BHN: Tensor, *, last: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """y_BTH, or with `last` the last step's y_B1H, and the state after the last step."""
    B, T, _ = x_BTI.shape
    N, J = ln_A_HN.shape[1], P_HJ.shape[1]
    u_MH = silu(torch.addmm(b_H, x_BTI.flatten(0, 1), W_HI.mT))
    d_MJ, in_MN, out_MN = (u_MH @ chosen_GH.mT).split((J, N, N), -1)
    d_MH = softplus(torch.addmm(p_H, d_MJ, P_HJ.mT))
    d_BTH, u_BTH, in_BTN, out_BTN = (one.reshape(B, T, -1) for one in (d_MH, u_MH, in_MN, out_MN))
    how = d_BTH, u_BTH, in_BTN.contiguous(), None if last else out_BTN.contiguous()
    z_BTH, h_BNH = Scan.apply(*how, ln_A_HN.exp().mT.contiguous(), h_BHN.mT)  # type: ignore[no-untyped-call]
    if last:
        x_BTI, u_BTH = x_BTI[:, -1:], u_BTH[:, -1:]
        z_BTH = out_BTN[:, -1:] @ h_BNH
    y_BTH = ((z_BTH + D_H * u_BTH) * silu(x_BTI @ S_HI.mT)) @ V_HH.mT
    return y_BTH, h_BNH.mT


def zeros(x_RBTI: Tensor, ln_A_RHN: Tensor) -> State:
    return (x_RBTI.new_zeros(*x_RBTI.shape[:2], *ln_A_RHN.shape[1:]),)


def plain_scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, S_RHI: Tensor, ln_A_RHN: Tensor, chosen_RGH: Tensor,
    P_RHJ: Tensor, p_RH: Tensor, D_RH: Tensor, V_RHH: Tensor, state: State | None,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same step by step in plain PyTorch: what `scan` is held against."""
    (h_RBHN,) = zeros(x_RBTI, ln_A_RHN) if state is None else state
    N, J, y_T = ln_A_RHN.shape[2], P_RHJ.shape[2], []
    for x_RBI in x_RBTI.unbind(2):
        u_RBH = silu(x_RBI @ W_RHI.mT + b_RH.unsqueeze(1))
        d_RBJ, in_RBN, out_RBN = (u_RBH @ chosen_RGH.mT).split((J, N, N), -1)
        d_RBH1 = softplus(d_RBJ @ P_RHJ.mT + p_RH.unsqueeze(1)).unsqueeze(-1)
        a_RBHN = torch.exp(-d_RBH1 * ln_A_RHN.exp().unsqueeze(1))
        h_RBHN = a_RBHN * h_RBHN + d_RBH1 * u_RBH.unsqueeze(-1) * in_RBN.unsqueeze(2)
        z_RBH = (h_RBHN * out_RBN.unsqueeze(2)).sum(-1) + D_RH.unsqueeze(1) * u_RBH
        y_T.append((z_RBH * silu(x_RBI @ S_RHI.mT)) @ V_RHH.mT)
    return torch.stack(y_T, 2), (h_RBHN,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    N, J = 3, 2
    chosen = [(R, J + 2 * N, H), (R, H, J), (R, H)]
    return [(R, H, I), (R, H), (R, H, I), (R, H, N), *chosen, (R, H), (R, H, H)], [(H, N)], ()
