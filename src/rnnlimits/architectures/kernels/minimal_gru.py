"""h' = (1 - z) * h + z * n, y = h', with z = sigmoid(W_z x + b_z), n = W_n x + b_n  for R replicas."""

import torch
from torch import Tensor

from rnnlimits.architectures.kernels import minimal
from rnnlimits.architectures.kernels.scan import State, TrialShapes

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units.


def scan(
    x_RBTI: Tensor, z_RHI: Tensor, z_RH: Tensor, n_RHI: Tensor, n_RH: Tensor, state: State | None,
    candidate: str = "linear", *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    (h_RBH,) = state or (minimal.zeros(x_RBTI, z_RH),)
    weights = torch.cat([z_RHI, n_RHI], 1), torch.cat([z_RH, n_RH], 1)
    return minimal.scan(x_RBTI, *weights, h_RBH, positive=candidate == "positive", last=last)


def plain_scan(
    x_RBTI: Tensor, z_RHI: Tensor, z_RH: Tensor, n_RHI: Tensor, n_RH: Tensor, state: State | None,
    candidate: str = "linear",
) -> tuple[Tensor, State]:  # fmt: skip
    """The same in plain PyTorch: what `scan` is held against."""
    (h_RBH,) = state or (minimal.zeros(x_RBTI, z_RH),)
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        z_RBH = torch.sigmoid(x_RBI @ z_RHI.mT + z_RH.unsqueeze(1))
        n_RBH = x_RBI @ n_RHI.mT + n_RH.unsqueeze(1)
        n_RBH = minimal.made_positive(n_RBH) if candidate == "positive" else n_RBH
        h_RBH = (1 - z_RBH) * h_RBH + z_RBH * n_RBH
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, H, I), (R, H)] * 2, [(H,)], ("positive",)
