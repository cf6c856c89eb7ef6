"""Ours against others' implementations, with the same weights: values and gradients in float64."""

import pytest
import torch
from torch import Tensor, nn

from rnnlimits.architectures import convolution, elman, feed_forward, gru, irnn, lstm, temporal_convolution
from rnnlimits.architectures.base import Architecture
from support.double_precision import close, double_and_seeded

# Shape letters: B sequences, T time steps, I inputs, H hidden units, G gates.
BATCH, LENGTH, INPUTS, HIDDEN = 4, 11, 3, 6


_double_and_seeded = double_and_seeded(seed=3)


def gradients(y_BTH: Tensor, wanted: list[Tensor]) -> list[Tensor]:
    weights = torch.linspace(-1, 1, y_BTH.numel()).view_as(y_BTH)
    return list(torch.autograd.grad((weights * y_BTH.sin()).sum(), wanted))


def copied(layer: Architecture, theirs: nn.RNNBase, hidden_bias: Tensor | None = None) -> nn.RNNBase:
    """`theirs` with our weights: our one bias is their input bias, and their hidden bias is zero or given."""
    W, U, b = list(layer.parameters())[:3]
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(W)
        theirs.weight_hh_l0.copy_(U)
        theirs.bias_ih_l0.copy_(b)
        theirs.bias_hh_l0.zero_()
        if hidden_bias is not None:
            theirs.bias_hh_l0.copy_(hidden_bias)
    return theirs


CELLS = {
    "elman_tanh": (elman.Elman, elman.Options(), lambda: nn.RNN(INPUTS, HIDDEN, batch_first=True)),
    "elman_relu": (
        elman.Elman,
        elman.Options(nonlinearity="relu", initialisation="orthogonal"),
        lambda: nn.RNN(INPUTS, HIDDEN, batch_first=True, nonlinearity="relu"),
    ),
    "irnn": (
        irnn.IRNN,
        irnn.Options(input_std=0.5),
        lambda: nn.RNN(INPUTS, HIDDEN, batch_first=True, nonlinearity="relu"),
    ),
    "lstm": (lstm.LSTM, lstm.Options(), lambda: nn.LSTM(INPUTS, HIDDEN, batch_first=True)),
    "lstm_chrono": (
        lstm.LSTM,
        lstm.Options(initialisation="chrono"),
        lambda: nn.LSTM(INPUTS, HIDDEN, batch_first=True),
    ),
    "gru": (gru.GRU, gru.Options(), lambda: nn.GRU(INPUTS, HIDDEN, batch_first=True)),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_recurrent_layer_equals_the_one_of_torch(name):
    ours_class, options, theirs = CELLS[name]
    layer = ours_class(INPUTS, HIDDEN, LENGTH, options)
    c_H = getattr(layer, "c_H", None)
    hidden_bias = None if c_H is None else torch.cat([torch.zeros(2 * HIDDEN), c_H])
    theirs = copied(layer, theirs(), hidden_bias)
    x_BTI = torch.randn(BATCH, LENGTH, INPUTS, requires_grad=True)
    start = tuple(torch.randn(BATCH, HIDDEN) for _ in layer.initial_state(BATCH))
    y_BTH, last = layer(x_BTI, start)
    state = tuple(tensor[None] for tensor in start)
    expected_BTH, expected_last = theirs(x_BTI, state if len(state) > 1 else state[0])
    expected_last = expected_last if isinstance(expected_last, tuple) else (expected_last,)
    close(y_BTH, expected_BTH)
    close(last, tuple(tensor[0] for tensor in expected_last))
    ours_by = gradients(y_BTH, [x_BTI, *list(layer.parameters())[:3]])
    close(
        ours_by, gradients(expected_BTH, [x_BTI, theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_ih_l0])
    )


def test_the_gradient_of_the_hidden_bias_of_the_gru_equals_torchs():
    layer = gru.GRU(INPUTS, HIDDEN, LENGTH, gru.Options())
    theirs = copied(layer, nn.GRU(INPUTS, HIDDEN, batch_first=True), torch.cat([torch.zeros(12), layer.c_H]))
    x_BTI = torch.randn(BATCH, LENGTH, INPUTS)
    (by_c_H,) = gradients(layer(x_BTI)[0], [layer.c_H])
    (by_hidden_bias_G,) = gradients(theirs(x_BTI)[0], [theirs.bias_hh_l0])
    close(by_c_H, by_hidden_bias_G[2 * HIDDEN :])


def conv1d(W_OIK: Tensor, b_O: Tensor, dilation: int = 1) -> nn.Sequential:
    """torch's own convolution, made causal by zeros on the left."""
    outputs, inputs, taps = W_OIK.shape
    layer = nn.Conv1d(inputs, outputs, taps, dilation=dilation)
    with torch.no_grad():
        layer.weight.copy_(W_OIK)
        layer.bias.copy_(b_O)
    return nn.Sequential(nn.ConstantPad1d(((taps - 1) * dilation, 0), 0.0), layer)


@pytest.mark.parametrize("inputs", [INPUTS, HIDDEN])
def test_the_temporal_convolution_equals_the_blocks_of_bai_et_al_in_torchs_convolutions(inputs):
    layer = temporal_convolution.TemporalConvolution(
        inputs, HIDDEN, LENGTH, temporal_convolution.Options(kernel_size=3, layers=3)
    )
    x_BTI = torch.randn(BATCH, 20, inputs, requires_grad=True)
    x_BIT = x_BTI.mT
    for depth, block in enumerate(layer.blocks):
        first = conv1d(block.first.W_OIK, block.first.b_O, 2**depth)
        second = conv1d(block.second.W_OIK, block.second.b_O, 2**depth)
        skip_BHT = (
            conv1d(block.skip.weight, block.skip.bias)(x_BIT) if hasattr(block.skip, "weight") else x_BIT
        )
        x_BIT = nn.functional.relu(skip_BHT + nn.functional.relu(second(nn.functional.relu(first(x_BIT)))))
    assert hasattr(layer.blocks[0].skip, "weight") == (inputs != HIDDEN)
    close(layer(x_BTI)[0], x_BIT.mT)
    close(gradients(layer(x_BTI)[0], [x_BTI]), gradients(x_BIT.mT, [x_BTI]))


def test_the_convolution_equals_a_stack_of_torchs():
    layer = convolution.Convolution(INPUTS, HIDDEN, LENGTH, convolution.Options(kernel_size=4, layers=3))
    parts = []
    for ours in layer.convolutions:
        parts += [conv1d(ours.W_OIK, ours.b_O), nn.ReLU()]
    x_BTI = torch.randn(BATCH, LENGTH, INPUTS, requires_grad=True)
    expected_BTH = nn.Sequential(*parts)(x_BTI.mT).mT
    close(layer(x_BTI)[0], expected_BTH)
    close(gradients(layer(x_BTI)[0], [x_BTI]), gradients(expected_BTH, [x_BTI]))


def test_the_feed_forward_window_equals_two_linear_layers_on_the_unrolled_window():
    window_steps = 4
    layer = feed_forward.FeedForward(INPUTS, HIDDEN, LENGTH, feed_forward.Options(window_steps=window_steps))
    x_BTI = torch.randn(BATCH, LENGTH, INPUTS)
    padded_BTI = torch.cat([torch.zeros(BATCH, window_steps - 1, INPUTS), x_BTI], 1)
    for t in range(LENGTH):
        window_BW = padded_BTI[:, t : t + window_steps].mT.flatten(1)
        a_BH = nn.functional.linear(window_BW, layer.window.W_OIK.flatten(1), layer.window.b_O)
        close(layer(x_BTI)[0][:, t], layer.output(a_BH.relu()))


def test_the_lstm_equals_the_peephole_lstm_of_torchrecurrent_without_peepholes():
    cell = pytest.importorskip("torchrecurrent").PeepholeLSTMCell(INPUTS, HIDDEN)
    layer = lstm.LSTM(INPUTS, HIDDEN, LENGTH, lstm.Options())
    with torch.no_grad():
        for theirs, ours in (
            (cell.weight_ih, layer.W_GI),
            (cell.weight_hh, layer.U_GH),
            (cell.bias_ih, layer.b_G),
        ):
            theirs.copy_(ours)
        cell.bias_hh.zero_()
        cell.weight_ph.zero_()
    x_BI, state = torch.randn(BATCH, INPUTS), (torch.randn(BATCH, HIDDEN), torch.randn(BATCH, HIDDEN))
    close(layer.step(x_BI, state)[1], cell(x_BI, state))


def test_with_its_forget_gate_held_open_the_lstm_is_the_one_of_1997():
    cell = pytest.importorskip("torchrecurrent").OriginalLSTMCell(INPUTS, HIDDEN)
    layer = lstm.LSTM(INPUTS, HIDDEN, LENGTH, lstm.Options())
    without_f = [*range(HIDDEN), *range(2 * HIDDEN, 4 * HIDDEN)]
    with torch.no_grad():
        for weight in (layer.W_GI, layer.U_GH):
            weight[HIDDEN : 2 * HIDDEN] = 0
        layer.b_G[HIDDEN : 2 * HIDDEN] = 50  # sigmoid(50) is 1 to the last digit
        for theirs, ours in (
            (cell.weight_ih, layer.W_GI),
            (cell.weight_hh, layer.U_GH),
            (cell.bias_ih, layer.b_G),
        ):
            theirs.copy_(ours[without_f])
        cell.bias_hh.zero_()
    x_BI, state = torch.randn(BATCH, INPUTS), (torch.randn(BATCH, HIDDEN), torch.randn(BATCH, HIDDEN))
    close(layer.step(x_BI, state)[1], cell(x_BI, state))


def test_with_a_diagonal_matrix_the_elman_network_is_the_independent_one_of_torchrecurrent():
    cell = pytest.importorskip("torchrecurrent").IndRNNCell(INPUTS, HIDDEN)
    layer = elman.Elman(INPUTS, HIDDEN, LENGTH, elman.Options())
    with torch.no_grad():
        layer.U_HH.copy_(torch.diag(cell.vector_u))
        cell.weight_ih.copy_(layer.W_HI)
        cell.bias_ih.copy_(layer.b_H)
        cell.bias_hh.zero_()
    x_BI, h_BH = torch.randn(BATCH, INPUTS), torch.randn(BATCH, HIDDEN)
    close(layer.step(x_BI, (h_BH,))[0], cell(x_BI, h_BH))
