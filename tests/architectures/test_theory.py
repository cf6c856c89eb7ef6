"""What must hold by mathematics: where weights start, how far an output sees, what can be kept forever."""

import math

import pytest
import torch
from torch import Tensor, nn

from rnnlimits.architectures import (
    convolution,
    echo_state,
    elman,
    feed_forward,
    gru,
    irnn,
    long_expressive_memory,
    lstm,
    temporal_convolution,
)
from rnnlimits.architectures._convolutional import CausalConvolution
from rnnlimits.architectures.base import Recurrent
from support.double_precision import double_and_seeded

# Shape letters: B sequences, T time steps, I inputs, H hidden units.
HIDDEN = 64


_double_and_seeded = double_and_seeded(seed=5)


def elman_matrix(**options) -> Tensor:
    return elman.Elman(3, HIDDEN, 10, elman.Options(**options)).U_HH.detach()


def radius(U_HH: Tensor) -> float:
    return float(torch.linalg.eigvals(U_HH).abs().max())


# Where the weights start


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_an_orthogonal_start_keeps_every_length(gain):
    U_HH = elman_matrix(initialisation="orthogonal", gain=gain)
    torch.testing.assert_close(U_HH @ U_HH.T, gain**2 * torch.eye(HIDDEN), rtol=1e-12, atol=1e-12)


def test_an_identity_start_is_the_identity_times_the_gain():
    assert torch.equal(elman_matrix(initialisation="identity", gain=0.9), 0.9 * torch.eye(HIDDEN))


@pytest.mark.parametrize("spectral_radius", [0.0, 0.95, 1.7])
def test_a_matrix_rescaled_to_a_spectral_radius_has_it(spectral_radius):
    U_HH = elman_matrix(initialisation="spectral_radius", spectral_radius=spectral_radius)
    assert radius(U_HH) == pytest.approx(spectral_radius, rel=1e-10)
    frozen = echo_state.EchoState(3, HIDDEN, 10, echo_state.Options(spectral_radius=spectral_radius))
    assert radius(frozen.U_HH) == pytest.approx(spectral_radius, rel=1e-10)


@pytest.mark.parametrize("hidden", [15, 50, 101])
def test_a_sparse_start_has_fifteen_weights_out_of_each_unit_and_its_spectral_radius(hidden):
    options = elman.Options(initialisation="sparse", spectral_radius=0.95, input_std=0.01)
    layer = elman.Elman(200, hidden, 10, options)
    U_HH = layer.U_HH.detach()
    assert (U_HH != 0).sum(0).tolist() == [15] * hidden  # h' = U h: a column is what one unit sends
    assert radius(U_HH) == pytest.approx(0.95, rel=1e-6)
    assert float(layer.W_HI.detach().std()) == pytest.approx(0.01, rel=0.1)
    assert not layer.b_H.any()


def test_a_gaussian_start_has_the_variance_of_random_network_theory():
    U_HH = elman_matrix(initialisation="gaussian", gain=1.5)
    # The sum of n squares of N(0, s^2) has mean n s^2 and standard deviation s^2 sqrt(2 n); four of them.
    assert float(U_HH.square().sum()) == pytest.approx(1.5**2 * HIDDEN, rel=4 * math.sqrt(2) / HIDDEN)
    assert radius(U_HH) == pytest.approx(1.5, rel=0.2)  # Girko's circular law, to order 1 / sqrt(H)


@pytest.mark.parametrize(("initialisation", "bound"), [("default", 1 / 8), ("glorot", math.sqrt(6 / 128))])
def test_a_uniform_start_fills_its_interval_and_stays_in_it(initialisation, bound):
    U_HH = elman_matrix(initialisation=initialisation)
    assert 0.99 * bound < float(U_HH.abs().max()) <= bound
    assert float(U_HH.square().mean()) == pytest.approx(bound**2 / 3, rel=0.1)


def test_elman_starts_without_bias_except_by_default():
    for initialisation in ("glorot", "orthogonal", "identity", "gaussian", "spectral_radius", "sparse"):
        assert not elman.Elman(3, HIDDEN, 10, elman.Options(initialisation=initialisation)).b_H.any()
    assert elman.Elman(3, HIDDEN, 10, elman.Options()).b_H.abs().max() <= 1 / 8


def test_the_irnn_starts_as_le_et_al_say():
    layer = irnn.IRNN(50, HIDDEN, 10, irnn.Options())
    assert torch.equal(layer.U_HH, torch.eye(HIDDEN))
    assert not layer.b_H.any()
    assert float(layer.W_HI.detach().std()) == pytest.approx(0.001, rel=0.1)


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, 5.0])
def test_the_forget_bias_is_the_whole_bias_of_the_forget_gate(forget_bias):
    layer = lstm.LSTM(3, HIDDEN, 10, lstm.Options(forget_bias=forget_bias))
    b_i_H, b_f_H, b_g_H, b_o_H = layer.b_G.detach().chunk(4)
    assert torch.equal(b_f_H, torch.full((HIDDEN,), forget_bias))
    assert max(float(b_H.abs().max()) for b_H in (b_i_H, b_g_H, b_o_H)) <= 1 / 8


@pytest.mark.parametrize(("t_max_steps", "length", "t_max"), [(0, 100, 100), (750, 100, 750), (0, 2, 2)])
def test_chrono_biases_are_the_logarithms_of_uniform_times(t_max_steps, length, t_max):
    layer = lstm.LSTM(1, 400, length, lstm.Options(initialisation="chrono", t_max_steps=t_max_steps))
    b_i_H, b_f_H, *others = layer.b_G.detach().chunk(4)
    assert torch.equal(b_i_H, -b_f_H)
    # f = 1 - 1/(time + 1): the cell forgets in about `time` steps. Each quarter of the range gets a quarter.
    shares_H = (b_f_H.exp() - 1) / max(t_max - 2, 1)
    assert float(shares_H.min()) >= -1e-12
    assert float(shares_H.max()) <= 1 + 1e-12
    if t_max > 2:
        quarters = torch.histc(shares_H, bins=4, min=0, max=1) / 400
        torch.testing.assert_close(quarters, torch.full((4,), 0.25), rtol=0, atol=4 * math.sqrt(0.1875 / 400))
    assert max(float(b_H.abs().max()) for b_H in others) <= 400**-0.5


def test_he_weights_keep_the_mean_square_through_a_relu():
    layer = CausalConvolution(100, 400, kernel_size=5)
    x_BIT = torch.randn(8, 100, 60)
    y_BOT, _ = layer(x_BIT, torch.randn(8, 100, 4))
    assert float(y_BOT.detach().relu().square().mean()) == pytest.approx(
        float(x_BIT.square().mean()), rel=0.05
    )


# How far an output sees


def positive(layer: nn.Module) -> nn.Module:
    """No weight below zero: with positive inputs then no ReLU is off and no path cancels another."""
    with torch.no_grad():
        for weight in layer.parameters():
            weight.abs_()
    return layer


WINDOWS = [
    (feed_forward.FeedForward, feed_forward.Options(window_steps=7), 7),
    (feed_forward.FeedForward, feed_forward.Options(window_steps=1), 1),
    (convolution.Convolution, convolution.Options(kernel_size=3, layers=4), 9),
    (temporal_convolution.TemporalConvolution, temporal_convolution.Options(kernel_size=2, layers=4), 31),
    (temporal_convolution.TemporalConvolution, temporal_convolution.Options(kernel_size=4, layers=2), 19),
]


@pytest.mark.parametrize(("page_class", "options", "window_steps"), WINDOWS)
def test_an_output_sees_every_input_of_the_receptive_field_and_none_before(page_class, options, window_steps):
    layer = positive(page_class(2, 5, 40, options))
    assert layer.receptive_field == options.receptive_field == window_steps
    x_BTI = torch.rand(1, 40, 2, requires_grad=True)
    (by_input_BTI,) = torch.autograd.grad(layer(x_BTI)[0][:, -1].sum(), x_BTI)
    seen_T = by_input_BTI[0].abs().amax(-1) > 0
    assert seen_T.tolist() == [False] * (40 - window_steps) + [True] * window_steps


def test_the_receptive_field_of_the_temporal_convolution_in_bais_settings():
    assert temporal_convolution.Options(kernel_size=8, layers=3).receptive_field == 99
    assert temporal_convolution.Options(kernel_size=8, layers=5).receptive_field == 435


# What can be kept forever


def test_a_linear_elman_network_with_the_identity_adds_its_inputs_up():
    layer = elman.Elman(2, 2, 50, elman.Options(nonlinearity="identity", initialisation="identity"))
    with torch.no_grad():
        layer.W_HI.copy_(torch.eye(2))
    x_BTI = torch.randn(3, 50, 2)
    torch.testing.assert_close(layer(x_BTI)[0], x_BTI.cumsum(1))


def gradient_from_the_start(layer: Recurrent, which: int, state: tuple[Tensor, ...], steps: int) -> Tensor:
    """d (state `which` after `steps`) / d (the same at the start), for one sequence."""

    def end(start_BH: Tensor) -> Tensor:
        given = (*state[:which], start_BH, *state[which + 1 :])
        return layer(torch.randn(1, steps, layer.inputs), given)[1][which][0]

    return torch.autograd.functional.jacobian(end, state[which])[:, 0]


def test_at_its_start_the_irnn_carries_state_and_gradient_unchanged_over_a_thousand_steps():
    layer = irnn.IRNN(2, 6, 1000, irnn.Options())
    jacobian_HH = gradient_from_the_start(layer, 0, (torch.full((1, 6), 10.0),), 1000)
    torch.testing.assert_close(jacobian_HH, torch.eye(6), rtol=0, atol=0)


def test_an_lstm_with_forget_gates_held_open_carries_its_cell_and_gradient_unchanged():
    layer = lstm.LSTM(2, 6, 1000, lstm.Options(forget_bias=100.0))
    with torch.no_grad():
        layer.b_G[:6] = -1000.0  # input gates shut: exactly nothing enters
    state = (torch.zeros(1, 6), torch.randn(1, 6))
    assert torch.equal(layer(torch.randn(1, 1000, 2), state)[1][1], state[1])
    torch.testing.assert_close(gradient_from_the_start(layer, 1, state, 1000), torch.eye(6), rtol=0, atol=0)


def test_a_gru_with_update_gates_held_open_keeps_its_state():
    layer = gru.GRU(2, 6, 1000, gru.Options())
    with torch.no_grad():
        layer.b_G[6:12] = 1000.0
    state = (torch.rand(1, 6),)
    torch.testing.assert_close(layer(torch.randn(1, 1000, 2), state)[1], state)


def test_an_echo_state_network_of_small_radius_forgets_where_it_started():
    layer = echo_state.EchoState(2, HIDDEN, 300, echo_state.Options(spectral_radius=0.5))
    x_BTI = torch.randn(1, 300, 2).expand(2, -1, -1)
    _, (s_BH,) = layer(x_BTI, (torch.randn(2, HIDDEN),))
    torch.testing.assert_close(s_BH[0], s_BH[1], rtol=0, atol=1e-14)


def test_a_leak_slows_the_echo_state_down_by_exactly_the_leak():
    layer = echo_state.EchoState(2, HIDDEN, 10, echo_state.Options(spectral_radius=0.0, leak=0.1))
    _, (s_BH,) = layer(torch.zeros(1, 20, 2), (torch.ones(1, HIDDEN),))
    torch.testing.assert_close(s_BH, torch.full((1, HIDDEN), 0.9**20))


# Options that cannot be


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (elman.Options(initialisation="spectral_radius", gain=2.0), "gain has no effect"),
        (elman.Options(spectral_radius=0.9), "spectral_radius has no effect with initialisation default"),
        (elman.Options(initialisation="sparse", gain=2.0), "gain has no effect with initialisation sparse"),
        (elman.Options(initialisation="sparse"), "as many units, or more"),
        (elman.Options(input_std=-0.1), "input_std=-0.1"),
        (long_expressive_memory.Options(readout_std=-0.1), "readout_std=-0.1"),
        (lstm.Options(t_max_steps=5), "t_max_steps needs initialisation chrono"),
        (lstm.Options(initialisation="chrono", forget_bias=3.0), "forget_bias has no effect"),
        (lstm.Options(initialisation="chrono", t_max_steps=1), "t_max_steps=1; 2 or more"),
        (echo_state.Options(leak=0.0), "leak=0.0"),
        (convolution.Options(layers=0), "layers=0"),
        (temporal_convolution.Options(kernel_size=0), "kernel_size=0"),
        (feed_forward.Options(window_steps=0), "window_steps=0"),
    ],
)
def test_an_option_without_effect_or_sense_is_refused_with_its_reason(options, said):
    assert said in options.problem(hidden=8, length=50)
    assert type(options)().problem(hidden=8, length=50) is None
