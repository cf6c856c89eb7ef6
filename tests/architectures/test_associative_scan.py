"""The scans of a linear recurrence, the parallel one and the compiled one, against the loop over time."""

from functools import partial

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from rnnlimits.architectures import kernels
from rnnlimits.architectures.kernels import linear
from rnnlimits.architectures.kernels.associative import linear_scan
from support.double_precision import close, double_and_seeded

# Shape letters: R replicas, B sequences, T time steps, N coordinates of the state.


_double_and_seeded = double_and_seeded(seed=5)
without_numba = pytest.mark.skipif(not kernels.available("linear"), reason="no compiled loops here")
either_scan = pytest.mark.parametrize(
    "scan", [linear_scan, pytest.param(linear.linear_scan, marks=without_numba)], ids=["parallel", "compiled"]
)


def loop(a_BTN: Tensor, b_BTN: Tensor, h_BN: Tensor) -> Tensor:
    a_BTN, h_T = a_BTN.expand_as(b_BTN), []
    for t in range(b_BTN.shape[1]):
        h_BN = a_BTN[:, t] * h_BN + b_BTN[:, t]
        h_T.append(h_BN)
    return torch.stack(h_T, 1)


def values_and_gradients(scan, tensors: list[Tensor]) -> list[Tensor]:
    """Gradients of a loss in which every entry, real or imaginary, has a weight of its own."""
    h_BTN = scan(*tensors)
    numbers = torch.view_as_real(h_BTN).flatten() if h_BTN.is_complex() else h_BTN.flatten()
    loss = (numbers.sin() * torch.linspace(-1, 1, len(numbers))).sum()
    return [h_BTN.detach(), *torch.autograd.grad(loss, tensors)]


def coefficients(dtype: torch.dtype, steps: int, *shape_of_a: int) -> list[Tensor]:
    a = torch.randn(*(shape_of_a or (3, steps)), 4, 2, dtype=dtype)
    tensors = a / (1 + a.abs()), torch.randn(3, steps, 4, 2, dtype=dtype), torch.randn(3, 4, 2, dtype=dtype)
    return [tensor.requires_grad_() for tensor in tensors]


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 100])
@either_scan
def test_the_scan_equals_the_loop_in_values_and_gradients(scan, dtype, steps):
    tensors = coefficients(dtype, steps)
    close(values_and_gradients(scan, tensors), values_and_gradients(loop, tensors))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
@pytest.mark.parametrize("shape_of_a", [(1, 1), (1, 13), (3, 1)], ids=["constant", "clock", "sequence"])
@either_scan
def test_a_factor_may_be_the_same_for_all_sequences_or_all_steps(scan, dtype, shape_of_a):
    tensors = coefficients(dtype, 13, *shape_of_a)
    close(values_and_gradients(scan, tensors), values_and_gradients(loop, tensors))


@without_numba
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=["real", "complex"])
def test_the_last_state_alone_is_the_last_of_all(dtype):
    tensors = coefficients(dtype, 9)
    last, of_all = partial(linear.linear_scan, last=True), lambda *given: linear.linear_scan(*given)[:, -1:]
    close(values_and_gradients(last, tensors), values_and_gradients(of_all, tensors))


@pytest.mark.parametrize("shape_of_a", [(), (1, 1)], ids=["each", "constant"])
@pytest.mark.filterwarnings("error")  # torch warns where vmap falls back to a loop
def test_under_vmap_every_replica_has_its_own_scan(shape_of_a):
    replicas = [coefficients(torch.complex128, 9, *shape_of_a) for _ in range(4)]
    stacked = [torch.stack(parts).detach().requires_grad_() for parts in zip(*replicas)]
    weights_RBTN = torch.linspace(-1, 1, 4 * 3 * 9 * 8).view(4, 3, 9, 4, 2)
    h_RBTN = vmap(linear_scan)(*stacked)
    found = torch.autograd.grad((weights_RBTN * h_RBTN.abs().sin()).sum(), stacked)
    for r, tensors in enumerate(replicas):
        alone = loop(*tensors)
        close(h_RBTN[r], alone)
        expected = torch.autograd.grad((weights_RBTN[r] * alone.abs().sin()).sum(), tensors)
        close([gradient[r] for gradient in found], list(expected))


def test_the_gradient_of_the_scan_can_be_differentiated_again():
    tensors = coefficients(torch.float64, 6)
    assert torch.autograd.gradgradcheck(linear_scan, tensors)


def test_a_long_memory_over_ten_thousand_steps_loses_no_digits_and_a_growing_one_does_not_break():
    one, start = torch.ones(1, 10_000, 1), torch.zeros(1, 1)
    close(linear_scan(one, one, start).flatten(), torch.arange(1.0, 10_001.0))
    tiny = linear_scan(torch.full((1, 10_000, 1), 1e-200), one, start)  # products of factors underflow to 0
    close(tiny, one)
