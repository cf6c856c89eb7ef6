"""A module of torch.nn is measured as our page with the same weights is, and as finite differences are."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import rnnlimits
from rnnlimits import catalog
from rnnlimits.probes.base import sequences_of
from rnnlimits.tasks.base import generator
from support.probe_models import a_model, a_task
from support.torch_twins import curve_of, numbers, twin

# Shape letters: B sequences, T time steps, I inputs, H hidden units.
TASK = a_task(length=14)
STEP = 1e-5


def equal(table, found) -> None:
    ours = {(one.metric, one.lag): one.value for one in found}
    theirs = numbers(table)
    assert theirs.keys() == ours.keys()
    for key, value in ours.items():
        assert theirs[key] == pytest.approx(value, rel=1e-10, abs=1e-10, nan_ok=True), key


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("of", ["elman", "lstm", "gru"])
def test_a_layer_of_torch_has_the_numbers_of_the_page_with_its_weights(of, layers):
    made_of = {"of": of, "layers": layers} if layers > 1 else {}
    model = a_model("stacked" if layers > 1 else of, TASK, hidden=3, seed=2, **made_of)
    layer, batch = twin(model.architecture, of), sequences_of(TASK, 3, generator(0, "probe"))

    def page(probe: str, **options):
        module = catalog.module("probes", probe)
        return module.measure(model, TASK, module.Options(**options), generator(0, "probe"))

    answered = {"target": batch.target, "loss": mse_loss, "readout": model.readout}
    equal(rnnlimits.gradient_reach(layer, batch.x, **answered), page("gradient_reach", sequences=3))
    found = page("parameter_gradient_by_lag", sequences=3)
    equal(rnnlimits.parameter_gradient(layer, batch.x, **answered), found)
    spectrum = rnnlimits.jacobian_spectrum(layer, batch.x)
    equal(spectrum, page("jacobian_spectrum", sequences=3))
    followed = {"steps": 20, "burn_in": 5}
    zero = rnnlimits.lyapunov(layer, batch.x, inputs="zero", **followed)
    equal(zero, page("lyapunov", **followed))


@pytest.fixture(scope="module")
def lstm():
    torch.manual_seed(5)
    return nn.LSTM(2, 2, 3, batch_first=True).double()


@pytest.fixture(scope="module")
def x_1TI():
    return torch.randn(1, 9, 2, generator=generator(1, "data"), dtype=torch.float64)


def after(layer, x_1TI, state):
    """The sum of the last outputs, by torch's own kernel."""
    with torch.no_grad():
        return layer(x_1TI, state)[0][0, -1].sum()


def test_the_gradient_of_the_full_state_is_what_moving_it_does(lstm, x_1TI):
    table = rnnlimits.gradient_reach(lstm, x_1TI)
    for lag in (1, 4):
        with torch.no_grad():
            state = lstm(x_1TI[:, : 9 - lag])[1]
        squares = 0.0
        for part in state:
            for place in range(part.numel()):
                ends = []
                for step in (STEP, -STEP):
                    moved = [one.clone() for one in state]
                    moved[0 if part is state[0] else 1].flatten()[place] += step
                    ends.append(after(lstm, x_1TI[:, 9 - lag :], tuple(moved)))
                squares += float((ends[0] - ends[1]) / (2 * STEP)) ** 2
        expected = math.log10(squares) / 2
        assert curve_of(table, "gradient_log10_median")[lag] == pytest.approx(expected, abs=1e-7)


def test_the_sensitivity_to_inputs_is_what_moving_them_does(lstm, x_1TI):
    found = curve_of(rnnlimits.input_sensitivity(lstm, x_1TI), "input_sensitivity_log10_median")
    for lag in (0, 3, 8):
        squares = 0.0
        for place in range(2):
            move = torch.zeros_like(x_1TI)
            move[0, 8 - lag, place] = STEP
            with torch.no_grad():
                ends = [lstm(x_1TI + sign * move)[0][0, -1] for sign in (1, -1)]
            squares += float(((ends[0] - ends[1]) / (2 * STEP)).square().sum())
        assert found[lag] == pytest.approx(math.log10(squares) / 2, abs=1e-7)


def test_the_gradient_of_weights_is_what_moving_them_at_one_step_does(x_1TI):
    torch.manual_seed(6)
    layer, other = (nn.GRU(2, 2, batch_first=True).double() for _ in range(2))
    target = torch.ones(1, 2, dtype=torch.float64)
    table = rnnlimits.parameter_gradient(layer, x_1TI, target, mse_loss)
    for lag in (0, 3):
        used_at, squares = 8 - lag, 0.0
        for place in range(layer.weight_hh_l0.numel()):
            ends = []
            for step in (STEP, -STEP):
                other.load_state_dict(layer.state_dict())
                with torch.no_grad():
                    other.weight_hh_l0.flatten()[place] += step
                    state = layer(x_1TI[:, :used_at])[1]
                    y_1TH, state = other(x_1TI[:, used_at : used_at + 1], state)
                    y_1TH = layer(x_1TI[:, used_at + 1 :], state)[0] if lag else y_1TH
                    ends.append(float(mse_loss(y_1TH[:, -1], target)))
            squares += ((ends[0] - ends[1]) / (2 * STEP)) ** 2
        found = curve_of(table, "parameter_gradient_log10_median")[lag]
        assert found == pytest.approx(math.log10(squares) / 2, abs=1e-6)


def test_the_largest_singular_value_is_that_of_the_moved_states(x_1TI):
    torch.manual_seed(7)
    layer = nn.GRU(2, 3, batch_first=True).double()
    found = curve_of(rnnlimits.jacobian_spectrum(layer, x_1TI), "jacobian_log10_largest")
    with torch.no_grad():
        h_1BH = layer(x_1TI[:, :6])[1]
        moves = STEP * torch.eye(3, dtype=torch.float64).reshape(3, 1, 1, 3)
        ends = [[layer(x_1TI[:, 6:], h_1BH + sign * move)[1].flatten() for move in moves] for sign in (1, -1)]
    jacobian_HH = (torch.stack(ends[0]) - torch.stack(ends[1])) / (2 * STEP)
    assert found[3] == pytest.approx(math.log10(torch.linalg.svdvals(jacobian_HH)[0]), abs=1e-7)


def test_a_driven_scalar_network_has_the_exponent_of_its_factor():
    table = rnnlimits.lyapunov(
        lambda x, h: -0.5 * h + x, torch.ones(2, 7, 1), state=torch.zeros(1), steps=12, burn_in=3
    )
    assert numbers(table)["driven_lyapunov_largest", None] == pytest.approx(math.log(0.5))
    assert numbers(table)["driven_gradient_log_slope", None] == pytest.approx(math.log(0.5))


def test_sequences_that_differ_in_length_are_measured_as_each_alone():
    torch.manual_seed(8)
    layer, x_BTI, target = nn.GRU(2, 3, batch_first=True), torch.randn(2, 9, 2), torch.randn(2, 3)
    x_BTI[0, 5:] = torch.nan  # fills up
    mask = torch.arange(9) < torch.tensor([[5], [9]])
    for measure in (rnnlimits.gradient_reach, rnnlimits.parameter_gradient):
        both = numbers(measure(layer, x_BTI, target, mse_loss, mask=mask))
        short = numbers(measure(layer, x_BTI[:1, :5], target[:1], mse_loss))
        long = numbers(measure(layer, x_BTI[1:], target[1:], mse_loss))
        for (metric, lag), value in both.items():
            if not metric.endswith("log10_median"):
                continue
            here = [
                one[metric, lag] for one in (short, long) if math.isfinite(one.get((metric, lag), math.nan))
            ]
            expected = sum(here) / len(here) if here else math.nan
            assert value == pytest.approx(expected, abs=1e-9, nan_ok=True), (metric, lag)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"target": torch.zeros(2, 3)}, "got one of target and loss; expected both"),
        ({"target": torch.zeros(5, 3), "loss": mse_loss}, r"got shape \(5, 3\); expected 2 answers"),
        ({"mask": torch.ones(2, 3)}, r"mask: got shape \(2, 3\); expected \(2, 6\)"),
        ({"mask": torch.eye(2, 6)}, "does not start at the first step.*shift the sequences"),
        ({"slopes": (5, 5)}, "0 <= slope_from < slope_to"),
    ],
)
def test_what_does_not_fit_the_sequences_is_said(wrong, said):
    with pytest.raises(ValueError, match=said):
        rnnlimits.gradient_reach(nn.RNN(2, 3, batch_first=True), torch.randn(2, 6, 2), **wrong)


def test_weights_that_are_not_trained_have_no_gradient():
    layer, x_BTI = nn.GRU(2, 3, 2, batch_first=True), torch.randn(2, 6, 2)
    layer.weight_hh_l1.requires_grad_(False)
    with pytest.raises(ValueError, match=r"requires_grad=False of weight_hh_l1; .* call \.requires_grad_"):
        rnnlimits.parameter_gradient(layer, x_BTI, torch.zeros(2, 3), mse_loss)
    with pytest.raises(ValueError, match=r"expected names of weights.*give weights=\[\.\.\.\] out of an nn"):
        rnnlimits.parameter_gradient(
            lambda x, h: torch.tanh(x + h), x_BTI, torch.zeros(2, 2), mse_loss, state=torch.zeros(2)
        )


def test_what_has_no_state_is_measured_from_inputs_to_outputs_alone():
    x_BTI = torch.randn(2, 6, 2)
    table = rnnlimits.gradient_reach(lambda x: x.cumsum(1), x_BTI)
    assert set(table.metric) == set(rnnlimits.input_sensitivity(lambda x: x.cumsum(1), x_BTI).metric)
    for measure in (rnnlimits.jacobian_spectrum, rnnlimits.lyapunov):
        with pytest.raises(
            ValueError, match=r"got only inputs and outputs; expected a state.*input_sensitiv"
        ):
            measure(lambda x: x.cumsum(1), x_BTI)
