"""Lyapunov exponents of maps whose exponents are known, and of random networks around the edge of chaos."""

import math

import pytest
import torch

from rnnlimits import catalog
from rnnlimits.probes.lyapunov import Options, driving_inputs, measure
from rnnlimits.tasks.base import generator
from support.probe_models import a_model, a_task, linear, only_a_forget_gate, scalars

TASK = a_task(length=10)


def probe(model, **options) -> dict[str, float]:
    return scalars(measure(model, TASK, Options(**options), generator(0, "probe")))


@pytest.mark.parametrize("a", [0.5, -0.8, 1.0, 2.0])
def test_a_scalar_linear_map_has_the_exponent_ln_a_both_ways(a):
    found = probe(linear(torch.tensor([[a]], dtype=torch.float64), TASK), steps=100, burn_in=10)
    assert found == pytest.approx(dict.fromkeys(found, math.log(abs(a))), abs=1e-12)
    assert set(found) == {"lyapunov_largest", "gradient_log_slope"}


def test_a_diagonal_map_has_the_logarithms_of_its_entries_in_falling_order():
    found = probe(
        linear(torch.diag(torch.tensor([0.3, 0.9, 0.6])), TASK), exponents=3, steps=100, burn_in=100
    )
    expected = {"lyapunov_largest": 0.9, "lyapunov_2": 0.6, "lyapunov_3": 0.3, "gradient_log_slope": 0.9}
    assert found == pytest.approx({name: math.log(value) for name, value in expected.items()}, abs=1e-6)


def test_all_exponents_add_up_to_ln_of_the_determinant():
    U_HH = torch.randn(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 3
    found = probe(linear(U_HH, TASK), exponents=5, steps=50, burn_in=0, initial_states=2)
    exponents = [value for name, value in found.items() if name != "gradient_log_slope"]
    assert sum(exponents) == pytest.approx(float(torch.linalg.slogdet(U_HH).logabsdet), abs=1e-10)


def test_a_fixed_point_has_the_logarithm_of_its_slope_and_a_bias_lowers_it():
    # h = tanh(a h + b): lambda = ln(a (1 - h^2)) with a = 0.9; ln 0.9 where b = 0.
    model = a_model("elman", TASK, hidden=1, initialisation="gaussian")
    model.architecture.U_HH.data.fill_(0.9)
    model.architecture.W_HI.data.fill_(1e6)  # there is no input
    without = probe(model, steps=100, burn_in=400)["lyapunov_largest"]
    assert without == pytest.approx(math.log(0.9), abs=1e-6)
    model.architecture.b_H.data.fill_(0.7)
    h = 0.0
    for _ in range(1000):
        h = math.tanh(0.9 * h + 0.7)
    with_bias = probe(model, steps=100, burn_in=400)
    assert with_bias == pytest.approx(dict.fromkeys(with_bias, math.log(0.9 * (1 - h * h))), abs=1e-9)
    assert with_bias["lyapunov_largest"] < without


def test_an_lstm_forgets_as_fast_as_its_forget_gate():
    found = probe(only_a_forget_gate(TASK, 0.9), steps=100, burn_in=200)
    assert found == pytest.approx(dict.fromkeys(found, math.log(0.9)), abs=1e-10)


@pytest.mark.parametrize(("gain", "low", "high"), [(0.5, -0.9, -0.4), (1.0, -0.05, 0.05), (3.0, 0.2, 0.4)])
def test_random_tanh_networks_turn_chaotic_around_gain_1_and_gradients_follow(gain, low, high):
    # Sompolinsky, Crisanti & Sommers (1988): the sign changes at gain 1 as the network grows.
    model = a_model("elman", TASK, hidden=200, initialisation="gaussian", gain=gain)
    found = probe(model)
    assert low < found["lyapunov_largest"] < high
    assert abs(found["gradient_log_slope"] - found["lyapunov_largest"]) <= 0.02


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_every_recurrent_architecture_has_exponents_and_no_other_has(name):
    model = a_model(name, TASK, hidden=16)
    found = probe(model, steps=20, burn_in=5)
    assert bool(found) == hasattr(model.architecture, "step")
    assert all(math.isfinite(value) for value in found.values())


def test_a_dead_network_has_no_exponent():
    model = a_model("elman", TASK, nonlinearity="relu")
    model.architecture.b_H.data.fill_(-100)
    assert all(math.isnan(value) for value in probe(model, steps=20, burn_in=5).values())


def test_a_driven_network_has_the_mean_of_what_its_inputs_make_of_each_step():
    # h = tanh(0.9 h + w x) at the task's inputs, followed by hand: ln 0.9 (1 - h^2), at each step another.
    task = a_task(length=25)
    model = a_model("elman", task, hidden=1, initialisation="gaussian")
    model.architecture.U_HH.data.fill_(0.9)
    options = Options(inputs="task", sequences=3, steps=200, burn_in=100)
    found = scalars(measure(model, task, options, generator(0, "probe")))
    x_TBI = driving_inputs(model, task, options, generator(0, "probe"))
    assert x_TBI.shape == (300, 3, 2)
    assert len(torch.unique(x_TBI[..., 0])) == 900  # no sequence comes twice
    h_B, logarithms = torch.zeros(3, dtype=torch.float64), []
    for x_BI in x_TBI:
        h_B = torch.tanh(0.9 * h_B + x_BI @ model.architecture.W_HI[0] + model.architecture.b_H)
        logarithms.append((0.9 * (1 - h_B.square())).log())
    expected = torch.stack(logarithms[100:]).mean().item()
    assert found["driven_lyapunov_largest"] == pytest.approx(expected, abs=1e-9)
    assert set(found) == {"driven_lyapunov_largest", "driven_gradient_log_slope"}


def test_inputs_silence_a_chaotic_network_and_both_say_so_in_one_probe():
    task = a_task(length=40)
    model = a_model("elman", task, hidden=100, initialisation="gaussian", gain=3.0)
    model.architecture.W_HI.data.normal_(0, 30, generator=torch.Generator().manual_seed(0))
    found = scalars(
        measure(model, task, Options(inputs="both", steps=200, burn_in=100), generator(0, "probe"))
    )
    assert found["lyapunov_largest"] > 0.1
    assert found["driven_lyapunov_largest"] < 0
    alone = probe(model, steps=200, burn_in=100)
    assert alone == {name: value for name, value in found.items() if not name.startswith("driven")}


def test_a_finite_task_drives_a_network_longer_than_its_sequences_are():
    task = a_task("character_language_model", length=20, characters=4000, embedding=3)
    model = a_model("gru", task)
    found = scalars(measure(model, task, Options(inputs="task", steps=50, burn_in=10), generator(0, "probe")))
    assert found["driven_lyapunov_largest"] < 0


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 3}, {"burn_in": -1}, {"initial_states": 0}, {"exponents": 0}, {"sequences": 0}],
)
def test_impossible_options_are_refused_while_planning(wrong):
    with pytest.raises(ValueError, match=r"lyapunov: .* must be 4 or more.*correct the options"):
        catalog.options("probes", "lyapunov")(**wrong)


def test_more_exponents_than_coordinates_are_refused():
    with pytest.raises(ValueError, match=r"got exponents=9; expected at most 8, the size of the full state"):
        probe(a_model("lstm", TASK, hidden=4), exponents=9)
