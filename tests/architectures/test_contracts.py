"""What every page in architectures/ must keep to, found by name, in every choice that its options offer."""

import dataclasses
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from rnnlimits import catalog
from rnnlimits.architectures.base import Architecture, Recurrent
from rnnlimits.planning.config.fields import fields as option_fields
from support.double_precision import close

# Shape letters: B sequences, T time steps, I inputs, H hidden units, R replicas.
INPUTS, HIDDEN, LENGTH = 3, 5, 9


def cases() -> list:
    """Every page as it comes, and once more for every choice of every option that lists its choices."""
    found = []
    for name in catalog.names("architectures"):
        found.append(pytest.param(name, {}, id=name))
        for option in option_fields("architectures", name):
            for choice in option.choices:
                if choice != option.default:
                    found.append(
                        pytest.param(name, {option.name: choice}, id=f"{name}-{option.name}-{choice}")
                    )
    # Numbers that change what a page computes and not only where it starts.
    extra = {
        "echo_state": {"leak": 0.3},
        "temporal_convolution": {"kernel_size": 2, "layers": 2},
        "convolution": {"kernel_size": 1, "layers": 3},
        "feed_forward": {"window_steps": 1},
        "lstm_1997": {"gradient": "truncated", "block_size": 2, "input_gate_biases": (-1.0, -3.0)},
        "antisymmetric": {"gated": True},
        "long_expressive_memory": {"step_size": 0.3},
        "independent": {"largest_gain": 0.0, "input_std": 0.1},
    }
    found += [pytest.param(name, options, id=f"{name}-extra") for name, options in extra.items()]
    stacks = [
        {"of": "lstm", "layers": 1},
        {"of": "lstm_1997", "layers": 3, "inner": {"block_size": 2}, "residual": "pre_norm"},
        {"of": "minimal_gru", "layers": 3, "inner": {"candidate": "positive"}, "residual": "plain"},
        {"of": "independent", "inner": {"input_std": 0.1}, "last_layer": {"initialisation": "long"}},
        {"of": "linear_recurrent_unit", "residual": "pre_norm"},
    ]
    return found + [pytest.param("stacked", stack, id=f"stacked-{stack['of']}") for stack in stacks]


def build(
    name: str, options: dict, inputs: int = INPUTS, hidden: int = HIDDEN, seed: int = 0
) -> Architecture:
    page = catalog.module("architectures", name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = catalog.page_class("architectures", name)(inputs, hidden, LENGTH, page.Options(**options))
    return layer.double()


def inputs_BTI(batch: int = 4, length: int = LENGTH, inputs: int = INPUTS) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, length, inputs, generator=generator, dtype=torch.float64).requires_grad_()


def gradients(layer: Architecture, y_BTH: Tensor, x_BTI: Tensor) -> list[Tensor]:
    """Of a loss in which every entry of y has a weight of its own, by the inputs and all weights."""
    weights = torch.linspace(-1, 1, y_BTH.numel(), dtype=y_BTH.dtype).view_as(y_BTH)
    wanted = [x_BTI, *layer.parameters()]
    return list(torch.autograd.grad((weights * y_BTH.sin()).sum(), wanted, materialize_grads=True))


CASES = cases()
RECURRENT = [case for case in CASES if isinstance(build(*case.values), Recurrent)]
BOUNDED = [case for case in RECURRENT if build(*case.values).slope_bound is not None]
every_page = pytest.mark.parametrize(("name", "options"), CASES)
every_recurrent_page = pytest.mark.parametrize(("name", "options"), RECURRENT)
every_page_with_a_slope_bound = pytest.mark.parametrize(("name", "options"), BOUNDED)


@every_recurrent_page
def test_forward_is_the_scan_of_step(name, options):
    layer, x_BTI = build(name, options), inputs_BTI()
    y_T, state = [], layer.initial_state(len(x_BTI))
    for t in range(LENGTH):
        y_BH, state = layer.step(x_BTI[:, t], state)
        y_T.append(y_BH)
    y_BTH, last = layer(x_BTI)
    assert y_BTH.shape == (4, LENGTH, HIDDEN)
    close(y_BTH, torch.stack(y_T, 1))
    close(last, state)
    close(gradients(layer, y_BTH, x_BTI), gradients(layer, torch.stack(y_T, 1), x_BTI))


@every_page
@pytest.mark.parametrize("cuts", [(4,), (1, 2, 3, 4, 5, 6, 7, 8)], ids=["two_halves", "step_by_step"])
def test_pieces_with_the_state_handed_over_equal_the_whole(name, options, cuts):
    layer, x_BTI = build(name, options), inputs_BTI()
    state, pieces = None, []
    for piece_BTI in x_BTI.tensor_split(cuts, dim=1):
        y_BTH, state = layer(piece_BTI, state)
        pieces.append(y_BTH)
    whole_BTH, last = layer(x_BTI)
    close(torch.cat(pieces, 1), whole_BTH)
    close(state, last)
    close(gradients(layer, torch.cat(pieces, 1), x_BTI), gradients(layer, whole_BTH, x_BTI))


@every_page
def test_no_state_means_the_initial_state(name, options):
    layer, x_BTI = build(name, options), inputs_BTI()
    start = layer.initial_state(len(x_BTI))
    assert all(len(tensor) == len(x_BTI) and tensor.dtype == torch.float64 for tensor in start)
    assert not any(tensor.any() for tensor in start)
    close(layer(x_BTI, start), layer(x_BTI))


@every_page
def test_an_output_does_not_see_later_inputs(name, options):
    layer, x_BTI = build(name, options), inputs_BTI()
    y_BTH, _ = layer(x_BTI)
    for t in range(LENGTH):
        (by_input_BTI,) = torch.autograd.grad(y_BTH[:, t].sum(), x_BTI, retain_graph=True)
        assert not by_input_BTI[:, t + 1 :].any()
        assert by_input_BTI[:, : t + 1].any()


@every_page
def test_sequences_of_a_batch_do_not_see_each_other(name, options):
    layer, x_BTI = build(name, options), inputs_BTI()
    y_BTH, _ = layer(x_BTI)
    (by_input_BTI,) = torch.autograd.grad(y_BTH[2].sum(), x_BTI)
    assert not by_input_BTI[[0, 1, 3]].any()
    assert by_input_BTI[2].any()
    close(layer(x_BTI[2:3])[0], y_BTH[2:3])


@every_page
@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (3, 5), (5, 5), (10, 7), (2, 32)])
def test_options_count_the_weights_that_are_trained_and_the_frozen_ones(name, options, inputs, hidden):
    layer = build(name, options, inputs, hidden)
    counted = sum(weight.numel() for weight in layer.parameters())
    assert catalog.options("architectures", name)(**options).parameters(inputs, hidden) == counted
    frozen = sum(buffer.numel() for buffer in layer.buffers())
    assert catalog.options("architectures", name)(**options).frozen(inputs, hidden) == frozen


@every_page
def test_every_trainable_weight_takes_part(name, options):
    layer, x_BTI = build(name, options), inputs_BTI()
    loss = layer(x_BTI)[0].square().sum()
    wanted = dict(layer.named_parameters())
    by_weight = torch.autograd.grad(loss, [x_BTI, *wanted.values()], allow_unused=True)
    left_out = [
        weight for weight, gradient in zip(["x", *wanted], by_weight, strict=True) if gradient is None
    ]
    assert left_out == []


@every_page
@pytest.mark.filterwarnings("error")  # torch warns where vmap falls back to a loop
def test_replicas_at_once_equal_each_alone(name, options):
    layers = [build(name, options, seed=seed) for seed in range(3)]
    x_RBTI = torch.stack([inputs_BTI() + r for r in range(3)]).detach().requires_grad_()
    tensors_R = {
        key: torch.stack([layer.state_dict()[key] for layer in layers]).requires_grad_()
        for key in layers[0].state_dict()
    }
    half_RBTH, state_R = type(layers[0]).forward_replicas(layers[0], tensors_R, x_RBTI[:, :, :4], None)
    rest_RBTH, _ = type(layers[0]).forward_replicas(layers[0], tensors_R, x_RBTI[:, :, 4:], state_R)
    y_RBTH = torch.cat([half_RBTH, rest_RBTH], 2)
    alone = [layer(x_BTI) for layer, x_BTI in zip(layers, x_RBTI, strict=True)]
    close(y_RBTH, torch.stack([y_BTH for y_BTH, _ in alone]))
    by_tensor = torch.autograd.grad(y_RBTH.square().sum(), [x_RBTI, *tensors_R.values()])
    by_key_R = dict(zip(["x", *tensors_R], by_tensor, strict=True))
    for r, (layer, (y_BTH, _)) in enumerate(zip(layers, alone, strict=True)):
        weights = dict(layer.named_parameters())
        expected = torch.autograd.grad(y_BTH.square().sum(), [x_RBTI, *weights.values()])
        close(by_key_R["x"][r], expected[0][r])
        close([by_key_R[key][r] for key in weights], list(expected[1:]))


@every_page
def test_the_last_output_alone_is_the_last_of_all(name, options):
    layers = [build(name, options, seed=seed) for seed in range(2)]
    weights_R = {
        key: torch.stack([layer.state_dict()[key] for layer in layers]).requires_grad_()
        for key in layers[0].state_dict()
    }
    for steps in range(1, LENGTH + 1):
        x_RBTI = torch.stack([inputs_BTI(length=steps) + r for r in range(2)]).detach()
        all_RBTH, _ = type(layers[0]).forward_replicas(layers[0], weights_R, x_RBTI)
        last_RB1H, _ = type(layers[0]).forward_replicas(layers[0], weights_R, x_RBTI, last=True)
        close(last_RB1H, all_RBTH[:, :, -1:])
        parts = [
            torch.autograd.grad(y.square().sum(), list(weights_R.values()))
            for y in (last_RB1H, all_RBTH[:, :, -1:])
        ]
        close(*parts)


@every_page
def test_the_seed_decides_the_weights(name, options):
    first, again, other = (build(name, options, seed=seed).state_dict() for seed in (7, 7, 8))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@every_page_with_a_slope_bound
def test_where_a_slope_bound_is_given_the_jacobian_is_a_bounded_diagonal_times_the_matrix(name, options):
    layer = build(name, options)
    x_BI, (h_BH,) = inputs_BTI(batch=1)[:, 0], layer.initial_state(1)
    jacobian_HH = torch.autograd.functional.jacobian(
        lambda h_BH: layer.step(x_BI, (h_BH,))[0][0], h_BH + 0.3
    )[:, 0]
    diagonal_HH = jacobian_HH @ torch.linalg.inv(layer.recurrent_matrix)
    close(diagonal_HH, torch.diag(diagonal_HH.diagonal()))
    assert diagonal_HH.diagonal().abs().max() <= layer.slope_bound + 1e-10


def test_planning_reads_all_options_without_torch():
    probe = (
        "import sys\n"
        "from rnnlimits import catalog\n"
        "for name in catalog.names('architectures'):\n"
        "    options = catalog.options('architectures', name)()\n"
        "    print(name, options.parameters(3, 5), options == options)\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == catalog.names("architectures")


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_options_read_by_planning_are_the_options_of_the_page(name):
    page = catalog.module("architectures", name)
    planned = dataclasses.fields(catalog.options("architectures", name))
    assert [(f.name, f.default) for f in planned] == [
        (f.name, f.default) for f in dataclasses.fields(page.Options)
    ]


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_a_page_is_one_page_and_opens_with_its_equation(name):
    source = catalog.path("architectures", name).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 100
    assert "=" in catalog.summary("architectures", name)


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_a_page_names_every_weight_that_its_compiled_loop_needs(name):
    layer = build(name, {})
    if layer.kernel and name != "stacked":
        assert sorted(layer.kernel_weights) == sorted(key for key, _ in layer.named_parameters())
    if layer.trained_matrix:
        assert layer.get_parameter(layer.trained_matrix).shape == (layer.hidden, layer.hidden)
        assert layer.nonlinearity
