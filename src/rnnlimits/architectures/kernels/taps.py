"""A convolution over time of R replicas at once: one batched product a tap, plain PyTorch.

    y_t = b + sum_k W_k x_{stride t + k dilation},  for k = 0 .. K-1

conv1d has no replicas, and a call of it costs the same however few the channels.  Here time comes before the
sequences, so the inputs that a tap meets lie one after another as they are, and none is copied (with a stride
of 1; else those of one tap at a time).
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Shape letters: R replicas, B sequences, T time steps in, N steps out, I inputs, O outputs, K taps.


def convolve(x_RBIT: Tensor, W_ROIK: Tensor, b_RO: Tensor, dilation: int = 1, stride: int = 1) -> Tensor:
    """y_RBON. Tensors are (R, B, I, T) to whoever sees them, but lie in memory as (R, I, T, B).

    >>> x_RBIT, W_ROIK = torch.tensor([[[[1.0, 2.0, 4.0, 8.0, 16.0]]]]), torch.tensor([[[[1.0, 10.0]]]])
    >>> convolve(x_RBIT, W_ROIK, torch.zeros(1, 1), dilation=2, stride=2).tolist()
    [[[[41.0, 164.0]]]]
    """
    x_RITB = x_RBIT.permute(0, 2, 3, 1).contiguous()
    y_RONB: Tensor = Convolution.apply(x_RITB, W_ROIK, b_RO, dilation, stride)  # type: ignore[no-untyped-call]
    return y_RONB.permute(0, 3, 1, 2)


def laid_out(x_RBIT: Tensor) -> Tensor:
    """The same as it lies in memory here; to join, pad or map only such tensors gives another of them."""
    return x_RBIT.contiguous(memory_format=torch.channels_last)  # as torch calls it


class Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_RITB: Tensor, W_ROIK: Tensor, b_RO: Tensor, dilation: int, stride: int) -> Tensor:
        ctx.save_for_backward(x_RITB, W_ROIK)
        ctx.spacing = dilation, stride
        met = [x.flatten(2) for x in seen(x_RITB, W_ROIK.shape[-1], dilation, stride)]
        W_K = by_tap(W_ROIK)
        y_ROM = torch.baddbmm(b_RO[..., None], W_K[0], met[0])
        for W_ROI, x_RIM in zip(W_K[1:], met[1:]):
            y_ROM.baddbmm_(W_ROI, x_RIM)
        return y_ROM.view(*y_ROM.shape[:2], -1, x_RITB.shape[3])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_RONB: Tensor) -> tuple[Tensor | None, ...]:
        (x_RITB, W_ROIK), (dilation, stride) = ctx.saved_tensors, ctx.spacing
        d_ROM, taps = d_RONB.contiguous().flatten(2), W_ROIK.shape[-1]
        by_W = [torch.bmm(d_ROM, x.flatten(2).mT) for x in seen(x_RITB, taps, dilation, stride)]
        by_x_RITB = None
        if ctx.needs_input_grad[0]:
            by_x_RITB = torch.zeros_like(x_RITB)
            for W_ROI, place_RINB in zip(by_tap(W_ROIK), seen(by_x_RITB, taps, dilation, stride)):
                if stride == 1:
                    place_RINB.view(*place_RINB.shape[:2], -1).baddbmm_(W_ROI.mT, d_ROM)
                else:
                    place_RINB += torch.bmm(W_ROI.mT, d_ROM).view_as(place_RINB)
        return by_x_RITB, torch.stack(by_W, -1), d_ROM.sum(2), None, None


def by_tap(W_ROIK: Tensor) -> tuple[Tensor, ...]:
    return W_ROIK.movedim(-1, 0).contiguous().unbind()


def seen(x_RITB: Tensor, taps: int, dilation: int, stride: int) -> list[Tensor]:
    """What each tap meets, (R, I, N, B), as views."""
    last = (x_RITB.shape[2] - 1 - (taps - 1) * dilation) // stride * stride
    return [x_RITB[:, :, k * dilation : k * dilation + last + 1 : stride] for k in range(taps)]
