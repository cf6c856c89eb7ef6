"""Convolutions of all replicas at once are those of torch, one replica after another, whatever the sizes."""

import math

import pytest
import torch

from rnnlimits import catalog
from rnnlimits.architectures import _convolutional
from rnnlimits.architectures.kernels import taps
from support.double_precision import close

# Shape letters: R replicas, B sequences, T time steps, I inputs, O outputs, K taps.
SIZES = {
    "as in a block": (3, 4, 17, 2, 5, 3, 1, 1),
    "dilated": (2, 3, 23, 4, 3, 4, 3, 1),
    "every second": (2, 3, 20, 4, 3, 3, 1, 2),
    "every second of an odd number": (2, 3, 21, 4, 3, 3, 1, 2),
    "both": (2, 3, 22, 4, 3, 3, 2, 3),
    "one of all": (1, 1, 1, 1, 1, 1, 1, 1),
    "as long as the taps reach": (2, 1, 5, 1, 2, 3, 2, 2),
}


def drawn(R: int, B: int, T: int, inputs: int, outputs: int, K: int, dtype=torch.float64) -> list:
    generator = torch.Generator().manual_seed(0)
    shapes = (R, B, inputs, T), (R, outputs, inputs, K), (R, outputs)
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
        for shape in shapes
    ]


def by_torch(x_RBIT, W_ROIK, b_RO, dilation, stride):
    each = zip(x_RBIT, W_ROIK, b_RO, strict=True)
    return torch.stack([torch.conv1d(x, W, b, stride, dilation=dilation) for x, W, b in each])


def gradients(y, tensors) -> list:
    wave = torch.arange(y.numel(), dtype=y.dtype).sin().view(y.shape)
    return list(torch.autograd.grad((wave * y).sum(), tensors))


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_values_and_gradients_are_those_of_torch(sizes):
    *shape, dilation, stride = sizes
    tensors = drawn(*shape)
    ours, theirs = (f(*tensors, dilation, stride) for f in (taps.convolve, by_torch))
    close(ours, theirs)
    close(gradients(ours, tensors), gradients(theirs, tensors))


def test_a_second_pass_gives_the_same_bytes():
    tensors = drawn(3, 5, 40, 7, 7, 3, torch.float32)
    first, second = (taps.convolve(*tensors, 2, 1) for _ in range(2))
    assert torch.equal(first, second)
    assert all(
        torch.equal(*pair) for pair in zip(gradients(first, tensors), gradients(second, tensors), strict=True)
    )


def test_a_nan_stays_in_its_replica_and_is_not_lost():
    x_RBIT, W_ROIK, b_RO = drawn(2, 2, 6, 3, 4, 2)
    with torch.no_grad():
        x_RBIT[0, 1, 0, 2] = math.nan
    y_RBOT = taps.convolve(x_RBIT, W_ROIK, b_RO)
    assert y_RBOT[0, 1, :, 1:3].isnan().all()
    assert y_RBOT.isnan().sum() == 8


@pytest.mark.parametrize("last", [False, True], ids=["every step", "the last step"])
@pytest.mark.parametrize("page", ["temporal_convolution", "convolution"])
def test_all_at_once_or_one_after_another_is_the_same(monkeypatch, page, last):
    options = catalog.module("architectures", page).Options(kernel_size=3, layers=3)
    layers = [catalog.page_class("architectures", page)(2, 5, 30, options).double() for _ in range(3)]
    tensors_R = {
        name: torch.stack([layer.state_dict()[name] for layer in layers]).requires_grad_()
        for name in layers[0].state_dict()
    }
    x_RBTI = torch.randn(3, 4, 30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = []
    for narrow in (5, 4):
        monkeypatch.setattr(_convolutional, "NARROW", narrow)
        y_RBTH, state = type(layers[0]).forward_replicas(layers[0], tensors_R, x_RBTI, last=last)
        found.append([y_RBTH, *state, *gradients(y_RBTH, list(tensors_R.values()))])
    close(*found)
