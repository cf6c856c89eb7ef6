"""Which learning rate validation chooses: most seeds solved, then the fewest updates, then the mean."""

import itertools

import pytest

from rnnlimits.rows.selection import Ended, Rule, Validated, best_learning_rate

LOST = Ended(best=None)
BY_LOSS = Rule(by="loss", higher_is_better=True, chance={"loss": 1.0, "score": 0.25})
BY_SCORE = Rule(by="score", higher_is_better=True, chance={"loss": 1.0, "score": 0.25})


def seed(*, loss: float = 0.5, score: float = 0.5, updates: int | None = None) -> Ended:
    best = Validated(score=score, loss=loss, solved=updates is not None)
    return Ended(best=best, updates_to_solve=updates)


def test_one_diverged_seed_at_every_rate_does_not_hide_which_rate_is_best():
    """Each rate loses one seed, as the irnn does over long sequences: the others decide."""
    rates = {
        1e-4: [seed(loss=0.9), seed(loss=0.9), LOST],
        1e-3: [seed(loss=0.3), seed(loss=0.3), LOST],
        1e-2: [seed(loss=0.8), seed(loss=0.8), LOST],
    }
    assert best_learning_rate(rates, BY_LOSS) == 1e-3


def test_a_diverged_seed_counts_as_one_that_only_guesses():
    guesses = {1e-3: [seed(loss=1.0), seed(loss=1.0)], 1e-2: [seed(loss=0.1), LOST]}
    assert best_learning_rate(guesses, BY_LOSS) == 1e-2
    near = {1e-3: [seed(loss=0.4), seed(loss=0.4)], 1e-2: [seed(loss=0.1), LOST]}
    assert best_learning_rate(near, BY_LOSS) == 1e-3


def test_a_diverged_seed_is_never_better_than_the_worst_that_did_not():
    rates = {1e-3: [seed(loss=3.0), seed(loss=3.0)], 1e-2: [seed(loss=3.1), LOST]}
    assert best_learning_rate(rates, BY_LOSS) == 1e-3
    unknown = Rule(by="loss", higher_is_better=True)
    assert best_learning_rate(rates, unknown) == 1e-3


@pytest.mark.parametrize("rule", [BY_LOSS, BY_SCORE, Rule(by="score", higher_is_better=False)])
def test_where_every_seed_diverged_the_smallest_rate_is_taken(rule):
    assert best_learning_rate({1e-2: [LOST], 1e-3: [LOST]}, rule) == 1e-3


def test_a_rate_that_solves_more_seeds_beats_one_with_the_better_mean():
    rates = {1e-3: [seed(loss=0.01)] * 3, 1e-2: [seed(updates=100), seed(loss=2.0), LOST]}
    assert best_learning_rate(rates, BY_LOSS) == 1e-2


def test_among_rates_that_all_seeds_solve_the_fewest_updates_win():
    rates = {
        1e-3: [seed(loss=0.001, updates=500), seed(loss=0.001, updates=700)],
        1e-2: [seed(loss=0.009, updates=400), seed(loss=0.009, updates=600)],
    }
    assert best_learning_rate(rates, BY_LOSS) == 1e-2


def test_fewer_updates_do_not_win_where_a_seed_is_left_unsolved():
    rates = {1e-3: [seed(updates=500), seed(loss=0.1)], 1e-2: [seed(updates=400), seed(loss=0.9)]}
    assert best_learning_rate(rates, BY_LOSS) == 1e-3


def test_equal_scores_are_told_apart_by_the_loss_and_equal_losses_by_the_score():
    flat = {1e-3: [seed(score=0.0, loss=0.9)], 1e-2: [seed(score=0.0, loss=0.4)]}
    assert best_learning_rate(flat, BY_SCORE) == 1e-2
    equal = {1e-3: [seed(score=0.3)], 1e-2: [seed(score=0.4)]}
    assert best_learning_rate(equal, BY_LOSS) == 1e-2
    assert best_learning_rate({1e-2: [seed()], 1e-3: [seed()]}, BY_LOSS) == 1e-3


def test_the_order_in_which_rates_and_seeds_are_given_changes_nothing():
    rates = {1e-3: [seed(loss=0.3), LOST], 3e-3: [seed(loss=0.25), seed(loss=1.2)], 1e-2: [LOST, LOST]}
    orders = [
        best_learning_rate({rate: rates[rate][::way] for rate in order}, BY_LOSS)
        for order in itertools.permutations(rates)
        for way in (1, -1)
    ]
    assert set(orders) == {3e-3}
