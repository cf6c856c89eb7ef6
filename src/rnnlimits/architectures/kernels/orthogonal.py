"""y = h' = f(W x + Q h)  for R replicas, with Q = exp(A - A^T), and f the modReLU sign(z) relu(|z| + b); or
h' = tanh(W x + Q h + b).
"""

import torch
from torch import Tensor

from rnnlimits.architectures.kernels import elman, leaky
from rnnlimits.architectures.kernels.scan import State, TrialShapes
from rnnlimits.architectures.kernels.skew import skew

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units, K pairs of them,
# L = H + I + 1.


def rotations(A_RK: Tensor, H: int) -> Tensor:
    """Q."""
    return torch.matrix_exp(torch.vmap(skew, in_dims=(0, None))(A_RK, H))


def scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, A_RK: Tensor, state: State | None, f: str = "modrelu",
    *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    Q_RHH = rotations(A_RK, b_RH.shape[1])
    if f == "tanh":
        return elman.scan(x_RBTI, W_RHI, b_RH, Q_RHH, state, f, last=last)
    W_RHL = torch.cat([Q_RHH, W_RHI, torch.zeros_like(b_RH).unsqueeze(-1)], -1)
    return leaky.scan_compiled("modrelu", x_RBTI, W_RHL, state, a_RH=b_RH, last=last)


def plain_scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, A_RK: Tensor, state: State | None, f: str = "modrelu"
) -> tuple[Tensor, State]:
    """The same in plain PyTorch: what `scan` is held against."""
    Q_RHH = rotations(A_RK, b_RH.shape[1])
    if f == "tanh":
        return elman.plain_scan(x_RBTI, W_RHI, b_RH, Q_RHH, state, f)
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], b_RH.shape[1]),)
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        z_RBH = x_RBI @ W_RHI.mT + h_RBH @ Q_RHH.mT
        h_RBH = z_RBH.sign() * torch.relu(z_RBH.abs() + b_RH.unsqueeze(1))
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, H, I), (R, H), (R, H * (H - 1) // 2)], [(H,)], ()
