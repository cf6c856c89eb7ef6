"""Products of step Jacobians against matrices whose powers are known, and against the unrolled graph."""

import math

import pytest
import torch

from rnnlimits import catalog
from rnnlimits.architectures.base import Recurrent
from rnnlimits.probes.base import Measurement, flatten, sequences_of, unflatten
from rnnlimits.probes.jacobian_spectrum import Options, ln_singular_values, measure
from rnnlimits.tasks.base import generator
from support.probe_models import a_model, a_task, curve, linear, only_a_forget_gate, orthogonal, scalars

RANKS = ("largest", "median", "smallest")
ARCHITECTURES = catalog.names("architectures")
RECURRENT = [n for n in ARCHITECTURES if issubclass(catalog.page_class("architectures", n), Recurrent)]


def probe(model, task, **options) -> list[Measurement]:
    return measure(model, task, Options(**options), generator(0, "probe"))


@pytest.mark.parametrize("rho", [0.9, 1.0, 1.1])
def test_a_scaled_rotation_has_all_singular_values_at_the_bound_and_breaks_it_nowhere(rho):
    task = a_task(length=100)
    found = probe(linear(rho * orthogonal(6), task), task)
    for name in (*RANKS, "bound"):
        values = curve(found, f"jacobian_log10_{name}")
        assert {0, 1, 10, 99} <= set(values)
        assert all(abs(value - k * math.log10(rho)) < 1e-10 for k, value in values.items())
    expected = {
        "jacobian_slope": math.log(rho),
        "spectral_radius": rho,
        "largest_singular_value": rho,
        "transient_gain": max(rho, rho**99),
        "bound_violations": 0,
        "bound_violations_eigenvalue_form": 0,
    }
    assert scalars(found) == pytest.approx(expected, rel=1e-9, abs=1e-10)


def test_a_non_normal_matrix_breaks_the_eigenvalue_form_but_not_the_singular_form():
    # U^k = [[a, b], [0, a]] with a = 0.5^k and b = 10 k 0.5^(k-1): the squares of its two singular values
    # have the sum 2 a^2 + b^2 and the product a^4.
    task, lags = a_task(length=60), range(60)
    found = probe(linear(torch.tensor([[0.5, 10.0], [0.0, 0.5]]), task), task)

    def largest(k: int) -> float:
        a, b = 0.5**k, 10 * k * 0.5 ** (k - 1)
        return math.sqrt(((2 * a**2 + b**2) + math.sqrt((2 * a**2 + b**2) ** 2 - 4 * a**4)) / 2)

    measured = curve(found, "jacobian_log10_largest")
    assert all(abs(value - math.log10(largest(k))) < 1e-10 for k, value in measured.items())
    values = scalars(found)
    assert values["spectral_radius"] == pytest.approx(0.5, abs=1e-6)  # a double eigenvalue: sqrt(eps)
    assert values["largest_singular_value"] == pytest.approx(largest(1), rel=1e-12)
    assert values["transient_gain"] == pytest.approx(max(largest(k) for k in lags[1:]), rel=1e-9)
    assert values["transient_gain"] > 10
    assert values["jacobian_slope"] < 0
    assert values["bound_violations"] == 0
    assert values["bound_violations_eigenvalue_form"] == 59  # every lag but 0


@pytest.mark.parametrize("nonlinearity", ["tanh", "sigmoid", "relu", "identity"])
@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_no_network_breaks_the_singular_bound_at_any_lag(nonlinearity, gain):
    # Pascanu et al. (2013), section 2.1.
    task = a_task(length=40)
    for seed in range(3):
        model = a_model(
            "elman", task, 8, seed, nonlinearity=nonlinearity, initialisation="gaussian", gain=gain
        )
        assert scalars(probe(model, task, sequences=2))["bound_violations"] == 0


def test_the_bound_is_really_checked():
    task = a_task(length=40)
    model = linear(0.9 * orthogonal(5), task)
    model.architecture.slope_bound = 0.99  # a lie: the slope of the identity is 1
    assert scalars(probe(model, task, sequences=2))["bound_violations"] == 2 * 39


@pytest.mark.parametrize("name", RECURRENT)
def test_products_equal_the_jacobian_of_the_unrolled_graph(name):
    task = a_task(length=7)
    model = a_model(name, task, hidden=3, seed=3)
    x_BTI = sequences_of(task, 2, generator(0, "probe")).x
    ln_KBS = ln_singular_values(model.architecture, x_BTI)
    for lag in (0, 1, 3, 6):
        for row in range(2):
            start = 7 - lag
            _, state = model.architecture(x_BTI[row : row + 1, :start])

            def last_state(s_1S, row=row, start=start, state=state):
                if start == 7:
                    return s_1S[0]
                _, last = model.architecture(x_BTI[row : row + 1, start:], unflatten(s_1S, state))
                return flatten(last)[0]

            jacobian_SS = torch.autograd.functional.jacobian(last_state, flatten(state).detach()).squeeze(1)
            expected_S = torch.linalg.svdvals(jacobian_SS)
            torch.testing.assert_close(ln_KBS[lag, row].exp(), expected_S, rtol=1e-9, atol=1e-14)


def test_an_lstm_is_measured_in_its_full_state():
    # J = [[0, f/2 I], [0, f I]]: half of the singular values of J^k are f^k sqrt(5/4), half are zero.
    task = a_task(length=30)
    found = probe(only_a_forget_gate(task, 0.9), task)
    largest = curve(found, "jacobian_log10_largest")
    assert all(abs(v - math.log10(0.9**k * 1.25**0.5)) < 1e-10 for k, v in largest.items() if k > 0)
    assert math.isnan(curve(found, "jacobian_log10_smallest")[1])
    assert "bound_violations" not in scalars(found)  # the step of an LSTM is no f(U h)


def test_a_singular_value_that_drowns_in_rounding_is_nan():
    task = a_task(length=30)
    found = probe(linear(torch.diag(torch.tensor([1.0, 0.5, 10**-2.6])), task), task)
    smallest, median = curve(found, "jacobian_log10_smallest"), curve(found, "jacobian_log10_median")
    assert {k for k, value in smallest.items() if not math.isnan(value)} == {0, 1, 2, 3}  # 10^-10.4 at 4
    assert smallest[3] == pytest.approx(-7.8, abs=1e-5)
    assert all(abs(value - k * math.log10(0.5)) < 1e-10 for k, value in median.items())


def test_no_lag_overflows_or_underflows():
    task = a_task(length=300)
    for factor in (1e3, 1e-3):
        found = probe(linear(factor * orthogonal(3), task), task)
        assert curve(found, "jacobian_log10_smallest")[299] == pytest.approx(299 * math.log10(factor))
        assert scalars(found)["bound_violations"] == 0


def test_a_dead_network_has_no_logarithm_but_keeps_the_bound():
    task = a_task(length=50)
    model = a_model("elman", task, nonlinearity="relu")
    model.architecture.b_H.data.fill_(-100)
    found = probe(model, task)
    assert all(math.isnan(v) for k, v in curve(found, "jacobian_log10_largest").items() if k > 0)
    assert math.isnan(scalars(found)["jacobian_slope"])
    assert scalars(found)["bound_violations"] == 0
    assert scalars(found)["transient_gain"] == pytest.approx(0, abs=1e-300)


def test_an_architecture_without_a_step_has_no_jacobian_product():
    task = a_task(length=12)
    assert {n for n in ARCHITECTURES if probe(a_model(n, task), task) == []} == set(ARCHITECTURES) - set(
        RECURRENT
    )


@pytest.mark.parametrize("wrong", [{"sequences": 0}, {"slope_from": 100}])
def test_impossible_options_are_refused_while_planning(wrong):
    with pytest.raises(ValueError, match=r"jacobian_spectrum: .* must be 1 or more.*correct the options"):
        catalog.options("probes", "jacobian_spectrum")(**wrong)


def test_a_network_that_explodes_gives_rows_without_a_number_and_no_crash():
    task = a_task(length=100)
    model = a_model("coupled_oscillatory", task, step_size=100.0)
    found = measure(model, task, Options(), torch.Generator().manual_seed(0))
    largest = {one.lag: one.value for one in found if one.metric == "jacobian_log10_largest"}
    assert largest[0] == 0
    assert math.isnan(largest[99])
