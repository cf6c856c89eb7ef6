"""What is read decides what to keep: chance by simulation, the layout, and a rule that solves each task."""

import itertools
import math

import pytest
import torch
from scipy import stats

from rnnlimits.tasks.associative_recall import AssociativeRecall
from rnnlimits.tasks.associative_recall import Options as RecallOptions
from rnnlimits.tasks.selective_copy import Options as SelectiveOptions
from rnnlimits.tasks.selective_copy import SelectiveCopy
from rnnlimits.tasks.time_warping import Options as WarpingOptions
from rnnlimits.tasks.time_warping import TimeWarping
from support.task_answers import CERTAIN, UNLIKELY, certain, draw, mean_scores, uniform, within_error

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


# --- time warping

WARPS = [(warping, filled) for warping in ("uniform", "variable") for filled in ("repetition", "zeros")]


def warped(warping: str, filled: str, most: int = 4) -> TimeWarping:
    options = WarpingOptions(maximum_warping=most, warping=warping, filled_with=filled)
    return TimeWarping(60, options)


def characters(row_T: torch.Tensor, filled: str) -> tuple[list[int], list[int]]:
    """A sequence read back: its characters, and how many steps each has with its filling."""
    tokens = row_T.tolist()
    repeats = filled == "repetition"
    starts = [t for t, token in enumerate(tokens) if (t == 0 or token != tokens[t - 1] if repeats else token)]
    return [tokens[t] for t in starts], [b - a for a, b in zip(starts, [*starts[1:], len(tokens)])]


@pytest.mark.parametrize(("warping", "filled"), WARPS)
def test_warping_without_memory_is_a_guess_among_the_other_characters(warping, filled):
    task = warped(warping, filled)
    batch = draw(task, 1_000)
    read_BT = batch.x.argmax(2)
    number_O = torch.arange(10)
    other_BTO = (number_O > 0) & (number_O != read_BT.unsqueeze(2))
    scores = mean_scores(task, torch.where(other_BTO, 0.0, -CERTAIN), batch)
    assert scores["loss"] == pytest.approx(task.chance["loss"], rel=1e-6)
    next_one = mean_scores(task, certain(read_BT % 9 + 1, 10), batch)
    judged = len(characters(read_BT[0], filled)[0]) * 1_000 // 2  # about as many independent guesses
    assert within_error(next_one["accuracy"], task.chance["accuracy"], judged)
    assert not task.solved(scores)


@pytest.mark.parametrize(("warping", "filled"), WARPS)
def test_warped_characters_change_and_last_as_long_as_asked(warping, filled):
    batch = draw(warped(warping, filled), 500)
    rows = [characters(row_T, filled) for row_T in batch.x.argmax(2)]
    assert all(a != b for read, _ in rows for a, b in itertools.pairwise(read))
    assert uniform(torch.tensor([read[0] for read, _ in rows]), 1, 10)
    full = torch.tensor([steps for _, lasting in rows for steps in lasting[:5]]) - int(filled == "zeros")
    assert uniform(full, *((4, 5) if warping == "uniform" else (1, 5)))


@pytest.mark.parametrize(("warping", "filled"), WARPS)
def test_warping_is_solved_by_keeping_the_character_before(warping, filled):
    task = warped(warping, filled)
    batch = draw(task, 300)
    rows = []
    for row_T in batch.x.argmax(2):
        read, lasting = characters(row_T, filled)
        rows.append([before for before, steps in zip([0, *read], lasting) for _ in range(steps)])
    scores = mean_scores(task, certain(torch.tensor(rows), 10), batch)
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "accuracy": 1.0}
    assert task.solved(scores)


def test_padding_asks_at_each_character_but_the_first():
    batch = draw(warped("variable", "zeros"), 100)
    is_character_BT = batch.x[:, :, 0] == 0
    assert is_character_BT[:, 0].all()
    is_character_BT[:, 0] = False
    assert torch.equal(batch.mask_BT, is_character_BT.float())


def test_warping_needs_room_for_a_second_character():
    with pytest.raises(ValueError, match="a second character may come only after 12 steps"):
        TimeWarping(11, WarpingOptions())
    for warping, filled in WARPS:
        task = TimeWarping(12, WarpingOptions(warping=warping, filled_with=filled))
        assert (draw(task, 1_000).mask_BT.sum(1) > 0).all()
