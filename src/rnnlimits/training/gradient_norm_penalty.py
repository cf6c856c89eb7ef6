"""Omega: a penalty on gradients that shrink or grow on their way back in time.  Pascanu et al. (2013).

    h_k = f(W x_k + U h_{k-1} + b)     Omega = mean over k of (|dE/dh_k dh_k/dh_{k-1}|^2 / |dE/dh_k|^2 - 1)^2

Only the immediate derivative is taken (eq. 10): U stands in dh_k/dh_{k-1} = diag(f') U, and dE/dh_k and f'
are held fixed.  The squares of the norms, the mean over all k and sequences and the least |dE/dh_k|^2 that
counts are those of the authors' released code; eq. 9 sums over k.
"""

from collections.abc import Callable

import torch
from torch import Tensor

# Shape letters: R replicas, B sequences, T steps, H hidden units.
SMALLEST = 1e-20  # of |dE/dh_k|^2: below, it has vanished and says nothing

# f' of the output h = f(z)
SLOPES: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda h: 1 - h.square(),
    "sigmoid": lambda h: h * (1 - h),
    "relu": lambda h: (h > 0).to(h.dtype),
    "identity": torch.ones_like,
}


def penalty_and_gradient(
    U_RHH: Tensor, h_RBTH: Tensor, direct_RBTH: Tensor, nonlinearity: str
) -> tuple[Tensor, Tensor]:
    """Omega of each replica and its derivative by U; `direct` is dE/dh_k with all later h held fixed."""
    slope_RBTH = SLOPES[nonlinearity](h_RBTH)
    whole, before = [], []
    past_RBH = torch.zeros_like(direct_RBTH[:, :, 0])
    for direct_RBH, slope_RBH in zip(reversed(direct_RBTH.unbind(2)), reversed(slope_RBTH.unbind(2))):
        whole.append(direct_RBH + past_RBH)  # dE/dh_k
        past_RBH = torch.bmm(whole[-1] * slope_RBH, U_RHH)  # dE/dh_k dh_k/dh_{k-1}
        before.append(past_RBH)
    whole_RBTH, before_RBTH = (torch.stack(list(reversed(parts)), 2) for parts in (whole, before))

    squared_RBT = whole_RBTH.square().sum(-1)
    counts_RBT = squared_RBT >= SMALLEST
    squared_RBT = squared_RBT.masked_fill(~counts_RBT, 1)
    excess_RBT = (before_RBTH.square().sum(-1) / squared_RBT - 1).masked_fill(~counts_RBT, 0)
    share_RBT = counts_RBT.to(squared_RBT.dtype)
    share_RBT = share_RBT / share_RBT.sum((1, 2), keepdim=True).clamp(min=1)
    weight_RBT = 4 * share_RBT * excess_RBT / squared_RBT
    source_RBTH = weight_RBT[..., None] * whole_RBTH * slope_RBTH
    gradient_RHH = torch.bmm(source_RBTH.flatten(1, 2).transpose(1, 2), before_RBTH.flatten(1, 2))
    return (share_RBT * excess_RBT.square()).sum((1, 2)), gradient_RHH
