"""The autograd function around the compiled loops: stacked tensors in, stacked outputs and gradients out."""

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# Shape letters: R replicas, T time steps, B sequences, I inputs, J = I + 1 (the last is always 1), H hidden
# units, K = H + J, N = H x B, G = H, 3H or 4H gate values. The loops want the batch as the last axis.
State = tuple[Tensor, ...]
# What a loop is tried with: shapes of weights, of a sequence's states, what else it is told.
TrialShapes = tuple[list[tuple[int, ...]], list[tuple[int, ...]], tuple[Any, ...]]
KINDS = {"tanh": 0, "relu": 1, "sigmoid": 2, "identity": 3, "gru": 4, "lstm": 5}  # as loops.py counts them


class Scan(torch.autograd.Function):
    """(outputs of all steps or None, last h, last c); c is of lstm alone, V of gru alone."""

    @staticmethod
    def forward(
        ctx: Any, kind: int, last: bool, x_RBTI: Tensor, W_RGK: Tensor, V_RHJ: Tensor, h_RBH: Tensor,
        c_RBH: Tensor,
    ) -> tuple[Tensor | None, Tensor, Tensor]:  # fmt: skip
        from rnnlimits.architectures.kernels import loops

        (R, B, H), T = h_RBH.shape, x_RBTI.shape[2]
        z_RTKB = rows_of_steps(x_RBTI, h_RBH)
        c_RTN = room(h_RBH, R, T + 1, c_RBH.shape[-1] * B)
        c_RTN[:, 0] = c_RBH.mT.flatten(1)
        s_RTN = room(h_RBH, R, T, 4 * H * B if kind >= KINDS["gru"] else 0)
        with one_thread():
            loops.forward(kind, *arrays(W_RGK, V_RHJ, z_RTKB.flatten(2), c_RTN, s_RTN))
        ctx.kind = kind
        ctx.save_for_backward(W_RGK, V_RHJ, z_RTKB, c_RTN, s_RTN)
        ctx.set_materialize_grads(False)
        h_RTHB = z_RTKB[:, 1:, :H]
        y_RBTH = None if last else h_RTHB.permute(0, 3, 1, 2)
        return y_RBTH, h_RTHB[:, -1].mT.clone(), c_RTN[:, -1].view(R, -1, B).mT.clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, dy_RBTH: Tensor | None, dh_RBH: Tensor | None, dc_RBH: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops

        W_RGK, V_RHJ, z_RTKB, c_RTN, s_RTN = ctx.saved_tensors
        R, steps, K, B = z_RTKB.shape
        H, T = V_RHJ.shape[1], steps - 1
        dy_RTN = of_outputs(dy_RBTH, W_RGK, H * B)
        dh_RN, dc_RN = batch_last(dh_RBH, R, H * B, W_RGK), batch_last(dc_RBH, R, c_RTN.shape[-1], W_RGK)
        dx_RTN = room(W_RGK, R, T if ctx.needs_input_grad[2] else 0, (K - H - 1) * B)
        dW_RGK, dV_RHJ = torch.zeros_like(W_RGK), torch.zeros_like(V_RHJ)
        gradients = dy_RTN, dh_RN, dc_RN, dx_RTN, dW_RGK, dV_RHJ
        with one_thread():
            loops.backward(ctx.kind, *arrays(W_RGK.mT, V_RHJ.mT, z_RTKB.flatten(2), c_RTN, s_RTN, *gradients))
        dx_RBTI = of_inputs(dx_RTN, B)
        states = (d_RN.view(R, -1, B).mT for d_RN in (dh_RN, dc_RN))
        return None, None, dx_RBTI, dW_RGK, dV_RHJ, *states


def scan(
    kind: str, x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, h_RBH: Tensor, *,
    c_RBH: Tensor | None = None, b_n_RH: Tensor | None = None, last: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(y, h, c): the outputs of all steps or, with `last`, of the last step alone, and the state after it."""
    if kind == "gru":  # n sees W_n x and U_n h apart: in W the one meets zeros, V has it alone
        H = U_RGH.shape[-1]
        J_RGJ = torch.cat([W_RGI, b_RG.unsqueeze(-1)], -1)
        n_RHJ = nn.functional.pad(cast(Tensor, b_n_RH).unsqueeze(-1), (W_RGI.shape[-1], 0))
        W_RGK = torch.cat([U_RGH, torch.cat([J_RGJ[:, : 2 * H], n_RHJ], 1)], -1)
        V_RHJ = J_RGJ[:, 2 * H :].contiguous()
    else:
        W_RGK = torch.cat([U_RGH, W_RGI, b_RG.unsqueeze(-1)], -1)
        V_RHJ = W_RGK.new_empty(len(W_RGK), U_RGH.shape[-1], 0)
    c_RBH = h_RBH.new_empty(*h_RBH.shape[:2], 0) if c_RBH is None else c_RBH
    y_RBTH, h_RBH, c_RBH = Scan.apply(KINDS[kind], last, x_RBTI, W_RGK, V_RHJ, h_RBH, c_RBH)  # type: ignore[no-untyped-call]
    return h_RBH.unsqueeze(2) if last else y_RBTH, h_RBH, c_RBH


def rows_of_steps(x_RBTI: Tensor, h_RBH: Tensor, more: int = 0) -> Tensor:
    """(R, T + 1, K + more, B): the start, room for the other states, the inputs, ones, and more room."""
    R, B, T, inputs = x_RBTI.shape
    H = h_RBH.shape[-1]
    K = H + inputs + 1
    z_RTKB = room(h_RBH, R, T + 1, K + more, B)
    z_RTKB[:, 0, :H] = h_RBH.mT
    z_RTKB[:, :T, H : K - 1] = x_RBTI.permute(0, 2, 3, 1)
    z_RTKB[:, :T, K - 1] = 1
    return z_RTKB


def of_outputs(dy_RBTH: Tensor | None, like: Tensor, values: int) -> Tensor:
    """The gradient of all outputs as a loop reads it, (R, T, N) of N `values`; (R, 0, N) where none comes."""
    if dy_RBTH is None:
        return like.new_empty(len(like), 0, values)
    return dy_RBTH.permute(0, 2, 3, 1).flatten(2)


def of_inputs(dx_RTN: Tensor, sequences: int) -> Tensor | None:
    """What a loop has written into its room for the gradient of x, (R, B, T, I); None where it had none."""
    R, T = dx_RTN.shape[:2]
    return dx_RTN.view(R, T, -1, sequences).permute(0, 3, 1, 2) if T else None


def batch_last(state_RBH: Tensor | None, R: int, values: int, like: Tensor) -> Tensor:
    """A copy of (R, B, H) as (R, H x B), for the loop to write into; zeros where there is no gradient."""
    if state_RBH is None:
        return like.new_zeros(R, values)
    return state_RBH.mT.reshape(R, values).clone()


def room(like: Tensor, *shape: int) -> Tensor:
    """Uninitialised, from numpy: it asks the system for large pages, a tenth faster to use at 100 MB."""
    return torch.from_numpy(np.empty(shape, like.detach()[:0].numpy().dtype))


def arrays(*tensors: Tensor) -> list[np.ndarray]:
    """The same memory as numpy arrays (a copy only of what is not contiguous)."""
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


@functools.cache
def blas_libraries() -> Any:
    try:
        import scipy.linalg  # noqa: F401  # the compiled loops call scipy's BLAS: only once loaded it is found
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(internal_api="openblas")


def one_thread() -> AbstractContextManager[Any]:
    """Keeps numpy's and scipy's BLAS to one thread; on matrices this small more of them only wait.

    Without threadpoolctl the number is what OPENBLAS_NUM_THREADS or OMP_NUM_THREADS says.
    """
    libraries = blas_libraries()
    return libraries.limit(limits=1) if libraries else nullcontext()
