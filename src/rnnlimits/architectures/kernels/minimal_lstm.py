"""h' = (F * h + I * n) / (F + I), y = h', with F, I = sigmoid(W x + b), n = W_n x + b_n  for R replicas."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from rnnlimits.architectures.kernels import minimal
from rnnlimits.architectures.kernels.scan import State, TrialShapes

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units.


def scan(
    x_RBTI: Tensor, F_RHI: Tensor, F_RH: Tensor, I_RHI: Tensor, I_RH: Tensor, n_RHI: Tensor, n_RH: Tensor,
    state: State | None, candidate: str = "linear", *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    (h_RBH,) = state or (minimal.zeros(x_RBTI, F_RH),)
    weights = torch.cat([F_RHI, I_RHI, n_RHI], 1), torch.cat([F_RH, I_RH, n_RH], 1)
    return minimal.scan(x_RBTI, *weights, h_RBH, positive=candidate == "positive", last=last)


def plain_scan(
    x_RBTI: Tensor, F_RHI: Tensor, F_RH: Tensor, I_RHI: Tensor, I_RH: Tensor, n_RHI: Tensor, n_RH: Tensor,
    state: State | None, candidate: str = "linear",
) -> tuple[Tensor, State]:  # fmt: skip
    """The same in plain PyTorch: what `scan` is held against."""
    (h_RBH,) = state or (minimal.zeros(x_RBTI, F_RH),)
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        nets = ((F_RHI, F_RH), (I_RHI, I_RH), (n_RHI, n_RH))
        F_RBH, I_RBH, n_RBH = (x_RBI @ W_RHI.mT + b_RH.unsqueeze(1) for W_RHI, b_RH in nets)
        n_RBH = minimal.made_positive(n_RBH) if candidate == "positive" else n_RBH
        ln_ratio_RBH = logsigmoid(F_RBH) - logsigmoid(I_RBH)
        h_RBH = torch.sigmoid(ln_ratio_RBH) * h_RBH + torch.sigmoid(-ln_ratio_RBH) * n_RBH
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, H, I), (R, H)] * 3, [(H,)], ("positive",)
