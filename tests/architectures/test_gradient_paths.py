"""What a recurrent cell does to its state, and the paths that its gradient takes through time."""

import math

import pytest
import torch

from rnnlimits.architectures import elman, independent, leaky, lstm_1997
from support.double_precision import double_and_seeded
from support.jacobians import jacobian

# Shape letters: B sequences, T time steps, I inputs, H hidden units, G net inputs.


_double_and_seeded = double_and_seeded(seed=5)


# leaky


def test_with_a_leak_of_one_step_a_leaky_network_is_elmans():
    layer = leaky.Leaky(3, 8, 10, leaky.Options())
    plain = elman.Elman(3, 8, 10, elman.Options())
    with torch.no_grad():
        layer.c_H.fill_(50)  # sigmoid(50) is 1 to the last digit
        for ours, theirs in zip(plain.parameters(), [layer.W_GI, layer.U_GH, layer.b_H]):
            ours.copy_(theirs)
    x_BTI = torch.randn(4, 10, 3)
    torch.testing.assert_close(layer(x_BTI), plain(x_BTI))


@pytest.mark.parametrize("leak", ["learned", "fixed", "gated"])
def test_without_input_and_weights_a_leaky_unit_forgets_by_its_leak(leak):
    layer = leaky.Leaky(3, 8, 10, leaky.Options(leak=leak, leak_steps=20.0))
    with torch.no_grad():
        for weight in (layer.W_GI, layer.U_GH, layer.b_H):
            weight.zero_()
    _, (h_BH,) = layer(torch.zeros(1, 30, 3), (torch.ones(1, 8),))
    torch.testing.assert_close(h_BH, torch.full((1, 8), 0.95**30))


def test_chrono_leaks_have_time_scales_up_to_the_longest_evenly_spread():
    layer = leaky.Leaky(1, 400, 500, leaky.Options(initialisation="chrono", t_max_steps=101))
    steps_H = 1 / torch.sigmoid(layer.c_H.detach())
    assert float(steps_H.min()) >= 2
    assert float(steps_H.max()) <= 101
    quarters = torch.histc((steps_H - 2) / 99, bins=4, min=0, max=1) / 400
    torch.testing.assert_close(quarters, torch.full((4,), 0.25), rtol=0, atol=4 * math.sqrt(0.1875 / 400))


# lstm_1997


@pytest.mark.parametrize(
    ("inputs", "outputs", "cells", "weights"), [(2, 1, 4, 93), (8, 4, 4, 156), (8, 8, 6, 308)]
)
def test_the_lstm_of_1997_and_its_read_out_have_as_many_weights_as_the_paper_says(
    inputs, outputs, cells, weights
):
    # Hochreiter & Schmidhuber (1997), adding and temporal order 6a and 6b, two cells a block.
    options = lstm_1997.Options(block_size=2)
    assert options.parameters(inputs, cells) + outputs * (cells + 1) == weights


def test_cells_of_a_block_share_their_gates():
    layer = lstm_1997.LSTM1997(3, 5, 10, lstm_1997.Options(block_size=2))
    gates_BK = torch.tensor([[1.0, 2.0, 3.0]])
    assert layer.of_cells(gates_BK).tolist() == [[1.0, 1.0, 2.0, 2.0, 3.0]]


def test_gate_biases_are_given_block_by_block():
    options = lstm_1997.Options(
        block_size=2, input_gate_biases=(-1.0, -3.0), output_gate_biases=(-2.0, -4.0, -6.0)
    )
    layer = lstm_1997.LSTM1997(3, 6, 10, options)
    assert layer.b_G[6:].tolist() == [-1.0, -3.0, -1.0, -2.0, -4.0, -6.0]
    assert float(layer.b_G[:6].detach().abs().max()) <= 0.1


def test_the_truncated_gradient_flows_through_the_cell_alone_and_arrives_unchanged():
    layer = lstm_1997.LSTM1997(3, 6, 1000, lstm_1997.Options(gradient="truncated", block_size=2))
    x_BTI, state = torch.randn(1, 1000, 3), (torch.randn(1, 6), torch.randn(1, 6), torch.rand(1, 6))
    identity, nothing = torch.eye(6), torch.zeros(6, 6)
    assert torch.equal(jacobian(layer, x_BTI[:, 0], state, to=1, of=1), identity)
    for of in (0, 2):
        assert torch.equal(jacobian(layer, x_BTI[:, 0], state, to=1, of=of), nothing)
    through_time = torch.autograd.functional.jacobian(
        lambda c_BH: layer(x_BTI, (state[0], c_BH, state[2]))[1][1][0], state[1]
    )
    assert torch.equal(through_time[:, 0], identity)


def test_the_truncated_gradient_is_that_of_the_full_one_after_a_single_step():
    layers = [
        lstm_1997.LSTM1997(3, 6, 10, lstm_1997.Options(gradient=gradient))
        for gradient in ("full", "truncated")
    ]
    layers[1].load_state_dict(layers[0].state_dict())
    x_BTI, state = torch.randn(4, 2, 3), tuple(torch.randn(4, size) for size in (6, 6, 12))
    for steps, equal in ((1, True), (2, False)):
        found = [
            torch.autograd.grad(layer(x_BTI[:, :steps], state)[0][:, -1].sum(), list(layer.parameters()))
            for layer in layers
        ]
        assert all(torch.allclose(*pair, rtol=1e-12, atol=1e-14) for pair in zip(*found)) == equal


# independent


def test_an_independent_unit_sees_no_other_unit():
    layer = independent.Independent(3, 8, 10, independent.Options(nonlinearity="tanh"))
    jacobian_HH = jacobian(layer, torch.randn(1, 3), (torch.randn(1, 8),), to=0, of=0)
    assert torch.equal(jacobian_HH, torch.diag(jacobian_HH.diagonal()))


@pytest.mark.parametrize("initialisation", ["uniform", "long"])
def test_over_the_whole_sequence_the_gradient_of_an_independent_network_grows_by_the_largest_gain_at_most(
    initialisation,
):
    layer = independent.Independent(1, 8, 200, independent.Options(initialisation=initialisation))
    lowest = 0.5 if initialisation == "long" else 0.0
    assert float((layer.u_H.detach() ** 200).min()) >= lowest - 1e-12
    with torch.no_grad():
        layer.u_H[:4] = 3.0  # as far off as an update may take it
        layer.W_HI.abs_()
    start = torch.ones(1, 8)
    through_time = torch.autograd.functional.jacobian(
        lambda h_BH: layer(torch.ones(1, 200, 1), (h_BH,))[1][0][0], start
    )[:, 0]
    torch.testing.assert_close(through_time.diagonal()[:4], torch.full((4,), 2.0))
    assert float(through_time.max()) <= 2 + 1e-12


def test_a_weight_beyond_its_bound_still_gets_a_gradient_and_can_come_back():
    layer = independent.Independent(1, 2, 10, independent.Options())
    with torch.no_grad():
        layer.u_H.fill_(3.0)
        layer.W_HI.abs_()
    (by_u_H,) = torch.autograd.grad(layer(torch.ones(1, 10, 1))[0].sum(), [layer.u_H])
    assert (by_u_H > 0).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (leaky.Options(leak_steps=1.0), "leak_steps=1.0; more than 1"),
        (leaky.Options(t_max_steps=5), "t_max_steps needs initialisation chrono"),
        (leaky.Options(initialisation="chrono", t_max_steps=1), "t_max_steps=1; 2 or more"),
        (lstm_1997.Options(block_size=0), "block_size=0; 1 or more"),
        (independent.Options(largest_gain=0.5), "largest_gain=0.5; 1 or more"),
        (independent.Options(initialisation="long", largest_gain=0.0), "long needs largest_gain"),
    ],
)
def test_an_option_without_effect_or_sense_is_refused_with_its_reason(options, said):
    assert said in options.problem(hidden=8, length=50)
    assert type(options)().problem(hidden=8, length=50) is None
