"""Recurrent cells built as dynamical systems: rotations, oscillators and steps of differential equations."""

import math

import pytest
import torch

from rnnlimits.architectures import antisymmetric, coupled_oscillatory, long_expressive_memory, orthogonal
from support.double_precision import double_and_seeded
from support.jacobians import jacobian

# Shape letters: B sequences, T time steps, I inputs, H hidden units, G net inputs.


_double_and_seeded = double_and_seeded(seed=5)


# orthogonal


@pytest.mark.parametrize("initialisation", ["rotations", "identity"])
def test_the_orthogonal_matrix_is_orthogonal_before_and_after_updates(initialisation):
    layer = orthogonal.Orthogonal(3, 12, 10, orthogonal.Options(initialisation=initialisation))
    if initialisation == "identity":
        assert torch.equal(layer.U_HH, torch.eye(12))
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.3)
    for _ in range(5):
        torch.testing.assert_close(layer.U_HH @ layer.U_HH.T, torch.eye(12), rtol=0, atol=1e-10)
        before = layer.U_HH.detach()
        optimiser.zero_grad()
        layer(torch.randn(4, 10, 3))[0].square().sum().backward()
        optimiser.step()
        assert float((layer.U_HH - before).detach().abs().max()) > 0.01
    torch.testing.assert_close(layer.U_HH @ layer.U_HH.T, torch.eye(12), rtol=0, atol=1e-10)
    assert float(torch.linalg.det(layer.U_HH.detach())) == pytest.approx(1)


def test_the_orthogonal_matrix_starts_as_rotations_of_pairs_by_all_angles():
    U_HH = orthogonal.Orthogonal(3, 401, 10, orthogonal.Options()).U_HH.detach()
    assert float(U_HH[400, 400]) == 1  # one unit has no partner
    angles_K = torch.atan2(U_HH[range(0, 400, 2), range(1, 400, 2)], U_HH.diagonal()[:400:2])
    quarters = torch.histc(angles_K, bins=4, min=-math.pi, max=math.pi) / 200
    torch.testing.assert_close(quarters, torch.full((4,), 0.25), rtol=0, atol=4 * math.sqrt(0.1875 / 200))
    outside = U_HH.clone()
    outside.diagonal().zero_()
    outside.diagonal(1)[::2] = outside.diagonal(-1)[::2] = 0
    assert float(outside.abs().max()) < 1e-12


def test_a_mod_relu_keeps_signs_moves_sizes_by_its_bias_and_silences_what_is_below():
    layer = orthogonal.Orthogonal(4, 4, 10, orthogonal.Options(initialisation="identity"))
    with torch.no_grad():
        layer.W_HI.copy_(torch.eye(4))
        layer.b_H.copy_(torch.tensor([1.0, -1.0, -1.0, 0.0]))
    y_BH, _ = layer.step(torch.tensor([[2.0, -3.0, 0.5, -2.0]]), layer.initial_state(1))
    assert y_BH.tolist() == [[3.0, -2.0, 0.0, -2.0]]


def test_at_its_start_the_orthogonal_network_carries_a_gradient_over_a_thousand_steps_at_full_size():
    layer = orthogonal.Orthogonal(2, 8, 1000, orthogonal.Options())
    x_BTI, start = torch.randn(1, 1000, 2), torch.randn(1, 8)
    through_time = torch.autograd.functional.jacobian(lambda h_BH: layer(x_BTI, (h_BH,))[1][0][0], start)[
        :, 0
    ]
    torch.testing.assert_close(through_time @ through_time.T, torch.eye(8), rtol=0, atol=1e-10)


# antisymmetric


def test_the_eigenvalues_of_the_antisymmetric_jacobian_lie_on_one_line_minus_the_diffusion():
    options = antisymmetric.Options(step_size=0.1, diffusion=0.2)
    layer = antisymmetric.Antisymmetric(3, 8, 10, options)
    rest = (torch.zeros(1, 8),)  # where tanh' = 1
    jacobian_HH = jacobian(layer, torch.zeros(1, 3), rest, to=0, of=0)
    eigenvalues_H = torch.linalg.eigvals((jacobian_HH - torch.eye(8)) / 0.1)
    torch.testing.assert_close(eigenvalues_H.real, torch.full((8,), -0.2), rtol=0, atol=1e-10)
    assert float(eigenvalues_H.imag.abs().max()) > 0.5
    # At any other state, diag(f') M still has no eigenvalue on the right.
    away_HH = jacobian(layer, torch.randn(1, 3), (torch.randn(1, 8),), to=0, of=0)
    assert float(torch.linalg.eigvals(away_HH - torch.eye(8)).real.max()) < 0


def test_the_gradient_of_an_antisymmetric_network_neither_dies_nor_explodes_over_a_thousand_steps():
    layer = antisymmetric.Antisymmetric(2, 8, 1000, antisymmetric.Options(diffusion=0.0, step_size=0.001))
    through_time = torch.autograd.functional.jacobian(
        lambda h_BH: layer(torch.zeros(1, 1000, 2), (h_BH,))[1][0][0], torch.zeros(1, 8)
    )[:, 0]
    # Each step stretches by 1 + (e w)^2 / 2 at most, and w is below ||A - A^T|| < 5.
    assert float(torch.linalg.svdvals(through_time).max()) < math.exp(1000 * (0.001 * 5) ** 2 / 2)
    assert float(torch.linalg.svdvals(through_time).min()) >= 1 - 1e-9


# coupled_oscillatory


def test_an_undriven_oscillator_swings_at_its_frequency_and_loses_energy_to_its_damping():
    layer = coupled_oscillatory.CoupledOscillatory(
        1, 1, 10, coupled_oscillatory.Options(step_size=0.001, stiffness=4.0, damping=0.2)
    )
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
    steps = 3000
    y_BTH, _ = layer(torch.zeros(1, steps, 1), (torch.ones(1, 1), torch.zeros(1, 1)))
    t_T = 0.001 * torch.arange(1, steps + 1)
    frequency = math.sqrt(4.0 - 0.01)
    exact_T = torch.exp(-0.1 * t_T) * (
        torch.cos(frequency * t_T) + 0.1 / frequency * torch.sin(frequency * t_T)
    )
    torch.testing.assert_close(y_BTH.detach().flatten(), exact_T, rtol=0, atol=3e-3)


# long_expressive_memory


def test_with_small_time_steps_a_long_expressive_memory_keeps_its_state():
    small, whole = (
        long_expressive_memory.LongExpressiveMemory(2, 6, 10, long_expressive_memory.Options(step_size=dt))
        for dt in (1e-6, 1.0)
    )
    state = (torch.rand(1, 6), torch.rand(1, 6))
    torch.testing.assert_close(small(torch.randn(1, 1000, 2), state)[1], state, rtol=0, atol=3e-3)
    with torch.no_grad():
        whole.b_F[:12] = 1000.0  # both time steps are 1: nothing is left of the state but through tanh
        whole.U_GH.zero_()
    one, other = (whole(torch.ones(1, 3, 2), tuple(part * k for part in state))[0] for k in (0, 1))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (antisymmetric.Options(step_size=0.0), "step_size=0.0"),
        (coupled_oscillatory.Options(damping=-1.0), "all above 0"),
        (long_expressive_memory.Options(step_size=2.0), "step_size=2.0; above 0 and at most 1"),
    ],
)
def test_an_option_without_effect_or_sense_is_refused_with_its_reason(options, said):
    assert said in options.problem(hidden=8, length=50)
    assert type(options)().problem(hidden=8, length=50) is None
