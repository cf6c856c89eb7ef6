"""y = h' = h + e * tanh(V x + M h + b)  for R replicas, with M = A - A^T - d I; `gated` multiplies tanh by
sigmoid(U x + M h + c).
"""

from typing import Any

import torch
from torch import Tensor

from rnnlimits.architectures.kernels.leaky import scan_compiled
from rnnlimits.architectures.kernels.scan import State, TrialShapes
from rnnlimits.architectures.kernels.skew import skew

# Shape letters: R replicas, T time steps, B sequences, I inputs, J = I + 1, H hidden units, K pairs of them,
# G = H, or 2H with a gate, L = H + J.


def matrices(A_RK: Tensor, H: int, diffusion: float) -> Tensor:
    """M."""
    skew_RHH = torch.vmap(skew, in_dims=(0, None))(A_RK, H)
    return skew_RHH - diffusion * torch.eye(H, dtype=A_RK.dtype, device=A_RK.device)


def scan(
    x_RBTI: Tensor, V_RGI: Tensor, b_RG: Tensor, A_RK: Tensor, state: State | None, gated: bool = False,
    step_size: float = 0.01, diffusion: float = 0.01, *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    H = b_RG.shape[1] // (1 + gated)
    J_RHJ, *gate = torch.cat([V_RGI, b_RG.unsqueeze(-1)], -1).split(H, 1)
    W_RHL = torch.cat([matrices(A_RK, H, diffusion), J_RHJ], -1)
    how: dict[str, Any] = {"a_RH": b_RG.new_full(b_RG.shape, step_size)}
    if gated:  # M h stands in W alone; to it comes what the gate's inputs have more
        how = {"D_RHJ": gate[0] - J_RHJ, "scale": step_size}
    return scan_compiled("antisymmetric", x_RBTI, W_RHL, state, last=last, **how)


def plain_scan(
    x_RBTI: Tensor, V_RGI: Tensor, b_RG: Tensor, A_RK: Tensor, state: State | None, gated: bool = False,
    step_size: float = 0.01, diffusion: float = 0.01,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same in plain PyTorch: what `scan` is held against."""
    H, y_T = b_RG.shape[1] // (1 + gated), []
    (h_RBH,) = state or (x_RBTI.new_zeros(*x_RBTI.shape[:2], H),)
    M_RHH = matrices(A_RK, H, diffusion)
    for x_RBI in x_RBTI.unbind(2):
        u_RBH, *gate = (x_RBI @ V_RGI.mT + b_RG.unsqueeze(1)).split(H, -1)
        m_RBH = h_RBH @ M_RHH.mT
        change_RBH = torch.tanh(u_RBH + m_RBH)
        if gate:
            change_RBH = torch.sigmoid(gate[0] + m_RBH) * change_RBH
        h_RBH = h_RBH + step_size * change_RBH
        y_T.append(h_RBH)
    return torch.stack(y_T, 2), (h_RBH,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, 2 * H, I), (R, 2 * H), (R, H * (H - 1) // 2)], [(H,)], (True, 0.5, 0.1)
