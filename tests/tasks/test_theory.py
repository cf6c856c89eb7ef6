"""Without memory a task yields its stated chance level; a rule with memory, by hand, solves it."""

import math

import pytest
import torch
from scipy import stats
from torch.nn import functional

from rnnlimits.tasks.adding import Adding
from rnnlimits.tasks.adding import Options as AddingOptions
from rnnlimits.tasks.copy_memory import CopyMemory
from rnnlimits.tasks.copy_memory import Options as CopyOptions
from rnnlimits.tasks.temporal_order import Options as OrderOptions
from rnnlimits.tasks.temporal_order import TemporalOrder
from rnnlimits.tasks.two_sequence import Options as TwoOptions
from rnnlimits.tasks.two_sequence import TwoSequence
from support.task_answers import CERTAIN, UNLIKELY, draw, mean_scores, uniform, within_error

# --- adding


def test_adding_the_best_constant_answer_reaches_one_sixth():
    task = Adding(20, AddingOptions())
    batch, ones_NTO = draw(task, 200_000), torch.ones(200_000, 1, 1)
    error = {answer: mean_scores(task, answer * ones_NTO, batch) for answer in (0.9, 1.0, 1.1)}
    chance = task.chance["mean_squared_error"]
    # Var[(u + v - 1)^2] = E[(u + v - 1)^4] - 1/36 = 1/15 - 1/36
    standard_error = math.sqrt((1 / 15 - 1 / 36) / 200_000)
    assert abs(error[1.0]["mean_squared_error"] - chance) < 4 * standard_error
    assert error[1.0]["loss"] == error[1.0]["mean_squared_error"]
    assert min(error, key=lambda answer: error[answer]["loss"]) == 1.0
    assert abs(0.1767 - error[1.0]["mean_squared_error"]) > 20 * standard_error  # as some papers print


def test_adding_is_solved_by_summing_what_is_marked():
    task = Adding(21, AddingOptions())
    batch = draw(task, 100)
    scores = mean_scores(task, (batch.x[:, :, 0] * batch.x[:, :, 1]).sum(1).view(-1, 1, 1), batch)
    assert scores["mean_squared_error"] < 1e-12
    assert task.solved(scores)
    assert not task.solved(task.chance)


@pytest.mark.parametrize("length", [2, 3, 10, 11])
def test_adding_marks_one_number_in_each_half_anywhere_with_equal_odds(length):
    batch = draw(Adding(length, AddingOptions()), 20_000)
    number_BT, marker_BT = batch.x.unbind(2)
    assert set(marker_BT.unique().tolist()) <= {0.0, 1.0}
    assert (marker_BT.sum(1) == 2).all()
    first_B, second_B = marker_BT.nonzero()[:, 1].view(-1, 2).unbind(1)
    assert uniform(first_B, 0, length // 2)
    assert uniform(second_B, length // 2, length)
    assert stats.kstest(number_BT.flatten()[:20_000].numpy(), "uniform").pvalue > UNLIKELY


# --- copy memory


def test_copying_looks_like_the_example_of_the_page_row_by_row():
    task = CopyMemory(4, CopyOptions(symbols=3))
    token_BT, target_BT = task.lay_out(torch.tensor([[5, 2, 7], [1, 8, 8]]))
    assert token_BT.tolist() == [[5, 2, 7, 0, 0, 0, 9, 0, 0, 0], [1, 8, 8, 0, 0, 0, 9, 0, 0, 0]]
    assert target_BT.tolist() == [[0, 0, 0, 0, 0, 0, 0, 5, 2, 7], [0, 0, 0, 0, 0, 0, 0, 1, 8, 8]]


@pytest.mark.parametrize("length", [1, 30])
def test_copying_has_ten_symbols_the_delay_one_marker_and_ten_blanks(length):
    task = CopyMemory(length, CopyOptions())
    batch = draw(task, 5_000)
    assert batch.x.shape == (5_000, length + 20, 10)
    assert (batch.x.sum(2) == 1).all()
    token_BT = batch.x.argmax(2)
    assert uniform(token_BT[:, :10], 1, 9)
    assert (token_BT[:, 10 : 10 + length - 1] == 0).all()
    assert (token_BT[:, 10 + length - 1] == 9).all()
    assert (token_BT[:, -10:] == 0).all()
    assert torch.equal(batch.target[:, -10:], token_BT[:, :10])
    assert (batch.target[:, :-10] == 0).all()


@pytest.mark.parametrize(("length", "loss"), [(30, 0.4159), (100, 0.1733), (1000, 0.0204)])
def test_copying_without_memory_has_the_published_loss(length, loss):
    assert CopyMemory(length, CopyOptions()).chance["loss"] == pytest.approx(loss, abs=5e-5)


def test_copying_without_memory_reaches_chance_and_no_more():
    task = CopyMemory(30, CopyOptions())
    batch = draw(task, 5_000)
    output_NTO = torch.zeros(5_000, 50, 9)
    output_NTO[:, :40, 0] = CERTAIN  # blank while waiting
    output_NTO[:, 40:, 0] = -CERTAIN  # and any symbol, with equal odds, when asked
    scores = mean_scores(task, output_NTO, batch)
    assert scores["loss"] == pytest.approx(task.chance["loss"], rel=1e-6)
    assert within_error(scores["recall_accuracy"], task.chance["recall_accuracy"], 50_000)
    assert not task.solved(scores)


def test_copying_is_solved_by_repeating_the_first_ten_symbols():
    task = CopyMemory(30, CopyOptions())
    batch = draw(task, 100)
    answer_BT = torch.cat([torch.zeros(100, 40, dtype=torch.long), batch.x[:, :10].argmax(2)], 1)
    scores = mean_scores(task, CERTAIN * functional.one_hot(answer_BT, 9).float(), batch)
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "recall_accuracy": 1.0}
    assert task.solved(scores)


def test_copying_refuses_an_alphabet_of_one():
    assert "alphabet (1) 2 or more" in CopyOptions(alphabet=1).problem(10)


# --- temporal order


def test_order_without_memory_is_right_one_time_in_four():
    task = TemporalOrder(20, OrderOptions())
    batch = draw(task, 20_000)
    scores = mean_scores(task, torch.zeros(20_000, 1, 4), batch)
    assert scores["loss"] == pytest.approx(math.log(4))
    assert within_error(scores["accuracy"], task.chance["accuracy"], 20_000)
    assert uniform(batch.target, 0, 4)


def test_order_is_solved_by_looking_at_the_two_signals():
    task = TemporalOrder(37, OrderOptions())
    batch = draw(task, 200)
    signal_BT2 = batch.x[:, :, :2]
    place_B2 = signal_BT2.sum(2).nonzero()[:, 1].view(-1, 2)
    is_b_B2 = signal_BT2[:, :, 1].gather(1, place_B2).long()
    class_B1 = 2 * is_b_B2[:, :1] + is_b_B2[:, 1:]
    scores = mean_scores(task, CERTAIN * functional.one_hot(class_B1, 4).float(), batch)
    assert scores["accuracy"] == 1
    assert task.solved(scores)
    assert not task.solved({"accuracy": 0.98})


@pytest.mark.parametrize("length", [10, 19, 100])
def test_order_puts_its_signals_where_pascanu_does(length):
    token_BT = draw(TemporalOrder(length, OrderOptions()), 10_000).x.argmax(2)
    first_B, second_B = (token_BT < 2).nonzero()[:, 1].view(-1, 2).unbind(1)
    assert uniform(first_B, length // 10, 2 * length // 10)
    assert uniform(second_B, 5 * length // 10, 6 * length // 10)
    assert uniform(token_BT[token_BT >= 2], 2, 6)


def test_order_refuses_a_length_without_a_step_in_each_tenth():
    with pytest.raises(ValueError, match=r"temporal_order: length 9 is impossible: .* at least 10 steps"):
        TemporalOrder(9, OrderOptions())


# --- two sequences


def test_two_sequences_without_memory():
    task = TwoSequence(20, TwoOptions())
    batch = draw(task, 20_000)
    always_one, half = (mean_scores(task, torch.full((20_000, 1, 1), answer), batch) for answer in (1.0, 0.5))
    assert within_error(always_one["accuracy"], task.chance["accuracy"], 20_000)
    assert half == {"loss": task.chance["loss"], "accuracy": 0.0}


def test_two_sequences_are_solved_by_remembering_the_first_element():
    task = TwoSequence(20, TwoOptions())
    batch = draw(task, 200)
    scores = mean_scores(task, (batch.x[:, :1] + 1) / 2, batch)
    assert scores == {"loss": 0.0, "accuracy": 1.0}
    assert task.solved(scores)


def test_two_sequences_carry_the_class_first_and_noise_of_variance_a_fifth_after():
    batch = draw(TwoSequence(20, TwoOptions(signal_steps=4)), 5_000)
    assert torch.equal(batch.x[:, :4, 0], (2 * batch.target - 1).expand(-1, 4))
    noise = batch.x[:, 4:].flatten()[:20_000].numpy() / math.sqrt(0.2)
    assert stats.kstest(noise, "norm").pvalue > UNLIKELY


def test_two_sequences_need_a_step_after_the_signal():
    with pytest.raises(ValueError, match="signal_steps is 3; it must be 1 to length - 1"):
        TwoSequence(3, TwoOptions())
