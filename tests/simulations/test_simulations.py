"""The simulations against hand-made networks and closed forms, and the same numbers from the same seed."""

import math

import numpy as np
import pytest

from rnnlimits import catalog
from rnnlimits.simulations import curse_of_memory, random_guessing
from rnnlimits.simulations.base import Measurement


def values(measurements: list[Measurement]) -> dict[str, float]:
    return {measured.metric: measured.value for measured in measurements}


@pytest.mark.parametrize("name", catalog.names("simulations"))
def test_a_simulation_repeats_itself_and_differs_between_seeds(name):
    page = catalog.module("simulations", name)
    options = catalog.options("simulations", name)()
    one, again, other = (page.simulate(options, seed) for seed in (0, 0, 1))
    assert one == again
    assert values(one) != values(other)
    assert all(math.isfinite(measured.value) and measured.unit for measured in one + other)


def network(recurrent_weight: float) -> dict[str, np.ndarray]:
    """One unit that the signal switches and, if it feeds back on itself strongly, noise does not."""
    return {
        "w_GH": np.array([[10.0]]),
        "U_GHH": np.array([[[recurrent_weight]]]),
        "b_GH": np.zeros((1, 1)),
        "v_GH": np.array([[50.0]]),
        "c_G": np.zeros(1),
    }


def test_a_latch_made_by_hand_solves_the_two_sequence_problem_and_a_unit_without_feedback_does_not():
    options = random_guessing.Options()
    sequences = random_guessing.draw_sequences(2560, options, np.random.default_rng(0))
    # Noise of 10 * N(0, 0.2) would have to reach 50 to flip the latch: more than 11 standard deviations.
    assert not random_guessing.wrong_answers(network(50.0), sequences).any()
    assert 0.4 < random_guessing.wrong_answers(network(0.0), sequences).mean() < 0.7


def test_the_sequences_are_those_of_experiment_3a():
    options = random_guessing.Options(length=100, signal_steps=3)
    drawn = random_guessing.draw_sequences(20_000, options, np.random.default_rng(0))
    assert set(drawn.length_S) == set(range(100, 111))
    assert abs(drawn.target_S.mean() - 0.5) < 4 * 0.5 / math.sqrt(20_000)
    np.testing.assert_array_equal(drawn.x_ST[:, :3], np.repeat(2 * drawn.target_S[:, None] - 1, 3, axis=1))
    assert abs(drawn.x_ST[:, 3:].var() - 0.2) < 0.002


def test_what_comes_after_the_end_of_a_sequence_changes_no_answer():
    options = random_guessing.Options(length=20)
    rng = np.random.default_rng(0)
    drawn, weights = random_guessing.draw_sequences(50, options, rng), random_guessing.guess(30, options, rng)
    after = np.arange(drawn.x_ST.shape[1]) >= drawn.length_S[:, None]
    changed = random_guessing.Sequences(np.where(after, 1e3, drawn.x_ST), drawn.length_S, drawn.target_S)
    np.testing.assert_array_equal(
        random_guessing.wrong_answers(weights, drawn), random_guessing.wrong_answers(weights, changed)
    )


def test_guesses_are_uniform_and_side_by_side_they_do_not_see_each_other():
    options = random_guessing.Options(length=20, hidden=3, weights_up_to=2.0)
    rng = np.random.default_rng(0)
    weights = random_guessing.guess(1000, options, rng)
    assert {name: value.shape[1:] for name, value in weights.items()} == {
        "w_GH": (3,),
        "U_GHH": (3, 3),
        "b_GH": (3,),
        "v_GH": (3,),
        "c_G": (),
    }
    drawn = np.concatenate([value.ravel() for value in weights.values()])
    assert -2 <= drawn.min() < -1.99 < 1.99 < drawn.max() <= 2
    sequences = random_guessing.draw_sequences(16, options, rng)
    alone = random_guessing.wrong_answers({name: value[[7]] for name, value in weights.items()}, sequences)
    np.testing.assert_array_equal(alone[0], random_guessing.wrong_answers(weights, sequences)[7])


def test_the_count_of_sequences_lies_between_one_and_sixteen_a_guess_plus_failed_tests():
    for seed in range(5):
        found = values(random_guessing.simulate(random_guessing.Options(), seed))
        failed_tests, shown = divmod(found["sequences_to_solve"], random_guessing.TEST_SEQUENCES)
        assert found["solved"] == 1
        assert failed_tests * random_guessing.TEST_SEQUENCES + shown >= found["guesses_to_solve"]
        assert shown <= 16 * found["guesses_to_solve"]


def test_a_search_without_success_ends_at_its_bound_and_says_so():
    hopeless = random_guessing.Options(weights_up_to=1e-3, most_guesses=250)  # all answers stay near one half
    found = values(random_guessing.simulate(hopeless, seed=0))
    assert found == {"sequences_to_solve": 250.0, "guesses_to_solve": 250.0, "solved": 0.0}


def test_guessing_refuses_a_signal_without_noise_after_it():
    with pytest.raises(ValueError, match=r"random_guessing: got signal_steps=3, length=3; .* length - 1"):
        random_guessing.Options(length=3)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.99])
def test_the_closed_forms_are_the_sums_over_the_impulse_response(decay):
    """h = sum_k g(k) x_k, so E[(dh/dp)^2] = sum_k (dg/dp)^2, here by central differences."""

    def plain(decay: float) -> np.ndarray:
        return decay ** np.arange(6000)

    def normalised(nu: float) -> np.ndarray:
        decay = math.exp(-math.exp(nu))
        return math.sqrt(1 - decay**2) * plain(decay)

    def sum_of_squares(response, at: float, by: float = 1e-6) -> float:
        return float((((response(at + by) - response(at - by)) / (2 * by)) ** 2).sum())

    nu = math.log(-math.log(decay))
    assert sum_of_squares(plain, decay) == pytest.approx(curse_of_memory.theory(decay), rel=1e-4)
    assert sum_of_squares(normalised, nu) == pytest.approx(curse_of_memory.normalised_theory(decay), rel=1e-4)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.99])
def test_the_measured_variances_agree_with_theory(decay):
    found = values(curse_of_memory.simulate(curse_of_memory.Options(decay=decay), seed=3))
    four_errors = 4 * math.sqrt(2 / 4000)  # the mean of 4,000 squared Gaussians
    assert abs(found["variance_over_theory"] - 1) < four_errors
    assert abs(found["normalised_variance_over_theory"] - 1) < four_errors


def test_the_curse_is_there_without_the_remedy_and_gone_with_it():
    found = values(curse_of_memory.simulate(curse_of_memory.Options(decay=0.99), seed=0))
    assert found["variance_ratio"] > 10_000
    assert found["normalised_variance_ratio"] < 2
    assert found["flattening"] == pytest.approx(found["variance_ratio"] / found["normalised_variance_ratio"])


@pytest.mark.parametrize("decay", [0.0, 1.0, 1.2])
def test_an_unstable_decay_is_refused(decay):
    with pytest.raises(ValueError, match=r"got decay=.*; expected 0\.001 to 0\.99999: a stable"):
        curse_of_memory.Options(decay=decay)
