"""Strings of digits: what is joined and heard, how errors are counted, what a constant answer reaches."""

import itertools
import math
import os
from fractions import Fraction
from pathlib import Path

import jiwer
import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot
from torchmetrics.text import WordErrorRate

from rnnlimits.probes import context_use
from rnnlimits.tasks import _transcription
from rnnlimits.tasks.base import Batch, generator
from rnnlimits.tasks.data import downloads, spoken_digits
from rnnlimits.tasks.digit_strings import FEWEST, MEAN, MOST, DigitStrings, Options
from rnnlimits.training import protocol
from support import pretend_data
from support.probe_models import a_model, scalars
from support.repository_copy import ROOT
from support.small_shards import BUDGET, a_job, a_shard

REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or ROOT.parent / "shared" / "data")
PLACES = spoken_digits.PUBLISHED.places
needs_data = pytest.mark.skipif(
    not any((REAL_DATA / place).is_file() for place in PLACES),
    reason=f"none of {PLACES} in {REAL_DATA}; name a folder that has one in {downloads.DATA_VARIABLE}",
)
SPLITS = ("train", "validation", "test")
CERTAIN = 100.0


@pytest.fixture
def noises(monkeypatch):
    return pretend_data.speech(monkeypatch)


def build(length: int = 60) -> DigitStrings:
    return DigitStrings(length, Options())


def logits(frame_NT: torch.Tensor) -> torch.Tensor:
    return CERTAIN * one_hot(frame_NT, 11).double()


def distance(one: str, other: str) -> int:
    """Fewest insertions, deletions and substitutions."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def test_a_string_is_whole_clips_of_one_speaker_in_the_order_of_its_target(noises):
    task = build()
    for split in SPLITS:
        whose = {
            task.clips.of(clip).numpy().tobytes(): (noises[clip].speaker, noises[clip].digit)
            for clip in task.rows[split].tolist()
        }
        batch = task.strings(split, 30, generator(0, "data"))
        for x_TI, target_T, mask_T in zip(batch.x, batch.target, batch.mask_BT):
            ends = (target_T.nonzero().squeeze(1) + 1).tolist()
            pieces = [x_TI[start:end] for start, end in itertools.pairwise([0, *ends])]
            found = [whose[piece.numpy().tobytes()] for piece in pieces]
            assert len({speaker for speaker, _ in found}) == 1
            assert [digit for _, digit in found] == (target_T[target_T > 0] - 1).tolist()
            assert mask_T.tolist() == [1.0] * ends[-1] + [0.0] * (60 - ends[-1])
            assert (x_TI[ends[-1] :] == 0).all()


def test_strings_are_of_all_speakers_and_have_3_4_and_5_digits_equally_often(noises):
    batch = build().strings("validation", 300, generator(0, "validation"))
    digits = (batch.target > 0).sum(1)
    assert digits.bincount().tolist() == [0, 0, 0, 100, 100, 100]
    firsts = {row.numpy().tobytes() for row in batch.x[:, 0]}
    assert len(firsts) > 100


def test_no_clip_of_one_split_is_in_a_string_of_another(noises):
    rows = build().rows
    assert torch.cat([rows[split] for split in SPLITS]).sort().values.tolist() == list(range(len(noises)))
    assert {noises[row].take for row in rows["test"].tolist()} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("strings", [1, 3, 60, 61])
def test_the_mean_score_is_the_word_error_rate_of_the_strings_together(noises, strings):
    task = build()
    batch = task.strings("test", strings, generator(0, "test"))
    output_NTO = torch.randn(strings, 60, 11, generator=torch.Generator().manual_seed(0))
    output_NTO[..., 0] += 2  # so that some strings are shorter than what was said
    heard = _transcription.read(output_NTO, _transcription.steps(batch))
    said = _transcription.said(batch)
    torchmetrics = WordErrorRate()(list(map(" ".join, heard)), list(map(" ".join, said)))
    jiwers = jiwer.wer(list(map(" ".join, said)), list(map(" ".join, heard)))
    ours = task.scores(output_NTO, batch)
    assert ours["word_error_rate"].mean().item() == pytest.approx(torchmetrics.item())
    assert ours["word_error_rate"].mean().item() == pytest.approx(jiwers)
    assert (MEAN * ours["word_error_rate"]).tolist() == [distance(*both) for both in zip(heard, said)]
    assert ours["string_error"].tolist() == [float(one != other) for one, other in zip(heard, said)]


def test_knowing_each_frame_makes_no_error_and_hearing_nothing_one_a_digit(noises):
    task = build()
    batch = task.strings("test", 30, generator(0, "test"))
    known = {name: one.mean().item() for name, one in task.scores(logits(batch.target), batch).items()}
    assert known == {"loss": pytest.approx(0, abs=1e-9), "word_error_rate": 0, "string_error": 0}
    assert not task.solved(known)
    silent = task.scores(logits(torch.zeros_like(batch.target)), batch)
    assert silent["word_error_rate"].mean() == silent["string_error"].mean() == 1


def test_what_is_heard_after_a_strings_end_does_not_count(noises):
    task = build()
    batch = task.strings("test", 6, generator(0, "test"))
    output_NTO = torch.randn(6, 60, 11, generator=torch.Generator().manual_seed(0))
    other_NTO = torch.where(batch.mask_BT[..., None] > 0, output_NTO, torch.randn(6, 60, 11))
    torch.testing.assert_close(task.scores(output_NTO, batch), task.scores(other_NTO, batch))


def test_the_loss_is_the_sum_over_all_ways_to_say_the_digits():
    """Every sequence of 4 steps and 11 outputs, of which only blanks, 0 and 1 have odds."""
    log_p_T3 = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).log_softmax(
        1
    )
    output_1TO = torch.full((1, 4, 11), -CERTAIN, dtype=torch.float64)
    output_1TO[0, :, :3] = log_p_T3
    batch = Batch(torch.zeros(1, 4, 24), torch.tensor([[0, 1, 0, 2]]), torch.ones(1, 4))
    ways = [
        math.exp(sum(log_p_T3[t, one].item() for t, one in enumerate(way)))
        for way in itertools.product(range(3), repeat=4)
        if _transcription.read(logits(torch.tensor([way])), torch.tensor([4])) == ["01"]
    ]
    task = DigitStrings.__new__(DigitStrings)
    assert MEAN * task.loss_N(output_1TO, batch).item() == pytest.approx(-math.log(sum(ways)))


def test_the_shortest_strings_of_equal_digits_have_a_finite_loss_and_gradient():
    """Five equal digits need four blanks between them; two frames a digit are room enough."""
    target = torch.tensor([[0, 8] * 5])
    batch = Batch(torch.zeros(1, 10, 24), target, torch.ones(1, 10))
    output = torch.zeros(1, 10, 11, dtype=torch.float64, requires_grad=True)
    loss_N = DigitStrings.__new__(DigitStrings).loss_N(output, batch)
    loss_N.sum().backward()
    assert loss_N.isfinite().all()
    assert output.grad.isfinite().all()
    assert output.grad.abs().sum() > 0


def test_replicas_folded_into_one_axis_have_each_its_own_loss_and_gradient(noises):
    task = build()
    batch = task.strings("train", 4, generator(0, "data"))
    twice = Batch(*(torch.cat([part, part]) for part in (batch.x, batch.target, batch.mask_BT)))
    output = torch.randn(8, 60, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = output.clone().requires_grad_()
    task.loss_N(together, twice).view(2, -1).mean(1).sum().backward()
    for replica in (slice(0, 4), slice(4, 8)):
        alone = output[replica].clone().requires_grad_()
        task.loss_N(alone, batch).mean().backward()
        torch.testing.assert_close(together.grad[replica], alone.grad)


def test_the_same_training_gives_the_same_numbers(noises):
    shard = a_shard("gru", "digit_strings", 60, seeds=2, budget=BUDGET | {"updates": 20})
    once, again = ([row.value for row in protocol.run(a_job(shard))[0]] for _ in range(2))
    assert once == again


def patterns(digits: int) -> list[list[int]]:
    """All answers of so many digits, but for their names: the first new digit is 0, the next is 1 ..."""
    found = [[]]
    for _ in range(digits):
        found = [[*one, new] for one in found for new in range(max(one, default=-1) + 2)]
    return found


def mean_errors(answer: list[int], said_ND: np.ndarray) -> Fraction:
    """The mean edit distance to all strings at once."""
    row = np.tile(np.arange(said_ND.shape[1] + 1, dtype=np.int8), (len(said_ND), 1))
    for number, digit in enumerate(answer, 1):
        new = np.full_like(row, number)
        for j in range(1, row.shape[1]):
            replaced = row[:, j - 1] + (said_ND[:, j - 1] != digit)
            new[:, j] = np.minimum(np.minimum(new[:, j - 1], row[:, j]) + 1, replaced)
        row = new
    return Fraction(int(row[:, -1].sum()), len(said_ND))


def test_chance_is_the_best_of_all_constant_answers():
    every = [
        np.indices((10,) * digits, dtype=np.int8).reshape(digits, -1).T for digits in range(FEWEST, MOST + 1)
    ]
    rates = {
        tuple(answer): float(sum(mean_errors(answer, said_ND) for said_ND in every) / (3 * MEAN))
        for digits in range(MOST + 1)
        for answer in patterns(digits)
    }
    best = min(rates, key=rates.get)
    assert best == (0, 1, 2)
    assert rates[best] == pytest.approx(DigitStrings.chance["word_error_rate"], rel=1e-12)
    assert rates[()] == 1
    right = Fraction(1, 3) * Fraction(1, 10**3)  # the string has three digits, and they are those
    assert DigitStrings.chance["string_error"] == pytest.approx(float(1 - right))


def test_a_length_without_room_for_five_digits_or_more_than_they_have_is_refused():
    assert "need 10 frames and have 705 at most" in Options().problem(9)
    assert Options().problem(10) is Options().problem(705) is None
    assert "hop_ms must be 5 to 32" in Options(hop_ms=33).problem(100)


def test_context_is_of_all_frames_each_seen_with_those_before_it(noises):
    task = build(40)
    model = a_model("feed_forward", task, window_steps=3)
    found = context_use.measure(model, task, context_use.Options(sequences=6), generator(0, "probe"))
    score = {one.lag: one.value for one in found if one.metric == "context_score"}
    full = scalars(found)["context_score_full"]
    assert score[3] == score[39] == full  # four frames are more than it reads


def test_votes_of_frames_hear_what_frames_tell_alone(noises):
    """Each digit's frames are a constant of its own: then one is enough, and only the cuts can be wrong."""
    task = build()
    marked = task.clips.value_FI.clone()
    for clip in range(len(task.clips.digit_N)):
        first, steps = int(task.clips.first_N[clip]), int(task.clips.steps_N[clip])
        marked[first : first + steps] = 3 * one_hot(task.clips.digit_N[clip], 24).float()
    object.__setattr__(task.clips, "value_FI", marked)
    assert task.references()["frame_votes"] < 0.5 < task.chance["word_error_rate"]
    assert build().references()["frame_votes"] > 0.8  # of noise


@needs_data
def test_a_network_learns_to_write_down_real_strings(monkeypatch):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    budget = BUDGET | {"updates": 60, "batch_size": 16, "validate_every": 60, "clip_norm": 1.0}
    rows, _ = protocol.run(a_job(a_shard("gru", "digit_strings", 100, seeds=1, budget=budget)))
    losses = [row for row in rows if row.metric == "loss" and row.split == "validation"]
    untrained, trained = (row.value for row in sorted(losses, key=lambda row: row.update))
    assert trained < untrained / 2
    found = {row.metric: row.value for row in rows if row.split == "reference"}
    assert found["reference_frame_votes"] < DigitStrings.chance["word_error_rate"]
