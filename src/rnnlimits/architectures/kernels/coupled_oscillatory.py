"""z' = z + dt (tanh(W x + U z + V h + b) - k h - e z),  y = h' = h + dt z'  for R replicas."""

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
# units, N = H x B, S = 2H numbers of a state, K = S + J.
Constants = tuple[float, float, float]  # step size, stiffness, damping


class Scan(torch.autograd.Function):
    """(outputs of all steps or None, last h and z)."""

    @staticmethod
    def forward(
        ctx: Any, constants: Constants, last: bool, x_RBTI: Tensor, W_RHK: Tensor, state_RBS: Tensor
    ) -> tuple[Tensor | None, Tensor]:
        from rnnlimits.architectures.kernels import loops_coupled_oscillatory as loops

        (R, B, S), T, H = state_RBS.shape, x_RBTI.shape[2], W_RHK.shape[1]
        v_RTKB, f_RTN = rows_of_steps(x_RBTI, state_RBS), room(state_RBS, R, T, H * B)
        ctx.constants = torch.tensor(constants, dtype=W_RHK.dtype)
        with one_thread():
            loops.forward(*arrays(ctx.constants, W_RHK, v_RTKB.flatten(2), f_RTN))
        ctx.save_for_backward(W_RHK, v_RTKB, f_RTN)
        ctx.set_materialize_grads(False)
        y_RBTH = None if last else v_RTKB[:, 1:, :H].permute(0, 3, 1, 2)
        return y_RBTH, v_RTKB[:, -1, :S].mT.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_RBTH: Tensor | None, d_RBS: Tensor | None) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_coupled_oscillatory as loops

        W_RHK, v_RTKB, f_RTN = ctx.saved_tensors
        (R, H, K), (T, N), B = W_RHK.shape, f_RTN.shape[1:], v_RTKB.shape[3]
        dy_RTN = of_outputs(dy_RBTH, W_RHK, N)
        d_units_RN = batch_last(d_RBS, R, 2 * N, W_RHK)
        dx_RTN = room(W_RHK, R, T if ctx.needs_input_grad[2] else 0, (K - 2 * H - 1) * B)
        dW_RHK = torch.zeros_like(W_RHK)
        kept = ctx.constants, W_RHK.mT, v_RTKB.flatten(2), f_RTN
        with one_thread():
            loops.backward(*arrays(*kept, dy_RTN, d_units_RN, dx_RTN, dW_RHK))
        dx_RBTI = of_inputs(dx_RTN, B)
        return None, None, dx_RBTI, dW_RHK, d_units_RN.view(R, 2 * H, B).mT


def scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, U_RHH: Tensor, V_RHH: Tensor, state: State | None,
    *constants: float, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    """`constants` are the step size, the stiffness and the damping."""
    R, H = b_RH.shape
    state_RBS = torch.cat(state, -1) if state else x_RBTI.new_zeros(R, x_RBTI.shape[1], 2 * H)
    W_RHK = torch.cat([V_RHH, U_RHH, W_RHI, b_RH.unsqueeze(-1)], -1)
    y_RBTH, state_RBS = Scan.apply(constants, last, x_RBTI, W_RHK, state_RBS)  # type: ignore[no-untyped-call]
    h_RBH, z_RBH = state_RBS.chunk(2, -1)
    return h_RBH.unsqueeze(2) if last else y_RBTH, (h_RBH, z_RBH)


def plain_scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, U_RHH: Tensor, V_RHH: Tensor, state: State | None,
    *constants: float,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same in plain PyTorch: what `scan` is held against."""
    step_size, stiffness, damping = constants
    h_RBH, z_RBH = state or [x_RBTI.new_zeros(*x_RBTI.shape[:2], b_RH.shape[1])] * 2
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        p_RBH = x_RBI @ W_RHI.mT + b_RH.unsqueeze(1)
        force_RBH = torch.tanh(p_RBH + z_RBH @ U_RHH.mT + h_RBH @ V_RHH.mT)
        z_RBH = z_RBH + step_size * (force_RBH - stiffness * h_RBH - damping * z_RBH)
        h_RBH = h_RBH + step_size * z_RBH
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH, z_RBH)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, H, I), (R, H), (R, H, H), (R, H, H)], [(H,), (H,)], (0.1, 2.0, 3.0)
