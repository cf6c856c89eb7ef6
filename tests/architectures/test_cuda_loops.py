"""The loops for a GPU, run on the CPU against the plain ones; where there is a GPU, on it too."""

import gc
import weakref

import pytest
import torch

from rnnlimits.architectures import kernels
from support.loop_inputs import ELMAN, inputs_of

# What can be asked of a CPU: cuDNN's own cells come from torch's loops there, the fused ones need a GPU.
CELLS = [*ELMAN, "gru", "lstm"]
WAYS = [(cell, "batched") for cell in CELLS] + [(cell, "cudnn") for cell in ("tanh", "relu", "gru", "lstm")]


def run(cell, way, tensors, start_from_state=True, **options):
    kernel = cell if cell in ("gru", "lstm") else "elman"
    weights = 5 if cell == "gru" else 4
    state = tuple(tensors[weights:]) if start_from_state else None
    scan = kernels.KERNELS[kernel].plain_scan if way == "plain" else kernels.cuda.LOOPS[kernel, way]
    return scan(*tensors[:weights], state, *(() if kernel == cell else (cell,)), **options)


def everything(cell, way, tensors):
    y_RBTH, state = run(cell, way, tensors)
    wave_RBTH = torch.arange(y_RBTH.numel(), dtype=y_RBTH.dtype, device=y_RBTH.device).sin()
    loss = (wave_RBTH.view(y_RBTH.shape) * y_RBTH).sum() + sum(part.square().sum() for part in state)
    return [y_RBTH, *state, *torch.autograd.grad(loss, tensors)]


@pytest.mark.parametrize(("cell", "way"), WAYS)
@pytest.mark.parametrize("block_steps", [1, 4, 1000])
def test_values_and_gradients_equal_those_of_the_plain_loop(cell, way, block_steps, monkeypatch):
    R, B, T, H = 1 if way == "cudnn" else 3, 4, 9, 5
    tensors = inputs_of(cell, R, B, T, H, torch.float64)
    monkeypatch.setattr(kernels.cuda, "BLOCK_VALUES", block_steps * R * B * tensors[1].shape[1])
    for ours, theirs in zip(everything(cell, way, tensors), everything(cell, "plain", tensors), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("cell", "way"), WAYS)
def test_two_halves_with_the_state_handed_over_equal_the_whole(cell, way):
    x_RBTI, *others = inputs_of(cell, 1, 3, 10, 5, torch.float64)
    weights = others[: 4 if cell == "gru" else 3]
    whole, _ = run(cell, way, [x_RBTI, *others])
    first, state = run(cell, way, [x_RBTI[:, :, :4], *others])
    second, _ = run(cell, way, [x_RBTI[:, :, 4:], *weights, *state])
    torch.testing.assert_close(torch.cat([first, second], 2), whole)


@pytest.mark.parametrize(("cell", "way"), WAYS)
def test_without_a_state_the_start_is_zero_and_the_last_output_can_be_had_alone(cell, way):
    tensors = inputs_of(cell, 1, 3, 6, 5, torch.float64)
    whole, _ = run(cell, way, tensors, start_from_state=False)
    torch.testing.assert_close(whole, run(cell, "plain", tensors, start_from_state=False)[0])
    last, _ = run(cell, way, tensors, start_from_state=False, last=True)
    assert torch.equal(last, whole[:, :, -1:])


@pytest.mark.parametrize("cell", CELLS)
def test_an_evaluation_gives_the_same_numbers_and_keeps_nothing_for_a_way_back(cell):
    tensors = inputs_of(cell, 2, 3, 6, 5, torch.float64)
    with torch.no_grad():
        alone, _ = run(cell, "batched", tensors)
    assert torch.equal(alone, run(cell, "batched", tensors)[0])
    assert not alone.requires_grad


def test_what_a_step_keeps_is_freed_without_waiting_for_the_garbage_collector():
    tensors = inputs_of("lstm", 2, 3, 6, 5, torch.float64)
    gc.disable()
    try:
        _, state = run("lstm", "batched", tensors)
        way_back = weakref.ref(state[1].grad_fn)
        assert type(way_back()).__name__ == "ScanBackward"
        del state, _
        assert way_back() is None
    finally:
        gc.enable()


def test_cudnn_is_for_one_replica_and_for_the_cells_it_has(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: True)

    def ways(*what):
        return [loop.way for loop in kernels.cuda.loops(*what)]

    assert ways("lstm", 1) == ["cudnn", "fused", "batched"]
    assert ways("lstm", 2) == ["fused", "batched"]
    assert ways("elman", 1, "relu") == ["cudnn", "batched"]
    assert ways("elman", 1, "sigmoid") == ["batched"]


def test_a_loop_that_fails_its_trial_is_not_used():
    # The fused cells exist on a GPU only: where there is none, their trial fails and says no more than no.
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert not kernels.passes_trial("lstm", torch.float64, kernels.cuda.LOOPS["lstm", "fused"])
    assert kernels.choose("lstm", torch.empty(1, 1, 1, 1, device="meta")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(("kernel", "way"), kernels.cuda.LOOPS)
def test_on_a_gpu_every_loop_passes_its_trial(kernel, way):
    assert kernels.passes_trial(kernel, torch.float64, kernels.cuda.LOOPS[kernel, way])
