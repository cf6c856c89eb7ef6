"""h' = a * h + b, y = h'  for R replicas, step after step; `a` may be the same for all sequences or steps.

On one core that is faster than the scan of associative.py, which passes over the states some ten times.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rnnlimits.architectures.kernels.scan import State, TrialShapes, arrays, room

# Shape letters: R replicas, B sequences, T time steps, N coordinates of the state, one or more axes, P = N
# real numbers, or 2N where the state is complex: all real parts, then all imaginary ones. `a` may have size 1
# for B and for T.


class Scan(torch.autograd.Function):
    """All states of one replica, or with `last` that of the last step, in rows of P real numbers."""

    @staticmethod
    def forward(
        ctx: Any, is_complex: bool, last: bool, a_BTP: Tensor, b_BTP: Tensor, start_BP: Tensor
    ) -> Tensor:
        from rnnlimits.architectures.kernels import loops_linear as loops

        h_BTP = room(b_BTP, *b_BTP.shape)
        loops.linear(is_complex, *arrays(a_BTP, b_BTP, start_BP, h_BTP))
        ctx.how = is_complex, last
        ctx.save_for_backward(a_BTP, h_BTP, start_BP)
        return h_BTP[:, -1:].clone() if last else h_BTP

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_BTP: Tensor) -> tuple[Tensor | None, ...]:
        from rnnlimits.architectures.kernels import loops_linear as loops

        (is_complex, last), (a_BTP, h_BTP, start_BP) = ctx.how, ctx.saved_tensors
        g_BTP = (
            nn.functional.pad(d_BTP, (0, 0, h_BTP.shape[1] - 1, 0)) if last else d_BTP.contiguous().clone()
        )
        da_BTP, dstart_BP = a_BTP.new_zeros(a_BTP.shape), start_BP.new_zeros(start_BP.shape)
        loops.linear_back(is_complex, *arrays(a_BTP, h_BTP, start_BP, g_BTP, da_BTP, dstart_BP))
        return None, None, da_BTP, g_BTP, dstart_BP


def scan_rows(
    a_BTP: Tensor, b_BTP: Tensor, start_BP: Tensor, *, is_complex: bool, last: bool = False
) -> Tensor:
    h_BTP: Tensor = Scan.apply(is_complex, last, a_BTP, b_BTP, start_BP)  # type: ignore[no-untyped-call]
    return h_BTP


def linear_scan(a_BTN: Tensor, b_BTN: Tensor, h_BN: Tensor, *, last: bool = False) -> Tensor:
    """h_1 .. h_T, or with `last` h_T alone, as associative.linear_scan has them."""
    is_complex = b_BTN.is_complex()
    a_BTP, b_BTP, h_BP = (planar(one) for one in (a_BTN.flatten(2), b_BTN.flatten(2), h_BN.flatten(1)))
    h_BTP = scan_rows(a_BTP, b_BTP, h_BP, is_complex=is_complex, last=last)
    h_BTN = torch.complex(*h_BTP.chunk(2, -1)) if is_complex else h_BTP
    return h_BTN.view(*h_BTN.shape[:2], *b_BTN.shape[2:])


def planar(numbers: Tensor) -> Tensor:
    """Real numbers as they are; of complex ones all real parts, then all imaginary ones."""
    return torch.cat([numbers.real, numbers.imag], -1) if numbers.is_complex() else numbers


def scan(b_RBTN: Tensor, a_RN: Tensor, state: State | None, *, last: bool = False) -> tuple[Tensor, State]:
    """Of several replicas, with a constant `a`: for the trial."""
    (h_RBN,) = state or (b_RBTN.new_zeros(*b_RBTN.shape[:2], a_RN.shape[1]),)
    each = zip(a_RN[:, None, None], b_RBTN, h_RBN, strict=True)
    y_RBTN = torch.stack([linear_scan(*own, last=last) for own in each])
    return y_RBTN, (y_RBTN[:, :, -1],)


def plain_scan(b_RBTN: Tensor, a_RN: Tensor, state: State | None) -> tuple[Tensor, State]:
    """The same in plain PyTorch: what `scan` is held against."""
    (h_RBN,) = state or (b_RBTN.new_zeros(*b_RBTN.shape[:2], a_RN.shape[1]),)
    y_T = []
    for b_RBN in b_RBTN.unbind(2):
        h_RBN = a_RN.unsqueeze(1) * h_RBN + b_RBN
        y_T.append(h_RBN)
    return torch.stack(y_T, 2), (h_RBN,)


def trial_shapes(R: int, I: int, H: int) -> TrialShapes:  # noqa: E741
    return [(R, I)], [(I,)], ()
