"""h' = f(W x + U h + b), y = h'  for R replicas."""

from collections.abc import Callable

import torch
from torch import Tensor

from rnnlimits.architectures.kernels.scan import State, TrialShapes
from rnnlimits.architectures.kernels.scan import scan as scan_compiled

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units.
NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda x: x,
}  # fmt: skip


def scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, U_RHH: Tensor, state: State | None, f: str = "tanh",
    *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], U_RHH.shape[-1]),)
    y_RBTH, h_RBH, _ = scan_compiled(f, x_RBTI, W_RHI, b_RH, U_RHH, h_RBH, last=last)
    return y_RBTH, (h_RBH,)


def plain_scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, U_RHH: Tensor, state: State | None, f: str = "tanh"
) -> tuple[Tensor, State]:
    """The same in plain PyTorch: what `scan` is held against."""
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], U_RHH.shape[-1]),)
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        h_RBH = NONLINEARITIES[f](x_RBI @ W_RHI.mT + b_RH.unsqueeze(1) + h_RBH @ U_RHH.mT)
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, H, I), (R, H), (R, H, H)], [(H,)], ()
