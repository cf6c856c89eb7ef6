"""c' = f * c + i * g,  h' = o * tanh(c'),  y = h'   with gates  i, f, o = sigmoid(...), g = tanh(...)
of W x + U h + b, for R replicas; the gates stand in torch's order i, f, g, o.
"""

import torch
from torch import Tensor

from rnnlimits.architectures.kernels.scan import State, TrialShapes
from rnnlimits.architectures.kernels.scan import scan as scan_compiled

# Shape letters: R replicas, T time steps, B sequences, I inputs, H hidden units, G = 4H gates.


def scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, state: State | None,
    *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    h_RBH, c_RBH = state or [x_RBTI.new_zeros(*x_RBTI.shape[:2], U_RGH.shape[-1])] * 2
    y_RBTH, *state_RBH = scan_compiled("lstm", x_RBTI, W_RGI, b_RG, U_RGH, h_RBH, c_RBH=c_RBH, last=last)
    return y_RBTH, tuple(state_RBH)


def plain_scan(
    x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, state: State | None
) -> tuple[Tensor, State]:
    """The same in plain PyTorch: what `scan` is held against."""
    h_RBH, c_RBH = state or [x_RBTI.new_zeros(*x_RBTI.shape[:2], U_RGH.shape[-1])] * 2
    y_T = []
    for x_RBI in x_RBTI.unbind(2):
        p_RBG = x_RBI @ W_RGI.mT + b_RG.unsqueeze(1)
        i_RBH, f_RBH, g_RBH, o_RBH = (p_RBG + h_RBH @ U_RGH.mT).chunk(4, -1)
        c_RBH = torch.sigmoid(f_RBH) * c_RBH + torch.sigmoid(i_RBH) * torch.tanh(g_RBH)
        h_RBH = torch.sigmoid(o_RBH) * torch.tanh(c_RBH)
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH, c_RBH)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, 4 * H, I), (R, 4 * H), (R, 4 * H, H)], [(H,), (H,)], ()
