"""What is the caller's stays as it was."""

import copy
import random

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import rnnlimits

CALLS = {
    "gradient_reach": {},
    "input_sensitivity": {},
    "parameter_gradient": {"target": torch.zeros(3, 4), "loss": mse_loss},
    "jacobian_spectrum": {},
    "lyapunov": {"steps": 6, "burn_in": 2},
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", CALLS)
def test_a_module_keeps_what_it_had(name, dtype):
    torch.manual_seed(3)
    module = nn.LSTM(2, 4, batch_first=True).to(dtype)
    module.bias_hh_l0.requires_grad_(False)
    x_BTI, called = torch.randn(3, 7, 2, dtype=dtype, requires_grad=True), []
    module.register_forward_hook(lambda *_: called.append("forward"))
    module.register_forward_pre_hook(lambda *_: called.append("before"))
    module(x_BTI)[0].sum().backward()
    called.clear()
    before = copy.deepcopy({**module.state_dict(), "x": x_BTI.detach()})
    gradients = {
        key: weight.grad.clone() for key, weight in module.named_parameters() if weight.grad is not None
    }
    randomness = torch.get_rng_state(), random.getstate()
    for _ in range(2):
        getattr(rnnlimits, name)(module, x_BTI, **CALLS[name])
    after = {**module.state_dict(), "x": x_BTI.detach()}
    assert all(torch.equal(after[key], value) and after[key].dtype == dtype for key, value in before.items())
    assert module.training
    assert [key for key, weight in module.named_parameters() if not weight.requires_grad] == ["bias_hh_l0"]
    kept = {key: weight.grad for key, weight in module.named_parameters() if weight.grad is not None}
    assert kept.keys() == gradients.keys()
    assert all(torch.equal(kept[key], value) for key, value in gradients.items())
    assert called == []
    assert len(module._forward_hooks) == len(module._forward_pre_hooks) == 1
    assert torch.equal(torch.get_rng_state(), randomness[0])
    assert random.getstate() == randomness[1]
    assert torch.get_default_dtype() == torch.float32
    module(x_BTI)
    assert called == ["before", "forward"]


def test_a_caller_without_gradients_gets_the_same_numbers():
    module, x_BTI = nn.GRU(2, 3, batch_first=True), torch.randn(2, 6, 2)
    expected = rnnlimits.gradient_reach(module, x_BTI)
    with torch.no_grad():
        assert rnnlimits.gradient_reach(module, x_BTI).equals(expected)
    with torch.inference_mode():
        x_inside = x_BTI * 1
        assert rnnlimits.gradient_reach(module, x_inside).equals(expected)


def test_more_than_ten_outputs_are_read_by_the_seed():
    module, x_BTI = nn.GRU(2, 12, batch_first=True), torch.randn(2, 6, 2)
    one, again, other = (rnnlimits.input_sensitivity(module, x_BTI, seed=seed) for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_a_mistake_leaves_the_default_type_alone():
    with pytest.raises(ValueError, match="shape of x"):
        rnnlimits.gradient_reach(nn.GRU(2, 3, batch_first=True), torch.zeros(2, 6, 5))
    assert torch.get_default_dtype() == torch.float32


def test_type_device_and_mode_of_arrays_do_not_matter():
    module, x_BTI = nn.GRU(2, 3, batch_first=True), torch.randn(2, 6, 2)
    expected = rnnlimits.gradient_reach(module, x_BTI)
    assert rnnlimits.gradient_reach(module.eval(), x_BTI.numpy()).equals(expected)
