"""h' = a h + w u, z = 2 Re(C h') + D u, y = glu(V gelu(z) + c), with u = W x + b, a = exp(d A), w =
(a - 1) / A, for R replicas: block by block of time steps, in products of matrices alone.

The recurrence is the same whatever the input says.  So within a block of S steps it is a causal filter, one
S x S matrix for all sequences and blocks (Gu et al. 2022), and from block to block goes the state (as Dao &
Gu 2024 cut another recurrence).  Nothing that is kept has an axis N for every step.  In a convolution by FFT
what comes later has a share in each output, one of rounding; here it has none.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnnlimits.architectures.kernels.scan import State, TrialShapes

# Shape letters: R replicas, B sequences, T time steps, I inputs, H hidden units, N complex coordinates of
# each unit's state, P = 2N: all real parts, then all imaginary ones, S steps of a block, J = S + 1 powers,
# K blocks, L = B x K, M = B x T.
LONGEST_BLOCK = 64  # steps


class Filter(NamedTuple):
    """What a block of S steps does: to an input's share in its outputs and in the state after it."""

    through_HSS: Tensor | None  # from an input to the outputs; None where nobody asks for all of them
    enter_HSP: Tensor  # from an input to the state after the block
    leave_HPS: Tensor  # from the state before the block to its outputs
    a_HNJ: Tensor  # the factor of the state over 0, 1, .., S steps


def scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, ln_step_RH1: Tensor, ln_decay_RHN: Tensor,
    frequency_RHN: Tensor, C_RHN2: Tensor, D_RH: Tensor, V_RGH: Tensor, c_RG: Tensor, state: State | None,
    *, last: bool = False,
) -> tuple[Tensor, State]:  # fmt: skip
    weights = W_RHI, b_RH, ln_step_RH1, ln_decay_RHN, frequency_RHN, C_RHN2, D_RH, V_RGH, c_RG
    starts = [None] * len(x_RBTI) if state is None else state[0].unbind()
    # One replica after another: what belongs to one stays in the caches.
    each = zip(x_RBTI.unbind(), *(rows.unbind() for rows in weights), starts, strict=True)
    y_R, h_R = zip(*(of_one_replica(*own, last=last) for own in each))
    return torch.stack(y_R).permute(0, 2, 3, 1), (torch.stack(h_R),)


def of_one_replica(
    x_BTI: Tensor, W_HI: Tensor, b_H: Tensor, ln_step_H1: Tensor, ln_decay_HN: Tensor, frequency_HN: Tensor,
    C_HN2: Tensor, D_H: Tensor, V_GH: Tensor, c_G: Tensor, start_BHN2: Tensor | None, *, last: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """y_HBT, or with `last` the last step's y_HB1, and the state after the last step."""
    # The units first, for each has a product of its own.
    u_HM = torch.addmm(b_H.unsqueeze(1), W_HI, x_BTI.permute(2, 0, 1).flatten(1))
    u_HBT = u_HM.view(-1, *x_BTI.shape[:2])
    start_HBN = None if start_BHN2 is None else complex_of(start_BHN2).transpose(0, 1)
    C_HN, T = complex_of(C_HN2), x_BTI.shape[1]
    S = -(-T // -(-T // LONGEST_BLOCK))
    block = filter_of(ln_step_H1, ln_decay_HN, frequency_HN, C_HN, D_H, S, last)
    before, after_HBN, u_HLS = states(u_HBT, block, start_HBN)
    if last:
        z_HBT = 2 * (C_HN.unsqueeze(1) * after_HBN).real.sum(-1, keepdim=True)
        z_HBT = z_HBT + D_H[:, None, None] * u_HBT[..., -1:]
    else:
        z_HBT = outputs(u_HLS, block, before, start_HBN, T)
    mixed_GM = torch.addmm(c_G.unsqueeze(1), V_GH, nn.functional.gelu(z_HBT).flatten(1))
    y_HBT = nn.functional.glu(mixed_GM, 0).view_as(z_HBT)
    return y_HBT, torch.view_as_real(after_HBN.transpose(0, 1))


def complex_of(pairs: Tensor) -> Tensor:
    """A copy: a weight in a row of weights may lie where no complex number may."""
    return torch.complex(*pairs.unbind(-1))


def filter_of(
    ln_step_H1: Tensor, ln_decay_HN: Tensor, frequency_HN: Tensor, C_HN: Tensor, D_H: Tensor, S: int,
    last: bool,
) -> Filter:  # fmt: skip
    A_HN = torch.complex(-ln_decay_HN.exp(), frequency_HN)
    dA_HN1 = (ln_step_H1.exp() * A_HN).unsqueeze(-1)
    steps_J = torch.arange(S + 1, dtype=D_H.dtype, device=D_H.device)
    a_HNJ = torch.polar((dA_HN1.real * steps_J).exp(), dA_HN1.imag * steps_J)
    w_HN1, C_HN1 = torch.expm1(dA_HN1) / A_HN.unsqueeze(-1), 2 * C_HN.unsqueeze(-1)
    enter_HNS, leave_HNS = w_HN1 * a_HNJ[..., :-1].flip(-1), C_HN1 * a_HNJ[..., 1:]
    enter_HSP = torch.cat([enter_HNS.real, enter_HNS.imag], 1).mT
    leave_HPS = torch.cat([leave_HNS.real, -leave_HNS.imag], 1)
    if last:
        return Filter(None, enter_HSP, leave_HPS, a_HNJ)
    response_HS = ((C_HN1 * w_HN1).mT @ a_HNJ[..., :-1]).real.squeeze(1)
    response_HS = torch.cat([response_HS[:, :1] + D_H.unsqueeze(1), response_HS[:, 1:]], 1)
    # Row s is the response to an input at step s: s zeros, then as much of it as the block has room for.
    through_HSS = nn.functional.pad(response_HS, (S - 1, 0)).unfold(1, S, 1).flip(1)
    return Filter(through_HSS, enter_HSP, leave_HPS, a_HNJ)


def states(u_HBT: Tensor, block: Filter, start_HBN: Tensor | None) -> tuple[list[Tensor], Tensor, Tensor]:
    """The states before the second block, the third .., the one after the last, and the inputs in blocks.

    The first block is the short one; zeros before it complete it.
    """
    (H, B, T), S = u_HBT.shape, block.enter_HSP.shape[1]
    u_HLS = nn.functional.pad(u_HBT, (-T % S, 0)).view(H, -1, S)
    entered_HBKP = (u_HLS @ block.enter_HSP).view(H, B, -1, block.enter_HSP.shape[2])
    entered_HBKN = torch.complex(*entered_HBKP.chunk(2, -1))
    h_HBN = entered_HBKN[:, :, 0]
    if start_HBN is not None:
        h_HBN = h_HBN + block.a_HNJ[..., S - -T % S].unsqueeze(1) * start_HBN
    before = []
    for entered_HBN in entered_HBKN.unbind(2)[1:]:
        before.append(h_HBN)
        h_HBN = block.a_HNJ[..., S].unsqueeze(1) * h_HBN + entered_HBN
    return before, h_HBN, u_HLS


def outputs(u_HLS: Tensor, block: Filter, before: list[Tensor], start_HBN: Tensor | None, T: int) -> Tensor:
    """z_HBT: what a block's own inputs give, and what the state before it does."""
    assert block.through_HSS is not None
    z_HLS = u_HLS @ block.through_HSS
    H, _, S = u_HLS.shape
    if before:
        h_HBKN = torch.stack([torch.zeros_like(before[0]), *before], 2)
        h_HLP = torch.cat([h_HBKN.real, h_HBKN.imag], -1).flatten(1, 2)
        z_HLS = torch.baddbmm(z_HLS, h_HLP, block.leave_HPS)
    z_HBT = z_HLS.view(H, -1, -(-T // S) * S)[..., -T:]
    if start_HBN is None:
        return z_HBT
    # The first block is short by so many zeros, of which the start knows nothing.
    first = S - -T % S
    h_HBP = torch.cat([start_HBN.real, start_HBN.imag], -1)
    return z_HBT + nn.functional.pad(h_HBP @ block.leave_HPS[..., :first], (0, T - first))


def plain_scan(
    x_RBTI: Tensor, W_RHI: Tensor, b_RH: Tensor, ln_step_RH1: Tensor, ln_decay_RHN: Tensor,
    frequency_RHN: Tensor, C_RHN2: Tensor, D_RH: Tensor, V_RGH: Tensor, c_RG: Tensor, state: State | None,
) -> tuple[Tensor, State]:  # fmt: skip
    """The same step by step: what `scan` is held against."""
    R, B = x_RBTI.shape[:2]
    A_R1HN = torch.complex(-ln_decay_RHN.exp(), frequency_RHN).unsqueeze(1)
    dA_R1HN = ln_step_RH1.exp().unsqueeze(1) * A_R1HN
    a_R1HN, w_R1HN = dA_R1HN.exp(), torch.expm1(dA_R1HN) / A_R1HN
    C_R1HN, y_T = complex_of(C_RHN2).unsqueeze(1), []
    h_RBHN = a_R1HN.new_zeros(R, B, *C_R1HN.shape[2:]) if state is None else complex_of(state[0])
    for x_RBI in x_RBTI.unbind(2):
        u_RBH = x_RBI @ W_RHI.mT + b_RH.unsqueeze(1)
        h_RBHN = a_R1HN * h_RBHN + w_R1HN * u_RBH.unsqueeze(-1)
        z_RBH = 2 * (C_R1HN * h_RBHN).real.sum(-1) + D_RH.unsqueeze(1) * u_RBH
        y_T.append(nn.functional.glu(nn.functional.gelu(z_RBH) @ V_RGH.mT + c_RG.unsqueeze(1), -1))
    return torch.stack(y_T, 2), (torch.view_as_real(h_RBHN),)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    N = 3
    units = [(R, H, 1), (R, H, N), (R, H, N), (R, H, N, 2), (R, H)]
    return [(R, H, I), (R, H), *units, (R, 2 * H, H), (R, 2 * H)], [(H, N, 2)], ()
