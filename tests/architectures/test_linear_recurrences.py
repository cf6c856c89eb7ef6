"""What the recurrences that are linear in their state must do by mathematics."""

import math

import pytest
import torch
from torch import nn

from rnnlimits.architectures import (
    _linear,
    diagonal_state_space,
    linear_recurrent_unit,
    minimal_gru,
    minimal_lstm,
    selective_state_space,
)
from rnnlimits.architectures._linear import LinearRecurrent
from support.double_precision import close, double_and_seeded

# Shape letters: B sequences, T time steps, N coordinates of the state, I inputs, H hidden units.


_double_and_seeded = double_and_seeded(seed=5)


# a page that names no kernel of its own


class Rotations(LinearRecurrent):
    """h' = exp(-a + i w) * h + W x, y = |h'|^2 + x_1: complex, with a constant factor."""

    def __init__(self):
        super().__init__(3, 5, 9, None)
        self.a_H, self.w_H = nn.Parameter(torch.rand(5)), nn.Parameter(torch.randn(5))
        self.W_HI = nn.Parameter(torch.randn(5, 3))

    def initial_state(self, batch):
        return (self.zeros(batch, 5, 2),)

    def coefficients(self, x_I):
        b_H = x_I @ self.W_HI.T
        return torch.polar(torch.exp(-self.a_H), self.w_H), torch.complex(b_H, -b_H)

    def read(self, h_H, x_I):
        return h_H.abs().square() + x_I[..., :1]


class Gated(LinearRecurrent):
    """h' = sigmoid(V x) * h + W x, y = h': real, with a factor of its own for each input."""

    def __init__(self):
        super().__init__(3, 5, 9, None)
        self.V_HI, self.W_HI = nn.Parameter(torch.randn(5, 3)), nn.Parameter(torch.randn(5, 3))

    def coefficients(self, x_I):
        return torch.sigmoid(x_I @ self.V_HI.T), x_I @ self.W_HI.T


class Doubled(Gated):
    """Another forward: that of the scan is not all there is to it."""

    def forward(self, x_BTI, state=None):
        y_BTH, state = super().forward(x_BTI, state)
        return 2 * y_BTH, state


@pytest.mark.parametrize("backend", ["", "torch"])
@pytest.mark.parametrize("in_cache", [0, 2**18])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("page", [Rotations, Gated, Doubled])
@pytest.mark.filterwarnings("error")  # torch warns where vmap falls back to a loop
def test_replicas_of_any_linear_page_are_what_each_is_alone(monkeypatch, page, last, in_cache, backend):
    monkeypatch.setenv("RNNLIMITS_BACKEND", backend)
    monkeypatch.setattr(_linear, "IN_CACHE", in_cache)
    layers, x_RBTI = [page() for _ in range(3)], torch.randn(3, 4, 9, 3)
    tensors_R = {
        name: torch.stack([layer.get_parameter(name) for layer in layers]).detach().requires_grad_()
        for name, _ in layers[0].named_parameters()
    }
    _, start_R = page.forward_replicas(layers[0], tensors_R, x_RBTI[:, :, :4])
    y_RBTH, state_R = page.forward_replicas(layers[0], tensors_R, x_RBTI[:, :, 4:], start_R, last=last)
    alone = [layer(x_BTI) for layer, x_BTI in zip(layers, x_RBTI)]
    expected_RBTH = torch.stack([y_BTH for y_BTH, _ in alone])[:, :, 8 if last else 4 :]
    close(y_RBTH, expected_RBTH)
    close(state_R, tuple(torch.stack(part) for part in zip(*(state for _, state in alone))))
    found = torch.autograd.grad(y_RBTH.sin().sum(), list(tensors_R.values()))
    for name, gradient_R in zip(tensors_R, found):
        weights = [layer.get_parameter(name) for layer in layers]
        close(
            list(gradient_R), list(torch.autograd.grad(expected_RBTH.sin().sum(), weights, retain_graph=True))
        )


# minimal_gru, minimal_lstm


def extreme(layer, value: float):
    """Every bias of a gate so far off that the sigmoid is 0 or 1 to the last digit."""
    with torch.no_grad():
        gates = [layer.gate] if hasattr(layer, "gate") else [layer.forget, layer.input]
        for gate, sign in zip(gates, (1, -1)):
            gate.weight.zero_()
            gate.bias.fill_(sign * value)
    return layer


@pytest.mark.parametrize("page", [minimal_gru.MinimalGRU, minimal_lstm.MinimalLSTM])
def test_with_its_gate_shut_a_minimal_cell_keeps_its_state_and_with_it_open_forgets_it(page):
    options = minimal_gru.Options() if page is minimal_gru.MinimalGRU else minimal_lstm.Options()
    x_BTI, start = torch.randn(2, 1000, 3), torch.randn(2, 6)
    # An update gate at 0, or a forget gate far above its input gate: nothing enters.
    keep, overwrite = (-1000.0, 1000.0) if page is minimal_gru.MinimalGRU else (1000.0, -1000.0)
    assert torch.equal(extreme(page(3, 6, 10, options), keep)(x_BTI, (start,))[1][0], start)
    layer = extreme(page(3, 6, 10, options), overwrite)
    close(layer(x_BTI, (start,))[0], layer.candidate(x_BTI))


def test_two_minimal_lstm_gates_that_are_both_shut_share_the_step_evenly():
    layer = minimal_lstm.MinimalLSTM(3, 6, 10, minimal_lstm.Options())
    with torch.no_grad():
        for gate in (layer.forget, layer.input):
            gate.weight.zero_()
            gate.bias.fill_(-1000.0)  # sigmoid gives 0 for both: 0 / 0
    x_BI, h_BH = torch.randn(2, 3), torch.randn(2, 6)
    close(layer.step(x_BI, (h_BH,))[0], (h_BH + layer.candidate(x_BI)) / 2)


def test_a_positive_candidate_is_continuous_and_above_zero():
    layer = minimal_gru.MinimalGRU(1, 1, 10, minimal_gru.Options(candidate="positive"))
    with torch.no_grad():
        layer.candidate.weight.fill_(1.0)
        layer.candidate.bias.zero_()
    a, b = layer.coefficients(torch.tensor([[-1e-12], [1e-12], [2.0], [-50.0]]))
    close((b / (1 - a)).flatten()[:3], torch.tensor([0.5, 0.5, 2.5]))
    assert (b > 0).all()


# linear_recurrent_unit


def lru(inputs: int = 3, hidden: int = 8, **options) -> linear_recurrent_unit.LinearRecurrentUnit:
    return linear_recurrent_unit.LinearRecurrentUnit(
        inputs, hidden, 10, linear_recurrent_unit.Options(**options)
    )


def test_the_eigenvalues_of_the_lru_start_evenly_on_their_ring_and_never_leave_the_unit_disc():
    layer = lru(hidden=400, r_min=0.6, r_max=0.9, max_phase=1.0)
    eigenvalues_H, _ = layer.coefficients(torch.zeros(1, 3))
    assert float(eigenvalues_H.detach().angle().min()) >= 0
    assert float(eigenvalues_H.detach().angle().max()) <= 1
    shares_H = (eigenvalues_H.detach().abs() ** 2 - 0.36) / (0.81 - 0.36)  # even in area
    quarters = torch.histc(shares_H, bins=4, min=0, max=1) / 400
    torch.testing.assert_close(quarters, torch.full((4,), 0.25), rtol=0, atol=4 * math.sqrt(0.1875 / 400))
    with torch.no_grad():
        layer.nu_H.copy_(torch.linspace(-15, 5, 400))
    assert float(layer.coefficients(torch.zeros(1, 3))[0].detach().abs().max()) < 1


@pytest.mark.parametrize("r_max", [0.5, 0.99])
def test_the_state_of_the_lru_has_the_variance_of_what_enters_it_however_long_it_remembers(r_max):
    layer = lru(hidden=32, r_min=r_max - 0.01, r_max=r_max)
    with torch.no_grad():
        x_BTI = torch.randn(64, 1000, 3)
        _, (h_BH2,) = layer(x_BTI)
        entering = layer.B_HI2.square().sum() / 32  # of white inputs of variance 1
    assert float(h_BH2.square().sum(-1).mean()) == pytest.approx(float(entering), rel=0.2)


def test_with_linear_output_the_lru_adds_up_what_it_sees():
    layer = lru(output="linear")
    one_BTI, two_BTI = torch.randn(2, 4, 20, 3)
    close(layer(one_BTI + 2 * two_BTI)[0], layer(one_BTI)[0] + 2 * layer(two_BTI)[0])


# diagonal_state_space


def test_the_diagonal_state_space_is_a_convolution_with_the_kernel_of_its_authors():
    layer = diagonal_state_space.DiagonalStateSpace(3, 5, 10, diagonal_state_space.Options(state_size=4))
    x_BTI, T = torch.randn(2, 30, 3), 30
    A_HN = -layer.ln_decay_HN.exp() + 1j * layer.frequency_HN
    d_H1 = layer.ln_step_H1.exp()
    C_HN = torch.view_as_complex(layer.C_HN2) * (torch.exp(d_H1 * A_HN) - 1) / A_HN
    powers_HNT = torch.exp((d_H1 * A_HN).unsqueeze(-1) * torch.arange(T))
    kernel_HT = 2 * (C_HN.unsqueeze(-1) * powers_HNT).sum(1).real
    u_BHT = layer.input(x_BTI).mT
    filtered_BHT = torch.fft.irfft(torch.fft.rfft(u_BHT, 2 * T) * torch.fft.rfft(kernel_HT, 2 * T), 2 * T)
    z_BTH = (filtered_BHT[..., :T] + layer.D_H[:, None] * u_BHT).mT
    expected_BTH = nn.functional.glu(layer.mixing(nn.functional.gelu(z_BTH)), -1)
    close(layer(x_BTI)[0], expected_BTH)


def test_the_diagonal_state_space_starts_with_the_frequencies_and_time_steps_of_its_authors():
    layer = diagonal_state_space.DiagonalStateSpace(3, 200, 10, diagonal_state_space.Options(state_size=3))
    close(layer.ln_decay_HN.exp(), torch.full((200, 3), 0.5))
    close(layer.frequency_HN[7], torch.tensor([0.0, math.pi, 2 * math.pi]))
    shares_H = (layer.ln_step_H1.detach() / math.log(10) + 3) / 2  # log10 d from -3 to -1
    quarters = torch.histc(shares_H, bins=4, min=0, max=1) / 200
    torch.testing.assert_close(quarters, torch.full((4,), 0.25), rtol=0, atol=4 * math.sqrt(0.1875 / 200))


# selective_state_space


def test_the_selective_state_space_is_the_recurrence_of_the_paper():
    layer = selective_state_space.SelectiveStateSpace(
        3, 20, 10, selective_state_space.Options(state_size=4, step_max=1.0)
    )
    x_BTI, h_BHN = torch.randn(2, 15, 3), torch.zeros(2, 20, 4)
    for t in range(15):
        u_BH = nn.functional.silu(layer.input(x_BTI[:, t]))
        P_KH, Q_NH, R_NH = layer.chosen.weight.split([2, 4, 4])
        d_BH = nn.functional.softplus(u_BH @ P_KH.T @ layer.step_size.weight.T + layer.step_size.bias)
        decay_BHN = torch.einsum("bh,hn->bhn", d_BH, -layer.ln_A_HN.exp()).exp()
        h_BHN = decay_BHN * h_BHN + torch.einsum("bh,bn,bh->bhn", d_BH, u_BH @ Q_NH.T, u_BH)
        z_BH = torch.einsum("bhn,bn->bh", h_BHN, u_BH @ R_NH.T) + layer.D_H * u_BH
        y_BH = (z_BH * nn.functional.silu(x_BTI[:, t] @ layer.gate.weight.T)) @ layer.output.weight.T
        close(layer(x_BTI)[0][:, t], y_BH)


def test_the_input_decides_whether_the_selective_state_space_keeps_its_state():
    layer = selective_state_space.SelectiveStateSpace(1, 16, 10, selective_state_space.Options())
    with torch.no_grad():
        layer.input.weight.fill_(1.0)
        layer.input.bias.zero_()
        layer.chosen.weight[0].fill_(1.0)  # P u is the sum of u ...
        layer.step_size.weight.fill_(100.0)  # ... times 100
    state = (torch.randn(1, 16, 16),)
    kept, forgotten = (layer.step(torch.tensor([[x]]), state)[1][0] for x in (-1.0, 1.0))
    torch.testing.assert_close(kept, state[0], rtol=0, atol=1e-10)
    (by_state,) = torch.autograd.grad(
        layer.step(torch.ones(1, 1), (state[0].requires_grad_(),))[1][0].sum(), state
    )
    assert float(by_state.abs().max()) < 1e-10
    assert not torch.allclose(forgotten, state[0], atol=0.1)


def test_the_selective_state_space_starts_with_the_time_steps_of_its_authors():
    layer = selective_state_space.SelectiveStateSpace(3, 200, 10, selective_state_space.Options())
    shares_H = (nn.functional.softplus(layer.step_size.bias.detach()).log10() + 3) / 2
    assert float(shares_H.min()) >= -1e-6
    assert float(shares_H.max()) <= 1 + 1e-6
    close(layer.ln_A_HN[3].exp(), torch.arange(1.0, 17.0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (linear_recurrent_unit.Options(r_min=0.9, r_max=0.5), "0 <= r_min < r_max <= 1"),
        (linear_recurrent_unit.Options(max_phase=0.0), "max_phase=0.0; above 0"),
        (diagonal_state_space.Options(state_size=0), "state_size=0; 1 or more"),
        (diagonal_state_space.Options(step_min=0.2), "0 < step_min < step_max"),
        (selective_state_space.Options(state_size=0), "state_size=0; 1 or more"),
        (selective_state_space.Options(step_min=0.0), "0 < step_min < step_max"),
    ],
)
def test_an_option_without_sense_is_refused_with_its_reason(options, said):
    assert said in options.problem(hidden=8, length=50)
    assert type(options)().problem(hidden=8, length=50) is None
