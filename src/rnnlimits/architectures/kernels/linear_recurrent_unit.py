"""h' = l * h + G * (B x), z = Re(C h') + D x, y = z or glu(V gelu(z) + c), with l = exp(-exp(nu) + i
exp(theta)), for R replicas: a complex state is all its real parts, then the imaginary ones, so that products
are real.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, glu

from rnnlimits.architectures.kernels.linear import planar, scan_rows
from rnnlimits.architectures.kernels.scan import State, TrialShapes

# Shape letters: R replicas, B sequences, T time steps, M = B x T, I inputs, H hidden units, G = 2H, P = 2H:
# the real parts, then the imaginary ones. V and c come with gated outputs alone.


def scan(
    x_RBTI: Tensor, nu_RH: Tensor, theta_RH: Tensor, ln_G_RH: Tensor, B_RHI2: Tensor, C_RHH2: Tensor,
    D_RHI: Tensor, *mixing_and_state: Any, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    *mixing, state = mixing_and_state
    weights = nu_RH, theta_RH, ln_G_RH, B_RHI2, C_RHH2, D_RHI, *mixing
    (h_RBH2,) = zeros(x_RBTI, nu_RH) if state is None else state
    # One replica after another: what belongs to one stays in the caches.
    each = zip(h_RBH2.unbind(), x_RBTI.unbind(), *(rows.unbind() for rows in weights), strict=True)
    y_R, h_R = zip(*(of_one_replica(*own, last=last) for own in each))
    return torch.stack(y_R), (torch.stack(h_R),)


def of_one_replica(
    h_BH2: Tensor, x_BTI: Tensor, nu_H: Tensor, theta_H: Tensor, ln_G_H: Tensor, B_HI2: Tensor, C_HH2: Tensor,
    D_HI: Tensor, *mixing: Tensor, last: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """y_BTH, or with `last` the last step's y_B1H, and the state after the last step."""
    l_H = torch.polar(torch.exp(-nu_H.exp()), theta_H.exp())
    B_PI = (B_HI2 * ln_G_H.exp()[:, None, None]).movedim(-1, 0).flatten(0, 1)
    C_HP = torch.cat([C_HH2[..., 0], -C_HH2[..., 1]], -1)
    b_BTP = (x_BTI.flatten(0, 1) @ B_PI.mT).view(*x_BTI.shape[:2], -1)
    start_BP = h_BH2.mT.flatten(1)
    h_BTP = scan_rows(planar(l_H)[None, None], b_BTP, start_BP, is_complex=True, last=last)
    h_MP, x_MI = h_BTP.flatten(0, 1), x_BTI[:, -h_BTP.shape[1] :].flatten(0, 1)
    z_MH = torch.addmm(x_MI @ D_HI.mT, h_MP, C_HP.mT)
    if mixing:
        V_GH, c_G = mixing
        z_MH = glu(torch.addmm(c_G, gelu(z_MH), V_GH.mT), -1)
    return z_MH.view(*h_BTP.shape[:2], -1), h_BTP[:, -1].unflatten(-1, (2, -1)).mT


def zeros(x_RBTI: Tensor, nu_RH: Tensor) -> State:
    return (x_RBTI.new_zeros(*x_RBTI.shape[:2], nu_RH.shape[1], 2),)


def plain_scan(
    x_RBTI: Tensor, nu_RH: Tensor, theta_RH: Tensor, ln_G_RH: Tensor, B_RHI2: Tensor, C_RHH2: Tensor,
    D_RHI: Tensor, *mixing_and_state: Any,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same step by step in plain PyTorch: what `scan` is held against."""
    *mixing, state = mixing_and_state
    (h_RBH2,) = zeros(x_RBTI, nu_RH) if state is None else state
    l_R1H = torch.polar(torch.exp(-nu_RH.exp()), theta_RH.exp()).unsqueeze(1)
    B_RHI, C_RHH = torch.complex(*B_RHI2.unbind(-1)), torch.complex(*C_RHH2.unbind(-1))
    h_RBH, y_T = torch.complex(*h_RBH2.unbind(-1)), []
    for x_RBI in x_RBTI.unbind(2):
        h_RBH = l_R1H * h_RBH + ln_G_RH.exp().unsqueeze(1) * (x_RBI.to(B_RHI.dtype) @ B_RHI.mT)
        z_RBH = (h_RBH @ C_RHH.mT).real + x_RBI @ D_RHI.mT
        if mixing:
            V_RGH, c_RG = mixing
            z_RBH = glu(gelu(z_RBH) @ V_RGH.mT + c_RG.unsqueeze(1), -1)
        y_T.append(z_RBH)
    return torch.stack(y_T, 2), (torch.view_as_real(h_RBH),)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    maps = [(R, H, I, 2), (R, H, H, 2), (R, H, I)]
    return [(R, H), (R, H), (R, H), *maps, (R, 2 * H, H), (R, 2 * H)], [(H, 2)], ()
