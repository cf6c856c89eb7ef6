"""z' = (1 - s) z + s tanh(...),  y = h' = (1 - r) h + r tanh(W x + R z' + b),  r, s = dt sigmoid(...)
with (...) of W x + U h + b, for R replicas; the four stand in the page's order r, s, candidate of z, of h.
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
# units, N = H x B, F = 4H, G = 3H values that see h, K = H + J, L = J + H, C = K + H what a step keeps.


class Scan(torch.autograd.Function):
    """(outputs of all steps or None, last h, last z)."""

    @staticmethod
    def forward(
        ctx: Any, step_size: float, last: bool, x_RBTI: Tensor, W_RGK: Tensor, V_RHL: Tensor, h_RBH: Tensor,
        z_RBH: Tensor,
    ) -> tuple[Tensor | None, Tensor, Tensor]:  # fmt: skip
        from rnnlimits.architectures.kernels import loops_long_expressive_memory as loops

        (R, B, H), T = h_RBH.shape, x_RBTI.shape[2]
        v_RTCB = rows_of_steps(x_RBTI, h_RBH, more=H)
        start_RN, s_RTN = z_RBH.mT.flatten(1), room(h_RBH, R, T, 4 * H * B)
        with one_thread():
            loops.forward(step_size, *arrays(W_RGK, V_RHL, start_RN, v_RTCB.flatten(2), s_RTN))
        ctx.step_size = step_size
        ctx.save_for_backward(W_RGK, V_RHL, start_RN, v_RTCB, s_RTN)
        ctx.set_materialize_grads(False)
        h_RTHB = v_RTCB[:, 1:, :H]
        y_RBTH = None if last else h_RTHB.permute(0, 3, 1, 2)
        return y_RBTH, h_RTHB[:, -1].mT.clone(), v_RTCB[:, -2, -H:].mT.clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, dy_RBTH: Tensor | None, dh_RBH: Tensor | None, dz_RBH: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_long_expressive_memory as loops

        W_RGK, V_RHL, start_RN, v_RTCB, s_RTN = ctx.saved_tensors
        (R, H, L), T, B = V_RHL.shape, s_RTN.shape[1], v_RTCB.shape[3]
        dy_RTN = of_outputs(dy_RBTH, W_RGK, H * B)
        dh_RN, dz_RN = (batch_last(d_RBH, R, H * B, W_RGK) for d_RBH in (dh_RBH, dz_RBH))
        dx_RTN = room(W_RGK, R, T if ctx.needs_input_grad[2] else 0, (L - H - 1) * B)
        dW_RGK, dV_RHL = torch.zeros_like(W_RGK), torch.zeros_like(V_RHL)
        kept = W_RGK.mT, V_RHL.mT, start_RN, v_RTCB.flatten(2), s_RTN
        with one_thread():
            loops.backward(ctx.step_size, *arrays(*kept, dy_RTN, dh_RN, dz_RN, dx_RTN, dW_RGK, dV_RHL))
        dx_RBTI = of_inputs(dx_RTN, B)
        states = (d_RN.view(R, H, B).mT for d_RN in (dh_RN, dz_RN))
        return None, None, dx_RBTI, dW_RGK, dV_RHL, *states


def scan(
    x_RBTI: Tensor, W_RFI: Tensor, b_RF: Tensor, U_RGH: Tensor, R_RHH: Tensor, state: State | None,
    step_size: float = 1.0, *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    h_RBH, z_RBH = state or [x_RBTI.new_zeros(*x_RBTI.shape[:2], R_RHH.shape[-1])] * 2
    J_RGJ, J_RHJ = torch.cat([W_RFI, b_RF.unsqueeze(-1)], -1).tensor_split((U_RGH.shape[1],), 1)
    W_RGK, V_RHL = torch.cat([U_RGH, J_RGJ], -1), torch.cat([J_RHJ, R_RHH], -1)
    y_RBTH, *after = Scan.apply(step_size, last, x_RBTI, W_RGK, V_RHL, h_RBH, z_RBH)  # type: ignore[no-untyped-call]
    return after[0].unsqueeze(2) if last else y_RBTH, tuple(after)


def plain_scan(
    x_RBTI: Tensor, W_RFI: Tensor, b_RF: Tensor, U_RGH: Tensor, R_RHH: Tensor, state: State | None,
    step_size: float = 1.0,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same in plain PyTorch: what `scan` is held against."""
    h_RBH, z_RBH = state or [x_RBTI.new_zeros(*x_RBTI.shape[:2], R_RHH.shape[-1])] * 2
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        p_RBG, p_h_RBH = (x_RBI @ W_RFI.mT + b_RF.unsqueeze(1)).tensor_split((U_RGH.shape[1],), -1)
        r_RBH, s_RBH, n_RBH = (p_RBG + h_RBH @ U_RGH.mT).chunk(3, -1)
        z_RBH = z_RBH + step_size * torch.sigmoid(s_RBH) * (torch.tanh(n_RBH) - z_RBH)
        m_RBH = torch.tanh(p_h_RBH + z_RBH @ R_RHH.mT)
        h_RBH = h_RBH + step_size * torch.sigmoid(r_RBH) * (m_RBH - h_RBH)
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH, z_RBH)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, 4 * H, I), (R, 4 * H), (R, 3 * H, H), (R, H, H)], [(H,), (H,)], (0.5,)
