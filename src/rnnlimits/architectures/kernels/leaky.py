"""y = h' = h + a * (tanh(W x + U h + b) - h),  a = sigmoid(c), or sigmoid(V x + R h + c) where it is gated,
for R replicas.  `scan_compiled` also serves states that move by a * tanh(...), and the modReLU.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnlimits.architectures.kernels.scan import (
    State,
    TrialShapes,
    arrays,
    batch_last,
    of_inputs,
    of_outputs,
    one_thread,
    room,
    rows_of_steps,
)

# Shape letters: R replicas, T time steps, B sequences, I inputs, J = I + 1 (the last is always 1), H hidden
# units, K = H + J, N = H x B, G = H, or 2H with a gate that has recurrent weights of its own.
KINDS = {"modrelu": 0, "leaky": 1, "antisymmetric": 2}  # as loops_leaky.py counts them


class Scan(torch.autograd.Function):
    """(outputs of all steps or None, last h)."""

    @staticmethod
    def forward(
        ctx: Any, kind: int, scale: float, last: bool, x_RBTI: Tensor, W_RGK: Tensor, D_RHJ: Tensor,
        a_RN: Tensor, h_RBH: Tensor,
    ) -> tuple[Tensor | None, Tensor]:  # fmt: skip
        from rnnlimits.architectures.kernels import loops_leaky as loops

        (R, B, H), T = h_RBH.shape, x_RBTI.shape[2]
        kept = 0 if kind == KINDS["modrelu"] else 1 if a_RN.shape[1] else 2
        z_RTKB, s_RTN = rows_of_steps(x_RBTI, h_RBH), room(h_RBH, R, T, kept * H * B)
        with one_thread():
            loops.forward(kind, scale, *arrays(W_RGK, D_RHJ, a_RN, z_RTKB.flatten(2), s_RTN))
        ctx.how = kind, scale
        ctx.save_for_backward(W_RGK, D_RHJ, a_RN, z_RTKB, s_RTN)
        ctx.set_materialize_grads(False)
        h_RTHB = z_RTKB[:, 1:, :H]
        y_RBTH = None if last else h_RTHB.permute(0, 3, 1, 2)
        return y_RBTH, h_RTHB[:, -1].mT.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_RBTH: Tensor | None, dh_RBH: Tensor | None) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_leaky as loops

        W_RGK, D_RHJ, a_RN, z_RTKB, s_RTN = ctx.saved_tensors
        (R, steps, K, B), H = z_RTKB.shape, D_RHJ.shape[1]
        T = steps - 1
        dy_RTN = of_outputs(dy_RBTH, W_RGK, H * B)
        dh_RN = batch_last(dh_RBH, R, H * B, W_RGK)
        dx_RTN = room(W_RGK, R, T if ctx.needs_input_grad[3] else 0, (K - H - 1) * B)
        dW_RGK, dD_RHJ = torch.zeros_like(W_RGK), torch.zeros_like(D_RHJ)
        # The step size of an antisymmetric network is not learned.
        da_RN = a_RN[:, :0] if ctx.how[0] == KINDS["antisymmetric"] else torch.zeros_like(a_RN)
        kept = W_RGK.mT, D_RHJ.mT, a_RN, z_RTKB.flatten(2), s_RTN
        with one_thread():
            loops.backward(*ctx.how, *arrays(*kept, dy_RTN, dh_RN, dx_RTN, dW_RGK, dD_RHJ, da_RN))
        dx_RBTI = of_inputs(dx_RTN, B)
        da_wanted_RN = da_RN if ctx.needs_input_grad[6] else None
        return None, None, None, dx_RBTI, dW_RGK, dD_RHJ, da_wanted_RN, dh_RN.view(R, H, B).mT


def scan_compiled(
    kind: str, x_RBTI: Tensor, W_RGK: Tensor, state: State | None, *, a_RH: Tensor | None = None,
    D_RHJ: Tensor | None = None, scale: float = 1.0, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    """(y, state): the outputs of all steps or, with `last`, of that one; without `a` there is a gate."""
    R, B, _, inputs = x_RBTI.shape
    H = W_RGK.shape[-1] - inputs - 1
    (h_RBH,) = state or (x_RBTI.new_zeros(R, B, H),)
    a_RN = x_RBTI.new_empty(R, 0) if a_RH is None else a_RH.unsqueeze(-1).expand(R, H, B).flatten(1)
    D_RHJ = W_RGK.new_empty(R, H, 0) if D_RHJ is None else D_RHJ
    y_RBTH, h_RBH = Scan.apply(KINDS[kind], scale, last, x_RBTI, W_RGK, D_RHJ, a_RN, h_RBH)  # type: ignore[no-untyped-call]
    return h_RBH.unsqueeze(2) if last else y_RBTH, (h_RBH,)


def scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RH: Tensor, U_RGH: Tensor, c_RH: Tensor, state: State | None,
    *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    gated = U_RGH.shape[1] > U_RGH.shape[2]
    b_RG = torch.cat([b_RH, c_RH], -1) if gated else b_RH
    W_RGK = torch.cat([U_RGH, W_RGI, b_RG.unsqueeze(-1)], -1)
    return scan_compiled(
        "leaky", x_RBTI, W_RGK, state, a_RH=None if gated else torch.sigmoid(c_RH), last=last
    )


def plain_scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RH: Tensor, U_RGH: Tensor, c_RH: Tensor, state: State | None
) -> tuple[Tensor, State]:
    """The same in plain PyTorch: what `scan` is held against."""
    H, y_T = U_RGH.shape[2], []
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], H),)
    gated = U_RGH.shape[1] > H
    b_R1G = (torch.cat([b_RH, c_RH], -1) if gated else b_RH).unsqueeze(1)
    for x_RBI in x_RBTI.unbind(2):
        u_RBH, *gate = (x_RBI @ W_RGI.mT + b_R1G + h_RBH @ U_RGH.mT).split(H, -1)
        a_RBH = torch.sigmoid(gate[0] if gated else c_RH.unsqueeze(1))
        h_RBH = h_RBH + a_RBH * (torch.tanh(u_RBH) - h_RBH)
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, 2 * H, I), (R, H), (R, 2 * H, H), (R, H)], [(H,)], ()
