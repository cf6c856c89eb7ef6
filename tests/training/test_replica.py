"""When a replica stops, and what is kept of it: by hand, without a training."""

import math

import pytest
import torch

from rnnlimits.planning.config.budget import Budget
from rnnlimits.rows.selection import Rule
from rnnlimits.training.replica import Replica, Validation


def judged(
    scores, *, losses=None, by="score", higher_is_better=False, solved_below=-math.inf, chance=None, **budget
):
    """A replica after validations with these scores, one every ten updates; and the answers."""
    replica = Replica(seed=0, learning_rate=0.1)
    rule = Rule(by=by, higher_is_better=higher_is_better, chance={} if chance is None else {"loss": chance})
    answers = [
        replica.judge(
            Validation(
                update=10 * k, score=score, loss=loss, solved=score < solved_below, theta_P=torch.tensor([k])
            ),
            rule,
            Budget(updates=1000, **budget),
        )
        for k, (score, loss) in enumerate(zip(scores, losses or [1.0] * len(scores), strict=True))
    ]  # fmt: skip
    return replica, answers


@pytest.mark.parametrize(("higher_is_better", "best"), [(False, (20, 0.1, [2.0])), (True, (10, 0.9, [1.0]))])
def test_the_weights_of_the_best_validation_are_kept(higher_is_better, best):
    replica, answers = judged([0.5, 0.9, 0.1, 0.5], higher_is_better=higher_is_better)
    assert answers == [None] * 4
    assert (replica.best_update, replica.best_value, replica.best_theta_P.tolist()) == best


def test_of_two_equal_validations_the_first_is_kept():
    replica, _ = judged([0.5, 0.5])
    assert replica.best_update == 0
    assert replica.validations_without_improvement == 1


def test_a_task_that_chooses_by_the_loss_keeps_weights_whose_score_has_fallen():
    """As recall does while a network learns that most answers are blank."""
    scores, losses = [0.12, 0.0, 0.0, 0.0], [2.3, 0.4, 0.3, 0.35]
    by_loss, _ = judged(scores, losses=losses, by="loss", higher_is_better=True)
    assert (by_loss.best_update, by_loss.best_value, by_loss.best_loss) == (20, 0.0, 0.3)
    by_score, _ = judged(scores, losses=losses, by="score", higher_is_better=True)
    assert by_score.best_update == 0


def test_of_two_equal_scores_the_one_with_the_smaller_loss_is_kept_and_is_an_improvement():
    replica, answers = judged([0.5, 0.5, 0.5], losses=[1.0, 0.9, 0.8], patience=1)
    assert replica.best_update == 20
    assert answers == [None] * 3


def test_weights_that_solve_the_task_come_before_others_with_a_smaller_loss():
    replica, _ = judged([0.02, 0.005, 0.02], losses=[0.5, 0.4, 0.3], by="loss", solved_below=0.01)
    assert replica.best_update == 10


def test_solved_needs_two_validations_in_a_row():
    replica, answers = judged([0.009, 0.02, 0.008, 0.007], solved_below=0.01)
    assert answers == [None, None, None, "solved"]
    assert replica.updates_to_solve == 20


def test_patience_counts_validations_without_improvement_and_begins_anew_with_each():
    scores = [0.5, 0.6, 0.4, 0.6, 0.6]
    assert judged(scores, patience=2)[1] == [None, None, None, None, "early_stopped"]
    assert judged(scores)[1] == [None] * 5


def test_patience_does_not_count_before_the_loss_has_left_the_level_of_guessing():
    plateau = [0.26, 0.25, 0.25, 0.25, 0.2499, 0.25, 0.25]  # guessing loses 0.25
    assert judged(plateau, losses=plateau, chance=0.25, patience=2)[1] == [None] * 7
    learns = [0.26, 0.25, 0.25, 0.25, 0.20, 0.21, 0.21]
    assert judged(learns, losses=learns, chance=0.25, patience=2)[1] == [*[None] * 6, "early_stopped"]


def test_patience_counts_from_a_declared_update_even_at_the_level_of_guessing():
    plateau = [0.25] * 6
    answers = judged(plateau, losses=plateau, chance=0.25, patience=2, patience_from=20)[1]
    assert answers == [None] * 4 + ["early_stopped"] * 2


def test_a_loss_that_is_no_finite_number_is_a_divergence_where_the_score_is_one():
    replica, answers = judged([0.5, 0.5], losses=[1.0, math.nan], by="loss")
    assert answers == [None, "diverged"]
    assert replica.best_loss == 1.0


def test_a_replica_that_diverges_at_its_start_has_weights_that_can_be_probed():
    replica, answers = judged([math.inf])
    assert answers == ["diverged"]
    assert replica.best is None
    assert replica.best_theta_P.tolist() == [0.0]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_finite_number_is_a_divergence_and_no_best_one(score):
    replica, answers = judged([0.5, score])
    assert answers == [None, "diverged"]
    assert (replica.best_update, replica.best_value) == (0, 0.5)


def test_the_rate_is_halved_where_the_loss_has_not_fallen_and_the_count_begins_anew():
    replica, halvings = Replica(0, 0.1), []
    for loss in (1.0, 1.0, 2.0, 0.5, 0.5, 0.6, 0.7, 0.8):
        replica.watch_the_plateau(loss, plateau=2)
        halvings.append(replica.halvings)
    assert halvings == [0, 0, 1, 1, 1, 2, 2, 3]


def test_half_trained_weights_are_kept_once_and_of_a_diverged_replica_the_best_ones():
    replica, _ = judged([0.5, 0.4])
    replica.keep_mid_training(20, torch.tensor([7.0]))
    replica.keep_mid_training(30, torch.tensor([8.0]))
    assert (replica.mid_training_update, replica.mid_training_theta_P.tolist()) == (20, [7.0])

    lost, _ = judged([0.5, 0.4])
    lost.status = "diverged"
    lost.keep_mid_training(20, torch.tensor([math.nan]))
    assert (lost.mid_training_update, lost.mid_training_theta_P.tolist()) == (10, [1.0])


def test_what_training_read_is_summed_up_once():
    replica = Replica(0, 0.1, norms=[1.0, 2.0, 9.0], losses=[3.0, 6.0, 3.0])
    summary = replica.training_summary()
    assert summary["loss"] == 4
    assert (summary["gradient_norm_median"], summary["gradient_norm_max"]) == (2, 9)
    assert replica.training_summary() == {}
