"""Every kind of module that a caller may have is found to be what it is, and its state with it."""

from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import rnnlimits
from rnnlimits.architectures import gru
from support.probe_models import a_model, a_task
from support.torch_twins import curve_of, numbers

# Shape letters: B sequences, T time steps, I inputs, H hidden units, O outputs.
CELLS = {nn.RNN: nn.RNNCell, nn.GRU: nn.GRUCell, nn.LSTM: nn.LSTMCell}


@pytest.fixture(scope="module", autouse=True)
def _seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        yield


@pytest.fixture(scope="module")
def x_BTI():
    return torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(0))


def equal(one, other, *metrics: str) -> None:
    """In these metrics, or in all that both have."""
    ours, theirs = numbers(one), numbers(other)
    keys = [key for key in ours if not metrics or key[0] in metrics]
    assert keys
    for key in keys:
        assert ours[key] == pytest.approx(theirs[key], rel=1e-9, abs=1e-9, nan_ok=True), key


@pytest.mark.parametrize("of", CELLS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("bias", [True, False])
def test_a_cell_of_torch_is_its_layer(of, bias, x_BTI):
    layer = of(2, 3, batch_first=True, bias=bias)
    cell = CELLS[of](2, 3, bias=bias)
    cell.load_state_dict({name.removesuffix("_l0"): one for name, one in layer.state_dict().items()})
    equal(rnnlimits.gradient_reach(cell, x_BTI), rnnlimits.gradient_reach(layer, x_BTI))


def test_both_orders_of_the_batch_and_a_single_sequence_are_taken(x_BTI):
    layer = nn.GRU(2, 3)
    expected = rnnlimits.gradient_reach(layer, x_BTI.transpose(0, 1))
    equal(rnnlimits.gradient_reach(layer, x_BTI, batch_first=True), expected)
    one = rnnlimits.gradient_reach(layer, x_BTI[0])
    equal(one, rnnlimits.gradient_reach(layer, x_BTI[:1], batch_first=True))
    assert one.length_steps.unique().tolist() == [8]

    class Later(nn.Module):
        """Time first, and nothing says so."""

        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x_TBI):
            return {"logits": self.layer(x_TBI)[0]}

    table = rnnlimits.input_sensitivity(Later(), x_BTI.transpose(0, 1), batch_first=False)
    equal(table, expected)


def test_a_relu_layer_is_no_tanh_layer(x_BTI):
    layer = nn.RNN(2, 3, nonlinearity="relu", batch_first=True)
    W, U, b = layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0 + layer.bias_hh_l0
    W, U, b = (one.detach().double() for one in (W, U, b))
    by_hand = rnnlimits.gradient_reach(
        lambda x, h: torch.relu(x @ W.T + h @ U.T + b), x_BTI, state=torch.zeros(3)
    )
    equal(rnnlimits.gradient_reach(layer, x_BTI), by_hand)


class Network(nn.Module):
    """What most people have: a recurrent layer and a read-out, with the state handed on."""

    def __init__(self, layer: nn.Module, outputs: int = 4):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(3, outputs)

    def forward(self, x_BTI, state=None):
        y_BTH, state = self.layer(x_BTI, state)
        return self.head(y_BTH), state


@pytest.mark.parametrize("of", [nn.GRU, nn.LSTM])
def test_a_network_that_hands_its_state_on_is_its_layer_with_a_readout(of, x_BTI):
    network = Network(of(2, 3, 2, batch_first=True))
    table = rnnlimits.gradient_reach(network, x_BTI)
    assert set(table.hidden_size) == {4}  # the width of what it gives
    layer = rnnlimits.gradient_reach(network.layer, x_BTI, readout=network.head)
    curves = ("gradient_log10_median", "input_sensitivity_log10_median", "gradient_slope")
    # The read-out is behind the state of the last step, so that this step has no gradient here.
    equal(table[table.lag_steps != 0], layer[layer.lag_steps != 0], *curves)
    spectra = (rnnlimits.jacobian_spectrum(one, x_BTI[:1]) for one in (network, network.layer))
    equal(*spectra, "jacobian_log10_largest", "jacobian_log10_median")
    with pytest.raises(ValueError, match=r"step cannot be taken with weights of their own.*as readout="):
        rnnlimits.parameter_gradient(network, x_BTI, torch.zeros(3, 4), mse_loss)


def test_a_projected_lstm_has_a_state_of_two_widths(x_BTI):
    table = rnnlimits.gradient_reach(nn.LSTM(2, 5, 2, proj_size=3, batch_first=True), x_BTI)
    assert curve_of(table, "gradient_log10_median")[7] < 0


def test_a_network_that_gives_the_last_output_alone_has_its_inputs_measured(x_BTI):
    layer, head = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 4)
    both = nn.LSTM(2, 3, batch_first=True, bidirectional=True)

    def last(x_BTI):
        return head(layer(x_BTI)[0][:, -1])

    layer.double()
    head.double()
    both.double()
    expected = rnnlimits.input_sensitivity(layer, x_BTI, readout=head)
    equal(rnnlimits.input_sensitivity(last, x_BTI), expected)
    # Of one output a sequence, a layer that reads both ways can be asked, too.
    assert len(rnnlimits.input_sensitivity(lambda x: both(x)[0][:, -1], x_BTI)) == len(expected)


class Named(NamedTuple):
    h: tuple
    c: torch.Tensor


def test_a_step_of_ones_own_may_keep_any_state_and_give_an_output_of_its_own(x_BTI):
    cell = nn.LSTMCell(2, 3).double()
    head = nn.Linear(3, 4).double()
    expected = rnnlimits.gradient_reach(cell, x_BTI, readout=head)
    zeros = torch.zeros(3)
    equal(
        rnnlimits.gradient_reach(lambda x, s: cell(x, s), x_BTI, state=(zeros, zeros), readout=head), expected
    )

    def nested(x_BI, state):
        ((h_BH,), c_BH) = state
        h_BH, c_BH = cell(x_BI, (h_BH, c_BH))
        return head(h_BH), ((h_BH,), c_BH)

    assert len(rnnlimits.jacobian_spectrum(nested, x_BTI, state=Named((zeros,), zeros)))
    table = rnnlimits.gradient_reach(nested, x_BTI, state=((zeros,), zeros))
    later = table[table.lag_steps > 0]
    equal(later, expected, "gradient_log10_median", "input_sensitivity_log10_p90")


def test_the_weights_of_a_step_are_named_by_the_caller(x_BTI):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 3)
            self.around = nn.Linear(3, 3, bias=False)

        def forward(self, x_BI, h_BH):
            return torch.tanh(self.inner(x_BI) + self.around(h_BH))

    own, layer = Own(), nn.RNN(2, 3, batch_first=True)
    layer.load_state_dict(
        {
            "weight_ih_l0": own.inner.weight, "weight_hh_l0": own.around.weight,
            "bias_ih_l0": own.inner.bias, "bias_hh_l0": torch.zeros(3),
        }
    )  # fmt: skip
    answered = (x_BTI, torch.ones(3, 3), mse_loss)
    table = rnnlimits.parameter_gradient(own, *answered, weights=["around.weight"], state=torch.zeros(3))
    equal(table, rnnlimits.parameter_gradient(layer, *answered))


def test_a_compiled_module_is_measured_as_what_it_was_made_of(x_BTI):
    layer = nn.GRU(2, 3, batch_first=True)
    expected = rnnlimits.gradient_reach(layer, x_BTI)
    compiled = torch.compile(layer)
    assert rnnlimits.gradient_reach(compiled, x_BTI).equals(expected)
    answered = (x_BTI, torch.zeros(3, 3), mse_loss)
    found = rnnlimits.parameter_gradient(compiled, *answered)
    assert found.equals(rnnlimits.parameter_gradient(layer, *answered))


def test_a_model_of_ours_reads_tokens_through_its_embedding():
    task = a_task("character_language_model", length=6, characters=60)
    model, tokens = a_model("gru", task), torch.randint(0, 5, (2, 6))
    found = rnnlimits.input_sensitivity(model, tokens)
    inner = model.encoder(tokens).detach()
    equal(found, rnnlimits.input_sensitivity(model.architecture, inner, readout=model.readout))


def test_a_page_of_ours_is_taken_as_it_is(x_BTI):
    page = gru.GRU(2, 3, 8, gru.Options())
    table = rnnlimits.parameter_gradient(page, x_BTI, torch.zeros(3, 3), mse_loss, name="mine")
    assert set(table.variant) == {"mine"}
    assert curve_of(table, "parameter_gradient_log10_median")[1] < 0


@pytest.mark.parametrize("name", ["MGU", "LEM", "coRNN", "TLSTM"])
def test_cells_and_layers_of_torchrecurrent_are_one_network(name, x_BTI):
    """A state of one tensor, of two, and of tensors in tuples with an output beside them."""
    torchrecurrent = pytest.importorskip("torchrecurrent")
    cell = vars(torchrecurrent)[f"{name}Cell"](2, 3)
    layer = vars(torchrecurrent)[name](2, 3, batch_first=True)
    layer.cells[0].load_state_dict(cell.state_dict())
    tables = [rnnlimits.gradient_reach(one, x_BTI) for one in (layer, cell)]
    later = tables[0][tables[0].lag_steps > 0]  # torchrecurrent's layers copy their state
    equal(later, tables[1], "gradient_log10_median", "input_sensitivity_log10_median")
    found = [rnnlimits.parameter_gradient(one, x_BTI, torch.zeros(3, 3), mse_loss) for one in (layer, cell)]
    equal(*found)


def test_a_state_that_is_not_all_that_is_remembered_is_not_taken_for_one(x_BTI):
    """torchrecurrent's tauGRU keeps earlier states to itself: two halves are not the whole."""
    torchrecurrent = pytest.importorskip("torchrecurrent")
    with pytest.raises(ValueError, match="tauGRU: got only inputs and outputs"):
        rnnlimits.jacobian_spectrum(torchrecurrent.tauGRU(2, 3, batch_first=True), x_BTI)
