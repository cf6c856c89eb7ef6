"""The temporal components of dL/dW_rec: they add up to autograd's, and each is that of its own step."""

import math

import pytest
import torch

from rnnlimits import catalog
from rnnlimits.architectures.base import Recurrent
from rnnlimits.probes.base import Batch, last_step, sequences_of
from rnnlimits.probes.parameter_gradient_by_lag import Options, components, measure, trained_recurrent_weights
from rnnlimits.tasks.base import generator
from support.probe_models import a_model, a_task, curve, linear, scalars

RECURRENT = [
    name for name in catalog.names("architectures")
    if issubclass(catalog.page_class("architectures", name), Recurrent)
]  # fmt: skip
TRAINED = [name for name in RECURRENT if name != "echo_state"]
VARIANTS = {
    "lstm_1997": {"gradient": "truncated"}, "leaky": {"leak": "gated"}, "antisymmetric": {"gated": True},
}  # fmt: skip


def a_batch(task, count=3):
    return sequences_of(task, count, generator(0, "probe"))


def whole_components(model, task, batch) -> torch.Tensor:
    """Lags x sequences x weights, with the factors that keep the numbers in range put back."""
    parts = components(model, model.architecture, task, batch)
    return torch.stack([g_BP * ln_scale_B.exp().unsqueeze(1) for g_BP, ln_scale_B in parts])


def loss_of_one(model, task, batch, number):
    """The task's loss of the last step of one sequence, by the steps themselves: no scan, no kernel."""
    one = Batch(batch.x[number : number + 1], batch.target[number : number + 1])
    state = model.architecture.initial_state(1)
    for x_BI in model.encoder(one.x).unbind(1):
        y_BH, state = model.architecture.step(x_BI, state)
    asked = one if task.reads_last else last_step(one)
    return task.loss_N(model.readout(y_BH).unsqueeze(1), asked).sum()


def autograd_of_all(model, task, batch) -> torch.Tensor:
    weights = list(trained_recurrent_weights(model.architecture).values())
    found = []
    for number in range(len(batch.x)):
        gradients = torch.autograd.grad(loss_of_one(model, task, batch, number), weights)
        found.append(torch.cat([gradient.flatten() for gradient in gradients]))
    return torch.stack(found)


@pytest.mark.parametrize("task_name", ["adding", "copy_memory"])
@pytest.mark.parametrize("name", TRAINED)
def test_the_components_add_up_to_the_gradient_of_autograd(name, task_name):
    task = a_task(task_name, length=9)
    for options in ({}, VARIANTS.get(name)):
        if options is None:
            continue
        model, batch = a_model(name, task, hidden=5, seed=1, **options), a_batch(task)
        expected_BP = autograd_of_all(model, task, batch)
        assert expected_BP.abs().max() > 0
        torch.testing.assert_close(
            whole_components(model, task, batch).sum(0), expected_BP, rtol=1e-10, atol=1e-14
        )


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_each_component_is_the_gradient_of_the_weights_that_its_step_alone_uses(name):
    task = a_task(length=7)
    model, batch = a_model(name, task, seed=2), a_batch(task, 1)
    architecture, found_KBP = model.architecture, whole_components(model, task, batch)
    (weight_name,) = architecture.recurrent_weights
    weight = getattr(architecture, weight_name)
    original = weight.detach().clone()
    for lag in (0, 2, 5):

        def loss(moved, used_at=6 - lag):
            state = architecture.initial_state(1)
            with torch.no_grad():
                for step, x_BI in enumerate(batch.x.unbind(1)):
                    weight.copy_(moved if step == used_at else original)
                    y_BH, state = architecture.step(x_BI, state)
                weight.copy_(original)
            return task.loss_N(model.readout(y_BH).unsqueeze(1), batch).sum().item()

        direction = torch.randn(original.shape, generator=generator(lag, "probe"), dtype=original.dtype)
        difference = (loss(original + 1e-5 * direction) - loss(original - 1e-5 * direction)) / 2e-5
        assert math.isclose(float(found_KBP[lag, 0] @ direction.flatten()), difference, rel_tol=1e-6)


def test_a_scalar_linear_network_has_the_components_of_the_worked_example():
    task, u = a_task(length=30), 0.8
    model, batch = linear(torch.tensor([[u]], dtype=torch.float64), task), a_batch(task, 4)
    found_KB = whole_components(model, task, batch)[..., 0]
    W, b = model.architecture.W_HI[0].detach(), model.architecture.b_H.detach()
    h_TB, h_B = [], torch.zeros(4, dtype=torch.float64)
    for x_BI in batch.x.unbind(1):
        h_TB.append(h_B)
        h_B = x_BI @ W + b + u * h_B
    y_BO = model.readout(h_B.unsqueeze(1)).detach().requires_grad_()
    (slope_BO,) = torch.autograd.grad(task.loss_N(y_BO.unsqueeze(1), batch).sum(), y_BO)
    error_B = slope_BO[:, 0] * model.readout.weight[0, 0]
    for lag in (0, 1, 10, 28):
        torch.testing.assert_close(found_KB[lag], error_B * u**lag * h_TB[29 - lag], rtol=1e-10, atol=0)
    assert (found_KB[29] == 0).all()  # the first step starts from a state of zero


def test_the_first_step_has_no_value_and_no_part_in_the_slope():
    task = a_task(length=50)
    found = measure(linear(0.5 * torch.eye(3), task), task, Options(sequences=4), generator(0, "probe"))
    median = curve(found, "parameter_gradient_log10_median")
    assert math.isnan(median[49])
    assert all(math.isfinite(value) for lag, value in median.items() if lag < 49)
    assert scalars(found)["parameter_gradient_slope"] == pytest.approx(math.log(0.5), abs=0.05)


def test_a_gradient_below_the_smallest_number_still_has_a_logarithm():
    task = a_task(length=400)
    found = measure(linear(0.01 * torch.eye(3), task), task, Options(sequences=2), generator(0, "probe"))
    assert min(curve(found, "parameter_gradient_log10_median").values()) < -600
    assert scalars(found)["parameter_gradient_slope"] == pytest.approx(math.log(0.01), abs=0.05)


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_every_recurrent_page_names_its_recurrent_weights_and_those_that_train_are_probed(name):
    task = a_task(length=12)
    model = a_model(name, task, hidden=16)
    found = measure(model, task, Options(sequences=2), generator(0, "probe"))
    if name in RECURRENT:
        tensors = dict(model.architecture.named_parameters()) | dict(model.architecture.named_buffers())
        assert model.architecture.recurrent_weights
        assert set(model.architecture.recurrent_weights) <= set(tensors)
    if name not in TRAINED:
        assert found == []
        return
    expected = {f"parameter_gradient_log10_{level}" for level in ("median", "p10", "p90")}
    assert {one.metric for one in found} == expected | {"parameter_gradient_slope"}
    assert math.isfinite(scalars(found)["parameter_gradient_slope"])


def test_the_caller_keeps_its_weights_and_may_have_switched_gradients_off():
    task = a_task(length=8)
    model = a_model("gru", task)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        found = measure(model, task, Options(sequences=2), generator(0, "probe"))
    assert found[0] == measure(model, task, Options(sequences=2), generator(0, "probe"))[0]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize("wrong", [{"sequences": 0}, {"slope_from": 50, "slope_to": 50}])
def test_impossible_options_are_refused_while_planning(wrong):
    with pytest.raises(ValueError, match=r"parameter_gradient_by_lag: .*correct the options"):
        catalog.options("probes", "parameter_gradient_by_lag")(**wrong)


def test_a_single_step_has_a_gradient_and_no_slope():
    task = a_task("character_language_model", length=1, characters=60)
    found = measure(a_model("elman", task), task, Options(sequences=2), generator(0, "probe"))
    assert list(curve(found, "parameter_gradient_log10_median")) == [0]
    assert math.isnan(scalars(found)["parameter_gradient_slope"])


@pytest.mark.parametrize("name", ["antisymmetric", "orthogonal"])
def test_a_skew_symmetric_matrix_of_one_unit_has_nothing_to_train(name):
    task = a_task(length=9)
    assert measure(a_model(name, task, hidden=1), task, Options(), generator(0, "probe")) == []
    assert measure(a_model(name, task, hidden=2), task, Options(), generator(0, "probe")) != []
