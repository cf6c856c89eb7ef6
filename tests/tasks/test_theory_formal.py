"""Parity and counting: what no memory reaches, what a rule reaches, and longer strings than in training."""

import math

import pytest
import torch

from rnnlimits.tasks.base import generator
from rnnlimits.tasks.counting import Counting
from rnnlimits.tasks.counting import Options as CountingOptions
from rnnlimits.tasks.parity import Options as ParityOptions
from rnnlimits.tasks.parity import Parity
from support.task_answers import CERTAIN, certain, draw, mean_scores, uniform, within_error


def string_lengths(batch) -> torch.Tensor:
    return batch.x.sum(2).sum(1).long()


def test_parity_without_memory_is_right_half_of_the_time():
    task = Parity(20, ParityOptions())
    batch = draw(task, 20_000)
    even = mean_scores(task, torch.zeros(20_000, 20, 2), batch)
    assert even["loss"] == pytest.approx(task.chance["loss"])
    for answer_BT in (torch.zeros(20_000, 20, dtype=torch.long), batch.x.argmax(2)):  # even; the last bit
        accuracy = mean_scores(task, certain(answer_BT, 2), batch)["accuracy"]
        assert within_error(accuracy, task.chance["accuracy"], 20_000)


def test_parity_of_a_single_bit_is_no_test_of_memory():
    assert "shortest (1) must be 2 or more" in ParityOptions(shortest=1).problem(10)
    assert "longest (11) length + 2 or more" in ParityOptions(longest=11).problem(10)
    assert ParityOptions(longest=12).problem(10) is None


def test_parity_is_solved_by_counting_ones():
    task = Parity(20, ParityOptions())
    batch = draw(task, 200)
    scores = mean_scores(task, certain(batch.x[:, :, 1].cumsum(1).long() % 2, 2), batch)
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "accuracy": 1.0}
    assert task.solved(scores)
    assert not task.solved(task.chance)


def test_parity_asks_once_after_the_last_bit_of_strings_of_all_lengths():
    batch = draw(Parity(9, ParityOptions()), 20_000)
    assert (batch.mask_BT.sum(1) == 1).all()
    assert torch.equal(batch.mask_BT.argmax(1), string_lengths(batch) - 1)
    assert uniform(string_lengths(batch), 3, 10)
    assert uniform(batch.x[:, :3].argmax(2), 0, 2)


def test_parity_is_judged_by_longer_strings_than_it_was_trained_on():
    task = Parity(9, ParityOptions(longest=30))
    assert string_lengths(task.sample(1_000, generator(0, "data"))).max() == 9
    for split, low, high in (("validation", 10, 15), ("test", 15, 31)):
        (batch,) = task.evaluation(split, 250, generator(0, split))
        assert batch.x.shape[0] == 250
        assert batch.x.shape[1] <= task.options.steps(9)
        assert uniform(string_lengths(batch), low, high)


# --- counting


def draw_to_judge(task, sequences):
    return task.evaluation_sample("test", sequences, generator(0, "test"))


def after_each_b(batch, p: float) -> torch.Tensor:
    """Certain after S and a; after a b, T with the odds p and b with the odds 1 - p."""
    output_NTO = torch.full(batch.target.shape, -CERTAIN)
    start_BT, a_BT, b_BT = batch.x.bool().unbind(2)
    output_NTO[..., 0][start_BT | a_BT] = CERTAIN
    output_NTO[..., 1][a_BT] = CERTAIN
    output_NTO[..., 1][b_BT] = math.log((1 - p) / p)
    output_NTO[..., 2][b_BT] = math.log(p / (1 - p))
    return output_NTO


@pytest.mark.parametrize("options", [CountingOptions(), CountingOptions(longest=61)])
def test_counting_without_memory_reaches_the_stated_loss_and_no_less(options):
    task = Counting(21, options)
    batch = draw_to_judge(task, 10_000)
    loss = [mean_scores(task, after_each_b(batch, p), batch)["loss"] for p in (0.02, 0.03, 0.1, 0.3)]
    ends = sum(1 / (2 * n + 1) for n in task.judged("test"))
    best = ends / (ends + sum((n - 1) / (2 * n + 1) for n in task.judged("test")))
    assert mean_scores(task, after_each_b(batch, best), batch)["loss"] == pytest.approx(
        task.chance["loss"], rel=0.02
    )
    assert task.chance["loss"] < min(loss)


def test_counting_without_memory_accepts_one_n_only_which_is_not_in_test():
    task = Counting(21, CountingOptions())
    trained, judged = draw(task, 20_000), draw_to_judge(task, 1_000)
    accepted = mean_scores(task, after_each_b(trained, 0.9), trained)["accepted"]
    assert within_error(accepted, 1 / 10, 20_000)
    assert mean_scores(task, after_each_b(trained, 0.1), trained)["accepted"] == 0
    for p in (0.1, 0.9):
        assert mean_scores(task, after_each_b(judged, p), judged)["accepted"] == task.chance["accepted"]


def test_counting_is_solved_by_a_counter():
    task = Counting(21, CountingOptions(longest=61))
    batch = draw_to_judge(task, 300)
    left_NT = (batch.x[..., 1] - batch.x[..., 2]).cumsum(1)
    output_NTO = after_each_b(batch, 1e-9)
    at_zero_NT = (left_NT == 0) & (batch.x[..., 2] > 0)
    output_NTO[at_zero_NT] = torch.tensor([-CERTAIN, -CERTAIN, CERTAIN])
    scores = mean_scores(task, output_NTO, batch)
    assert scores["accepted"] == 1
    assert task.solved(scores)
    assert not task.solved(task.chance)
    output_NTO[0, 0, 0] = -CERTAIN  # one symbol of one string
    assert mean_scores(task, output_NTO, batch)["accepted"] == pytest.approx(299 / 300)


@pytest.mark.parametrize("length", [20, 21])
def test_counting_trains_on_all_short_strings_and_is_judged_by_longer_ones(length):
    task = Counting(length, CountingOptions(longest=31))
    most = (length - 1) // 2
    trained, judged = task.sample(20_000, generator(0, "data")), draw_to_judge(task, 20_000)
    chosen_by = task.evaluation_sample("validation", 20_000, generator(0, "validation"))
    assert uniform((string_lengths(trained) - 1) // 2, 1, most + 1)
    chosen_by_n, judged_n = ((string_lengths(batch) - 1) // 2 for batch in (chosen_by, judged))
    assert set(chosen_by_n.tolist()) | set(judged_n.tolist()) == set(range(most + 1, 16))
    assert uniform((14 - chosen_by_n) // 2, 0, (15 - most) // 2)
    assert uniform((15 - judged_n) // 2, 0, (16 - most) // 2)
    for batch in (trained, chosen_by, judged):
        assert torch.equal(batch.mask_BT.sum(1).long(), string_lengths(batch))
        assert (batch.x[..., 1].sum(1) == batch.x[..., 2].sum(1)).all()
        assert (batch.target[..., 2].sum(1) == 1).all()
    assert "must be length + 4 or more" in CountingOptions(longest=23).problem(20)
    assert CountingOptions(longest=24).problem(20) is None


@pytest.mark.parametrize("length", [5, 6, 7, 20, 81])
@pytest.mark.parametrize("beyond", [None, 4, 5, 80])
def test_counting_has_a_string_for_every_split_at_every_length(length, beyond):
    options = CountingOptions(longest=beyond and length + beyond)
    task = Counting(length, options)
    trained, most = (length - 1) // 2, (options.steps(length) - 1) // 2
    validation, test = task.judged("validation"), task.judged("test")
    assert sorted([*validation, *test]) == list(range(trained + 1, most + 1))
    assert validation
    assert max(test) == most
    if beyond is None:
        assert most == 2 * trained
