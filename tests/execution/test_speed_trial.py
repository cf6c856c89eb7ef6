"""How fast this machine is, measured on networks small enough for a test."""

import importlib.util
import os

import pytest

from rnnlimits.execution import speed_trial
from rnnlimits.execution.speed_trial import Trial

TINY = {
    "compiled": [("elman", 2, 5), ("elman", 16, 30)],
    "linear": [("minimal_gru", 16, 30)],
    "window": [("temporal_convolution", 2, 5), ("temporal_convolution", 16, 30)],
    "plain": [("elman", 8, 10)],
}


def made_up(fixed: float, growth: float, size: float) -> Trial:
    """A network of this size on a machine with these factors, where a validation takes its estimate twice."""
    return Trial(
        update=fixed * 2e-3 + growth * size, validation=2 * growth * 3 * size, fixed_estimate=2e-3,
        estimate=size, validation_estimate=3 * size,
    )  # fmt: skip


@pytest.mark.parametrize(("fixed", "growth"), [(1.0, 1.0), (3.0, 0.5), (0.5, 3.0)])
def test_the_factors_of_a_machine_are_found_again(fixed, growth):
    trials = [made_up(fixed, growth, size) for size in (3e-5, 1e-2, 2e-2)]
    assert speed_trial.fixed_and_growth(trials) == pytest.approx((fixed, growth), rel=1e-3)
    assert speed_trial.evaluation(trials[1:], growth) == pytest.approx(2.0)


def test_a_machine_is_measured_and_left_as_it_was(monkeypatch):
    pytest.importorskip("lightning")
    monkeypatch.setattr(speed_trial, "NETWORKS", TINY)
    monkeypatch.setattr(speed_trial, "UPDATES", 13)
    monkeypatch.setattr(speed_trial, "STARTS", 1)
    monkeypatch.setenv("RNNLIMITS_BACKEND", "torch")
    with speed_trial.without_compiled_loops():
        assert os.environ["RNNLIMITS_BACKEND"] == "torch"
    assert os.environ["RNNLIMITS_BACKEND"] == "torch"
    monkeypatch.delenv("RNNLIMITS_BACKEND")
    found = vars(speed_trial.measured())
    assert "RNNLIMITS_BACKEND" not in os.environ
    assert all(0 < factor < 100 for factor in found.values()), found


def test_a_longer_network_takes_longer_and_so_does_its_validation():
    pytest.importorskip("lightning")
    short, long = (
        speed_trial.trial(speed_trial.network("elman", 32, steps), "compiled") for steps in (5, 200)
    )
    assert long.update > short.update
    assert long.validation > short.validation
    assert long.estimate == pytest.approx(40 * short.estimate)


def test_a_machine_that_cannot_train_is_told_in_a_line(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    with pytest.raises(ValueError, match=r"^--calibrate: nothing can be trained without torch; install "):
        speed_trial.measured()
