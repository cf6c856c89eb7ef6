"""c' = c + i * g(u),  y = h' = o * h(c')  with u, i, o of W x + U [h, i, o] + b, for R replicas: the LSTM of
1997, with g(u) = 2 tanh(u / 2), h(c) = tanh(c / 2), and cells that share their gates in blocks.
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

# Shape letters: R replicas, T time steps, B sequences, I inputs, H cells, N = H x B, U units: the cells, then
# the blocks' input gates, then their output gates; K = U + I + 1, G = U net inputs.


class Scan(torch.autograd.Function):
    """(outputs of all steps or None, last units, last c)."""

    @staticmethod
    def forward(
        ctx: Any, truncated: bool, block_size: int, last: bool, x_RBTI: Tensor, W_RUK: Tensor,
        units_RBU: Tensor, c_RBH: Tensor,
    ) -> tuple[Tensor | None, Tensor, Tensor]:  # fmt: skip
        from rnnlimits.architectures.kernels import loops_lstm_1997 as loops

        (R, B, H), T, U = c_RBH.shape, x_RBTI.shape[2], units_RBU.shape[2]
        z_RTKB = rows_of_steps(x_RBTI, units_RBU)
        c_RTN, g_RTN = room(c_RBH, R, T + 1, H * B), room(c_RBH, R, T, H * B)
        c_RTN[:, 0] = c_RBH.mT.flatten(1)
        with one_thread():
            loops.forward(block_size, *arrays(W_RUK, z_RTKB.flatten(2), c_RTN, g_RTN))
        ctx.how = truncated, block_size
        ctx.save_for_backward(W_RUK, z_RTKB, c_RTN, g_RTN)
        ctx.set_materialize_grads(False)
        y_RBTH = None if last else z_RTKB[:, 1:, :H].permute(0, 3, 1, 2)
        return y_RBTH, z_RTKB[:, -1, :U].mT.clone(), c_RTN[:, -1].view(R, H, B).mT.clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, dy_RBTH: Tensor | None, d_units_RBU: Tensor | None, dc_RBH: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_lstm_1997 as loops

        W_RUK, z_RTKB, c_RTN, g_RTN = ctx.saved_tensors
        (R, U, K), (T, N), B = W_RUK.shape, g_RTN.shape[1:], z_RTKB.shape[3]
        dy_RTN = of_outputs(dy_RBTH, W_RUK, N)
        d_units_RN, dc_RN = batch_last(d_units_RBU, R, U * B, W_RUK), batch_last(dc_RBH, R, N, W_RUK)
        dx_RTN = room(W_RUK, R, T if ctx.needs_input_grad[3] else 0, (K - U - 1) * B)
        dW_RUK = torch.zeros_like(W_RUK)
        gradients = dy_RTN, d_units_RN, dc_RN, dx_RTN, dW_RUK
        with one_thread():
            loops.backward(*ctx.how, *arrays(W_RUK.mT, z_RTKB.flatten(2), c_RTN, g_RTN, *gradients))
        dx_RBTI = of_inputs(dx_RTN, B)
        states = (d_RN.view(R, -1, B).mT for d_RN in (d_units_RN, dc_RN))
        return None, None, None, dx_RBTI, dW_RUK, *states


def scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGG: Tensor, state: State | None,
    gradient: str = "full", block_size: int = 1, *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    h_RBH, c_RBH, io_RBK = state or zeros(x_RBTI, U_RGG, block_size)
    W_RUK = torch.cat([U_RGG, W_RGI, b_RG.unsqueeze(-1)], -1)
    units_RBU = torch.cat([h_RBH, io_RBK], -1)
    how = gradient == "truncated", block_size, last
    y_RBTH, units_RBU, c_RBH = Scan.apply(*how, x_RBTI, W_RUK, units_RBU, c_RBH)  # type: ignore[no-untyped-call]
    h_RBH, io_RBK = units_RBU.tensor_split((c_RBH.shape[-1],), -1)
    return h_RBH.unsqueeze(2) if last else y_RBTH, (h_RBH, c_RBH, io_RBK)


def zeros(x_RBTI: Tensor, U_RGG: Tensor, block_size: int) -> State:
    """(h, c, gates) before the first step."""
    units = U_RGG.shape[-1]
    hidden = next(H for H in range(units, 0, -1) if H + 2 * -(-H // block_size) == units)
    sizes = hidden, hidden, units - hidden
    return tuple(x_RBTI.new_zeros(*x_RBTI.shape[:2], size) for size in sizes)


def plain_scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGG: Tensor, state: State | None,
    gradient: str = "full", block_size: int = 1,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same in plain PyTorch: what `scan` is held against."""
    h_RBH, c_RBH, io_RBK = state or zeros(x_RBTI, U_RGG, block_size)
    hidden, y_T = h_RBH.shape[-1], []
    for x_RBI in x_RBTI.unbind(2):
        units_RBU = torch.cat([h_RBH, io_RBK], -1)
        before_RBU = units_RBU.detach() if gradient == "truncated" else units_RBU
        net_RBU = x_RBI @ W_RGI.mT + b_RG.unsqueeze(1) + before_RBU @ U_RGG.mT
        io_RBK = torch.sigmoid(net_RBU[..., hidden:])
        i_RBH, o_RBH = (gate.repeat_interleave(block_size, -1)[..., :hidden] for gate in io_RBK.chunk(2, -1))
        c_RBH = c_RBH + i_RBH * 2 * torch.tanh(net_RBU[..., :hidden] / 2)
        h_RBH = o_RBH * torch.tanh(c_RBH / 2)
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH, c_RBH, io_RBK)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    G = H + 6  # blocks of two cells, the last of one
    return [(R, G, I), (R, G), (R, G, G)], [(H,), (H,), (6,)], ("full", 2)
