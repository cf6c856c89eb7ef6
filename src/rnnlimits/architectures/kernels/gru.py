"""r, z = sigmoid(W x + U h + b),  n = tanh(W_n x + b_n + r * (U_n h + c)),  h' = (1 - z) * n + z * h,  y = h'
for R replicas; the gates stand in torch's order r, z, n.
"""

import torch
from torch import Tensor

from rnnlimits.architectures.kernels.scan import State, TrialShapes
from rnnlimits.architectures.kernels.scan import scan as scan_compiled

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units, G = 3H gates.


def scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, c_RH: Tensor, state: State | None,
    *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], U_RGH.shape[-1]),)
    y_RBTH, h_RBH, _ = scan_compiled("gru", x_RBTI, W_RGI, b_RG, U_RGH, h_RBH, b_n_RH=c_RH, last=last)
    return y_RBTH, (h_RBH,)


def plain_scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, c_RH: Tensor, state: State | None
) -> tuple[Tensor, State]:
    """The same in plain PyTorch: what `scan` is held against."""
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], U_RGH.shape[-1]),)
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        p_r_RBH, p_z_RBH, p_n_RBH = (x_RBI @ W_RGI.mT + b_RG.unsqueeze(1)).chunk(3, -1)
        u_r_RBH, u_z_RBH, u_n_RBH = (h_RBH @ U_RGH.mT).chunk(3, -1)
        r_RBH, z_RBH = torch.sigmoid(p_r_RBH + u_r_RBH), torch.sigmoid(p_z_RBH + u_z_RBH)
        n_RBH = torch.tanh(p_n_RBH + r_RBH * (u_n_RBH + c_RH.unsqueeze(1)))
        h_RBH = (1 - z_RBH) * n_RBH + z_RBH * h_RBH
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, 3 * H, I), (R, 3 * H), (R, 3 * H, H), (R, H)], [(H,)], ()
