"""Ours against the cells of torchrecurrent, with the same weights: one step in float64."""

import pytest
import torch
from torch import Tensor, nn

from rnnlimits.architectures import (
    antisymmetric,
    coupled_oscillatory,
    independent,
    long_expressive_memory,
    lstm_1997,
)
from rnnlimits.architectures.kernels.skew import skew
from support.double_precision import close, double_and_seeded

torchrecurrent = pytest.importorskip("torchrecurrent")

# Shape letters: B sequences, I inputs, H hidden units.
BATCH, LENGTH, INPUTS, HIDDEN = 4, 11, 3, 6


_double_and_seeded = double_and_seeded(seed=3)


def given(cell: nn.Module, **weights: Tensor) -> nn.Module:
    """`cell` with these weights, and with zeros for all others."""
    with torch.no_grad():
        for name, weight in cell.named_parameters():
            weight.copy_(weights.get(name, torch.zeros_like(weight)))
    return cell


def inputs_and_states(states: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    return torch.randn(BATCH, INPUTS), tuple(torch.randn(BATCH, HIDDEN) for _ in range(states))


def test_the_lstm_of_1997_is_torchrecurrents_but_for_the_ranges_of_its_squashing_functions():
    layer = lstm_1997.LSTM1997(INPUTS, HIDDEN, LENGTH, lstm_1997.Options())
    with torch.no_grad():
        layer.U_GG[:, HIDDEN:] = 0  # there, gates do not act back
    # g(u) = 2 tanh(u / 2) and h(c) = tanh(c / 2): with u and c doubled, theirs.
    u, i, o = (slice(k * HIDDEN, (k + 1) * HIDDEN) for k in range(3))
    cell = given(
        torchrecurrent.OriginalLSTMCell(INPUTS, HIDDEN),
        weight_ih=torch.cat([layer.W_GI[i], layer.W_GI[u] / 2, layer.W_GI[o]]),
        weight_hh=torch.cat([layer.U_GG[i], layer.U_GG[u] / 2, layer.U_GG[o]])[:, :HIDDEN],
        bias_ih=torch.cat([layer.b_G[i], layer.b_G[u] / 2, layer.b_G[o]]),
    )
    x_BI, (h_BH, c_BH) = inputs_and_states(2)
    y_BH, (_, new_c_BH, _) = layer.step(x_BI, (h_BH, c_BH, torch.rand(BATCH, 2 * HIDDEN)))
    close((y_BH, new_c_BH / 2), cell(x_BI, (h_BH, c_BH / 2)))


@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_the_independent_network_is_torchrecurrents(nonlinearity):
    options = independent.Options(nonlinearity=nonlinearity)
    layer = independent.Independent(INPUTS, HIDDEN, LENGTH, options)
    cell = given(
        torchrecurrent.IndRNNCell(INPUTS, HIDDEN, nonlinearity=getattr(torch, nonlinearity)),
        weight_ih=layer.W_HI,
        vector_u=layer.u_H,
        bias_ih=layer.b_H,
    )
    x_BI, (h_BH,) = inputs_and_states(1)
    close(layer.step(x_BI, (h_BH,))[0], cell(x_BI, h_BH))


@pytest.mark.parametrize("gated", [False, True])
def test_the_antisymmetric_network_is_torchrecurrents(gated):
    options = antisymmetric.Options(gated=gated, step_size=0.2, diffusion=0.3)
    layer = antisymmetric.Antisymmetric(INPUTS, HIDDEN, LENGTH, options)
    cells = torchrecurrent.AntisymmetricRNNCell, torchrecurrent.GatedAntisymmetricRNNCell
    # Theirs has the gate first; W - W^T is ours where W is one half of ours.
    order = [*range(HIDDEN, 2 * HIDDEN), *range(HIDDEN)] if gated else [*range(HIDDEN)]
    cell = given(
        cells[gated](INPUTS, HIDDEN, epsilon=0.2, gamma=0.3),
        weight_ih=layer.V_GI[order],
        weight_hh=skew(layer.A_K, HIDDEN) / 2,
        bias_ih=layer.b_G[order],
    )
    x_BI, (h_BH,) = inputs_and_states(1)
    close(layer.step(x_BI, (h_BH,))[0], cell(x_BI, h_BH))


def test_the_coupled_oscillators_are_torchrecurrents():
    options = coupled_oscillatory.Options(step_size=0.1, stiffness=3.0, damping=2.0)
    layer = coupled_oscillatory.CoupledOscillatory(INPUTS, HIDDEN, LENGTH, options)
    cell = given(
        torchrecurrent.coRNNCell(INPUTS, HIDDEN, dt=0.1, gamma=3.0, epsilon=2.0),
        weight_ih=layer.W_HI,
        weight_hh=layer.V_HH,
        weight_ch=layer.U_HH,
        bias_ih=layer.b_H,
    )
    x_BI, state = inputs_and_states(2)
    close(layer.step(x_BI, state)[1], cell(x_BI, state))


def test_the_long_expressive_memory_is_torchrecurrents_if_its_second_stage_is_given_the_new_z():
    options = long_expressive_memory.Options(step_size=0.4)
    layer = long_expressive_memory.LongExpressiveMemory(INPUTS, HIDDEN, LENGTH, options)
    cell = given(
        torchrecurrent.LEMCell(INPUTS, HIDDEN, dt=0.4),
        weight_ih=layer.W_FI,
        weight_hh=layer.U_GH,
        weight_ch=layer.R_HH,
        bias_ih=layer.b_F,
    )
    x_BI, (h_BH, z_BH) = inputs_and_states(2)
    _, new_z_BH = cell(x_BI, (h_BH, z_BH))
    # torchrecurrent takes the old z there, the paper's authors the new one.
    new_h_BH, _ = cell(x_BI, (h_BH, new_z_BH))
    close(layer.step(x_BI, (h_BH, z_BH))[1], (new_h_BH, new_z_BH))
