"""y = h' = f(W x + u * h + b)  for R replicas, with |u| clipped to a bound that its gradient does not see."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnlimits.architectures.kernels.scan import State, TrialShapes, arrays, room

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units; p is W x + b.
KINDS = {"relu": 0, "tanh": 1}  # as loops_independent.py counts them
NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu, "tanh": torch.tanh}


class Scan(torch.autograd.Function):
    """(outputs of all steps or None, last h)."""

    @staticmethod
    def forward(
        ctx: Any, kind: int, last: bool, p_RBTH: Tensor, u_RH: Tensor, start_RBH: Tensor
    ) -> tuple[Tensor | None, Tensor]:
        from rnnlimits.architectures.kernels import loops_independent as loops

        h_RBTH = room(p_RBTH, *p_RBTH.shape)
        loops.forward(kind, *arrays(u_RH, start_RBH, p_RBTH, h_RBTH))
        ctx.kind = kind
        ctx.save_for_backward(u_RH, start_RBH, h_RBTH)
        ctx.set_materialize_grads(False)
        return None if last else h_RBTH, h_RBTH[:, :, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_RBTH: Tensor | None, dh_RBH: Tensor | None) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_independent as loops

        u_RH, start_RBH, h_RBTH = ctx.saved_tensors
        dy_RBTH = h_RBTH[:, :, :0] if dy_RBTH is None else dy_RBTH
        before_RBH = start_RBH.new_zeros(start_RBH.shape)  # filled by the loop
        if dh_RBH is not None:
            before_RBH += dh_RBH
        dp_RBTH, du_RH = room(h_RBTH, *h_RBTH.shape), u_RH.new_zeros(u_RH.shape)
        loops.backward(ctx.kind, *arrays(u_RH, start_RBH, h_RBTH, dy_RBTH, before_RBH, dp_RBTH, du_RH))
        return None, None, dp_RBTH, du_RH, before_RBH


def clipped(u_RH: Tensor, bound: float) -> Tensor:
    """The gradient passes unchanged."""
    return u_RH + (u_RH.clamp(-bound, bound) - u_RH).detach()


def scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, u_RH: Tensor, state: State | None, f: str = "relu",
    bound: float = math.inf, *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    (start_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], u_RH.shape[-1]),)
    # All steps in one product; there is no other in a step.
    p_RNH = torch.baddbmm(b_RH.unsqueeze(1), x_RBTI.flatten(1, 2), W_RHI.mT)
    p_RBTH = p_RNH.view(*x_RBTI.shape[:3], -1)
    y_RBTH, h_RBH = Scan.apply(KINDS[f], last, p_RBTH, clipped(u_RH, bound), start_RBH)  # type: ignore[no-untyped-call]
    return h_RBH.unsqueeze(2) if last else y_RBTH, (h_RBH,)


def plain_scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, u_RH: Tensor, state: State | None, f: str = "relu",
    bound: float = math.inf,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same in plain PyTorch: what `scan` is held against."""
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], u_RH.shape[-1]),)
    u_R1H, y_T = clipped(u_RH, bound).unsqueeze(1), []
    for x_RBI in x_RBTI.unbind(2):
        h_RBH = NONLINEARITIES[f](x_RBI @ W_RHI.mT + b_RH.unsqueeze(1) + u_R1H * h_RBH)
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, H, I), (R, H), (R, H)], [(H,)], ("tanh", 0.5)
