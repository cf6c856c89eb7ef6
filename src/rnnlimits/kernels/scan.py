"""The autograd function around the compiled loops: stacked tensors in, stacked outputs and gradients out.

The loops do what has to happen step after step. What can wait until a block of steps is complete is done here
by torch, in one large product each: the products with the inputs, and the gradients of the weights.
"""

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Shape letters: R replicas, T time steps, S steps at once, B sequences, M = S x B, I inputs (the constant 1
# among them, but for `scan`), H hidden units, N = B x H, Q gates, G = Q x H: gate after gate.
State = tuple[Tensor, ...]


class Scan(torch.autograd.Function):
    """One gate is elman, three are gru, four lstm; c is empty but for lstm, b_n but for gru."""

    @staticmethod
    def forward(
        ctx: Any, kind: int, x_RTBI: Tensor, W_RQHI: Tensor, U_RQHH: Tensor, b_n_RN: Tensor,
        h_RBH: Tensor, c_RBH: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        R, T, Q = *x_RTBI.shape[:2], W_RQHI.shape[1]
        h_RTN, c_RTN = states_after(h_RBH, T), states_after(c_RBH, T)
        N = h_RTN.shape[-1]
        s_RQTN = room(h_RTN, R, planes(Q) if Q > 1 else 0, T, N)
        p_QSN = room(h_RTN, Q, steps_at_once(T, Q * N), N)
        with one_thread():
            for r in range(R):
                arrays = views(p_QSN, U_RQHH[r].mT, b_n_RN[r], h_RTN[r], c_RTN[r], s_RQTN[r])
                forward_one(kind, p_QSN, x_RTBI[r], W_RQHI[r], arrays)
        ctx.kind = kind
        ctx.save_for_backward(x_RTBI, W_RQHI, U_RQHH, h_RTN, c_RTN, s_RQTN)
        y_RBTH = h_RTN[:, 1:].unflatten(2, h_RBH.shape[1:]).transpose(1, 2)
        return y_RBTH, c_RTN[:, -1].reshape(c_RBH.shape).clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_RBTH: Tensor, dc_RBH: Tensor) -> tuple[Tensor | None, ...]:
        x_RTBI, W_RQHI, U_RQHH, h_RTN, c_RTN, s_RQTN = ctx.saved_tensors
        dx_RTBI = torch.zeros_like(x_RTBI) if ctx.needs_input_grad[1] else None
        dW_RQHI, dU_RQHH = torch.zeros_like(W_RQHI), torch.zeros_like(U_RQHH)
        db_n_RN, dh_RN = torch.zeros(2, *h_RTN[:, 0].shape, dtype=h_RTN.dtype)
        dc_RN = dc_RBH.flatten(1).clone()  # the loop writes into it
        Q, T, N = W_RQHI.shape[1], x_RTBI.shape[1], h_RTN.shape[-1]
        d_QSN = room(h_RTN, planes(Q) + 1, steps_at_once(T, Q * N), N)  # the last plane for dy
        with one_thread():
            for r in range(len(x_RTBI)):
                saved = U_RQHH[r], h_RTN[r], c_RTN[r], s_RQTN[r]
                arrays = views(d_QSN[-1], d_QSN[:-1], *saved, db_n_RN[r], dh_RN[r], dc_RN[r])
                gradients = dW_RQHI[r], dU_RQHH[r], None if dx_RTBI is None else dx_RTBI[r]
                backward_one(ctx.kind, dy_RBTH[r], d_QSN, x_RTBI[r], W_RQHI[r], h_RTN[r], arrays, *gradients)
        states = dh_RN.view(dy_RBTH[:, :, 0].shape), dc_RN.view(dc_RBH.shape)
        return None, dx_RTBI, dW_RQHI, dU_RQHH, db_n_RN, *states


def forward_one(kind: int, p_QSN: Tensor, x_TBI: Tensor, W_QHI: Tensor, arrays: list[np.ndarray]) -> None:
    from rnnlimits.kernels import loops

    T, S, (Q, H, _) = len(x_TBI), p_QSN.shape[1], W_QHI.shape
    for start in range(0, T, S):
        x_MI = x_TBI[start : start + S].flatten(0, 1)
        for q in range(Q):
            torch.mm(x_MI, W_QHI[q].mT, out=p_QSN[q].view(-1, H)[: len(x_MI)])
        loops.forward(kind, start, min(start + S, T), *arrays)


def backward_one(
    kind: int, dy_BTH: Tensor, d_QSN: Tensor, x_TBI: Tensor, W_QHI: Tensor, h_TN: Tensor,
    arrays: list[np.ndarray], dW_QHI: Tensor, dU_QHH: Tensor, dx_TBI: Tensor | None,
) -> None:  # fmt: skip
    from rnnlimits.kernels import loops

    T, S, (Q, H, inputs) = len(x_TBI), d_QSN.shape[1], W_QHI.shape
    for start in reversed(range(0, T, S)):
        stop = min(start + S, T)
        dy_BSH = dy_BTH[:, start:stop]
        d_QSN[-1, : stop - start].view(-1, len(dy_BTH), H).copy_(dy_BSH.transpose(0, 1))
        loops.backward(kind, start, stop, *arrays)
        x_MI, h_MH = x_TBI[start:stop].view(-1, inputs), h_TN[start:stop].view(-1, H)
        d_QMH = d_QSN.view(len(d_QSN), -1, H)[:, : len(x_MI)]
        for q in range(Q):
            # In the n of gru the two products enter differently; the fourth plane is the gradient of U_n h.
            dU_QHH[q].addmm_(d_QMH[3 if Q == 3 and q == 2 else q].mT, h_MH)
            dW_QHI[q].addmm_(d_QMH[q].mT, x_MI)
            if dx_TBI is not None:
                dx_TBI[start:stop].view(-1, inputs).addmm_(d_QMH[q], W_QHI[q])


def scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, h_RBH: Tensor, *,
    c_RBH: Tensor | None = None, b_n_RH: Tensor | None = None, kind: int = 0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The outputs of all steps, and the last c."""
    R, B, H = h_RBH.shape
    # An input that is always 1 turns b into a column of W; time goes first, so that a step is one block.
    x_RTBI = torch.nn.functional.pad(x_RBTI.transpose(1, 2), (0, 1), value=1.0).contiguous()
    W_RGI = torch.cat([W_RGI, b_RG.unsqueeze(-1)], -1)
    b_n_RN = h_RBH.new_empty(R, 0) if b_n_RH is None else b_n_RH.unsqueeze(1).expand(R, B, H).flatten(1)
    c_RBH = h_RBH.new_empty(R, B, 0) if c_RBH is None else c_RBH
    W_RQHI, U_RQHH = W_RGI.unflatten(1, (-1, H)), U_RGH.contiguous().unflatten(1, (-1, H))
    return Scan.apply(kind, x_RTBI, W_RQHI, U_RQHH, b_n_RN, h_RBH, c_RBH)


def planes(gates: int) -> int:
    return 1 if gates == 1 else 4


def steps_at_once(steps: int, values: int) -> int:
    """So many steps, of so many values each, that they fit a cache of 2 MiB together."""
    return min(steps, max(1, 2**19 // values))


def states_after(start_RBH: Tensor, steps: int) -> Tensor:
    """Room for T + 1 states, the start filled in; all of a step is one row."""
    h_RTN = room(start_RBH, len(start_RBH), steps + 1, start_RBH.shape[1] * start_RBH.shape[2])
    h_RTN[:, 0] = start_RBH.flatten(1)
    return h_RTN


def room(like: Tensor, *shape: int) -> Tensor:
    """Uninitialised, from numpy: it asks the system for large pages, a tenth faster to use at 100 MB."""
    return torch.from_numpy(np.empty(shape, like.detach()[:0].numpy().dtype))


def views(*tensors: Tensor) -> list[np.ndarray]:
    """The same memory as numpy arrays (a copy only of what is not contiguous)."""
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


@functools.cache
def blas_libraries() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(internal_api="openblas")


def one_thread() -> AbstractContextManager:
    """Keeps numpy's and scipy's BLAS to one thread; on matrices this small more of them only wait.

    Without threadpoolctl the number is what OPENBLAS_NUM_THREADS or OMP_NUM_THREADS says.
    """
    libraries = blas_libraries()
    return libraries.limit(limits=1) if libraries else nullcontext()
