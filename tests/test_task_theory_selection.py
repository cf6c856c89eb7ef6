"""What is read decides what to keep: chance by simulation, the layout, and a rule that solves each task."""

import math

import pytest
import torch
from scipy import stats
from task_answers import CERTAIN, UNLIKELY, certain, draw, mean_scores, uniform, within_error

from rnnlimits.tasks.associative_recall import AssociativeRecall
from rnnlimits.tasks.associative_recall import Options as RecallOptions
from rnnlimits.tasks.selective_copy import Options as SelectiveOptions
from rnnlimits.tasks.selective_copy import SelectiveCopy

# --- selective copy


def test_selective_copy_without_memory_is_right_one_time_in_fourteen():
    task = SelectiveCopy(20, SelectiveOptions())
    batch = draw(task, 5_000)
    output_NTO = torch.full((5_000, 52, 16), -CERTAIN)
    output_NTO[:, :, 1:15] = 0.0
    scores = mean_scores(task, output_NTO, batch)
    assert scores["loss"] == pytest.approx(math.log(14), rel=1e-6)
    assert scores["loss"] == pytest.approx(task.chance["loss"], rel=1e-6)
    assert within_error(scores["recall_accuracy"], task.chance["recall_accuracy"], 80_000)
    assert not task.solved(scores)


def test_selective_copy_scatters_symbols_anywhere_and_asks_at_the_end():
    task = SelectiveCopy(20, SelectiveOptions(symbols=5))
    batch = draw(task, 5_000)
    assert batch.x.shape == (5_000, task.options.steps(20), 16)
    assert (batch.x.sum(2) == 1).all()
    token_BT = batch.x.argmax(2)
    assert (token_BT[:, 25:] == 15).all()
    is_symbol_BT = token_BT[:, :25] > 0
    assert (is_symbol_BT.sum(1) == 5).all()
    assert uniform(is_symbol_BT.nonzero()[:, 1], 0, 25)
    assert uniform(token_BT[:, :25][is_symbol_BT], 1, 15)


def test_selective_copy_is_solved_by_skipping_the_noise():
    task = SelectiveCopy(20, SelectiveOptions())
    batch = draw(task, 200)
    token_BT = batch.x.argmax(2)[:, :36]
    answer_BT = torch.cat([token_BT, token_BT[token_BT > 0].view(200, 16)], 1)
    scores = mean_scores(task, certain(answer_BT, 16), batch)
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "recall_accuracy": 1.0}
    assert task.solved(scores)


# --- associative recall


def recall(length: int = 32, **options) -> AssociativeRecall:
    return AssociativeRecall(length, RecallOptions(**({"vocabulary": 64} | options)))


def test_recall_without_memory_is_a_guess_among_the_values():
    task = recall()
    batch = draw(task, 5_000)
    output_NTO = torch.full((5_000, 32, 64), -CERTAIN)
    output_NTO[:, :, 32:] = 0.0
    scores = mean_scores(task, output_NTO, batch)
    assert scores["loss"] == pytest.approx(task.chance["loss"], rel=1e-6)
    for value in (32, 50):
        guess = certain(torch.full((5_000, 32), value), 64)
        assert within_error(mean_scores(task, guess, batch)["accuracy"], task.chance["accuracy"], 20_000)
    assert AssociativeRecall(64, RecallOptions()).chance["accuracy"] == 1 / 4096


def test_recall_is_laid_out_as_by_the_generator_of_zoology():
    batch = draw(recall(), 5_000)
    key_BK, value_BK = batch.x[:, 0:8:2], batch.x[:, 1:8:2]
    assert uniform(key_BK, 1, 32)
    assert uniform(value_BK, 32, 64)
    for token_BK in (key_BK, value_BK):
        assert all(len(set(row)) == 4 for row in token_BK.tolist())
    ask_BK = batch.mask_BT.nonzero()[:, 1].view(-1, 4)
    assert (ask_BK % 2 == 0).all()
    assert ask_BK.min() == 8
    assert ask_BK.max() == 30
    keys_asked = batch.x.gather(1, ask_BK).sort(1).values
    assert torch.equal(keys_asked, key_BK.sort(1).values)
    other_BT = (batch.mask_BT == 0) & (torch.arange(32) >= 8)
    assert uniform(batch.x[other_BT], 0, 64)


def test_recall_asks_soon_more_often_than_late_by_a_power_law():
    task = recall(pairs=1)
    ask_B = draw(task, 40_000).mask_BT.argmax(1)
    odds = torch.arange(1, 16, dtype=torch.float64) ** -0.99
    counts = torch.bincount((ask_B - 2) // 2, minlength=15)
    assert stats.chisquare(counts.numpy(), (40_000 * odds / odds.sum()).numpy()).pvalue > UNLIKELY


def test_recall_is_solved_by_looking_up_the_key():
    task = recall(pairs=8)
    batch = draw(task, 200)
    same_BTK = batch.x.unsqueeze(2) == batch.x[:, 0:16:2].unsqueeze(1)
    answer_BT = (same_BTK * batch.x[:, 1:16:2].unsqueeze(1)).sum(2)
    scores = mean_scores(task, certain(answer_BT.clamp(max=63), 64), batch)
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "accuracy": 1.0}
    assert task.solved(scores)
    assert not task.solved(task.chance)


def test_recall_needs_room_for_its_questions():
    with pytest.raises(ValueError, match="4 pairs need an even number of at least 16 steps"):
        recall(15)
    assert "vocabulary (9) even and at least 2 x pairs + 2" in RecallOptions(vocabulary=9).problem(64)
    assert RecallOptions(vocabulary=10).problem(16) is None
    assert draw(AssociativeRecall(16, RecallOptions(vocabulary=10)), 3).x.shape == (3, 16)
