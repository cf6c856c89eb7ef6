"""Speech: the mel bands, the frames, who is in which split, and what is asked at the end of each clip."""

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnlimits.probes import context_use
from rnnlimits.probes.base import sequences_of
from rnnlimits.tasks import _clip_references, _clips, _log_mel
from rnnlimits.tasks.base import generator
from rnnlimits.tasks.data import downloads, spoken_digits
from rnnlimits.tasks.spoken_digits import Options, SpokenDigits
from rnnlimits.training import protocol
from support import pretend_data
from support.probe_models import a_model, curve
from support.repository_copy import ROOT
from support.small_shards import BUDGET, a_job, a_shard

REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or ROOT.parent / "shared" / "data")
PLACES = spoken_digits.PUBLISHED.places
needs_data = pytest.mark.skipif(
    not any((REAL_DATA / place).is_file() for place in PLACES),
    reason=f"none of {PLACES} in {REAL_DATA}; name a folder that has one in {downloads.DATA_VARIABLE}",
)
SPEAKERS = spoken_digits.SPEAKERS
SPLITS = ("train", "validation", "test")


@pytest.fixture
def noises(monkeypatch):
    return pretend_data.speech(monkeypatch)


@pytest.fixture
def real(monkeypatch):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))


def build(length: int = 20, **options) -> SpokenDigits:
    return SpokenDigits(length, Options(**options))


def test_a_filter_of_the_bank_is_the_triangle_of_its_definition():
    bands, highest = 24, 2595 * math.log10(1 + 4000 / 700)
    bank = _log_mel.filter_bank(bands, 8_000)
    for band, number in itertools.product((0, 7, 23), range(257)):
        low, peak, high = (700 * (10 ** ((band + j) * highest / 25 / 2595) - 1) for j in range(3))
        hertz = number * 8_000 / 512
        inside = (hertz - low) / (peak - low) if hertz < peak else (high - hertz) / (high - peak)
        assert bank[number, band] == pytest.approx(max(0.0, inside), abs=1e-9)


def test_bands_are_as_wide_as_the_options_promise_at_the_most_of_them():
    assert (_log_mel.filter_bank(spoken_digits.MOST_BANDS, 8_000) > 0).any(0).all()


def test_a_frame_is_the_log_power_of_its_window_by_the_sum_of_the_definition():
    sample_T = np.random.default_rng(0).integers(-9_000, 9_000, 700).astype(np.int16)
    bank = _log_mel.filter_bank(5, 8_000)
    frame_FI = _log_mel.frames(sample_T, 128, bank)
    assert len(frame_FI) == 4 == spoken_digits.frames(16, samples=700)
    window = sample_T[2 * 128 : 2 * 128 + 256] / 32_768
    window = window * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256))
    turns = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(256)) / 512)
    by_hand = np.log(np.abs(turns @ window) ** 2 @ bank + 1e-8)
    np.testing.assert_allclose(frame_FI[2], by_hand, rtol=1e-9)


def test_a_tone_is_loudest_in_the_band_whose_peak_is_nearest():
    time_s = np.arange(4_000) / 8_000
    tone = (8_000 * np.sin(2 * np.pi * 1_000 * time_s)).astype(np.int16)
    peaks = _log_mel.hertz(np.linspace(0, 2595 * math.log10(1 + 4000 / 700), 26))[1:-1]
    frame_FI = _log_mel.frames(tone, 128, _log_mel.filter_bank(24, 8_000))
    assert set(frame_FI.argmax(1)) == {np.abs(peaks - 1_000).argmin()}


def test_silence_and_a_sound_shorter_than_a_window_have_finite_frames():
    bank = _log_mel.filter_bank(24, 8_000)
    assert np.isfinite(_log_mel.frames(np.zeros(10, np.int16), 128, bank)).all()
    assert (
        len(_log_mel.frames(np.zeros(10, np.int16), 128, bank)) == spoken_digits.frames(16, samples=10) == 1
    )


@pytest.mark.parametrize("held_out", [None, *SPEAKERS])
def test_every_clip_is_in_one_split(noises, held_out):
    rows = build(held_out=held_out).rows
    assert torch.cat([rows[split] for split in SPLITS]).sort().values.tolist() == list(range(len(noises)))


def test_the_published_split_is_by_the_take_and_of_all_speakers_alike(noises):
    rows = build().rows
    takes = {split: sorted({noises[row].take for row in rows[split]}) for split in SPLITS}
    assert takes == {"test": [0, 1, 2, 3, 4], "validation": [5, 6, 7, 8, 9], "train": [10, 11]}
    assert all(noises[row].in_test for row in rows["test"])
    assert all(torch.bincount(build().read.speaker_N[rows[split]]).unique().numel() == 1 for split in SPLITS)


def test_each_speaker_is_held_out_once_and_validates_once_and_is_then_in_no_other_split(noises):
    heard = []
    for name in SPEAKERS:
        rows = build(held_out=name).rows
        of = {split: {noises[row].speaker for row in rows[split]} for split in SPLITS}
        assert of["test"] == {name}
        assert len(of["validation"]) == 1
        assert of["train"] == set(SPEAKERS) - of["test"] - of["validation"]
        heard += of["validation"]
    assert sorted(heard) == sorted(SPEAKERS)


@pytest.mark.parametrize("kind", ["frames", "samples"])
def test_a_clip_is_asked_at_its_own_last_step_and_nothing_is_read_after_it(noises, kind):
    length = 20 if kind == "frames" else 2_000
    task = build(length, input=kind)
    rows = task.rows["validation"]
    batches = task.evaluation("validation", 1, generator(0, "validation"))
    x, mask = (torch.cat([getattr(one, part) for one in batches]) for part in ("x", "mask_BT"))
    target = torch.cat([one.target for one in batches])
    for row, clip in enumerate(rows[:40].tolist()):
        samples = len(noises[clip].sample_T)
        steps = min(length, samples if kind == "samples" else max(1, (samples - 256) // 128 + 1))
        assert mask[row].nonzero().squeeze(1).tolist() == [steps - 1]
        assert target[row, steps - 1] == noises[clip].digit
        assert (x[row, steps:] == 0).all()
        assert (x[row, :steps] != 0).any(1).all()


def test_inputs_are_scaled_by_the_training_alone(noises):
    for task in (build(), build(held_out="theo"), build().fold(0, 2)):
        steps = torch.cat([task.clips.of(clip) for clip in task.rows["train"].tolist()])
        torch.testing.assert_close(steps.mean(0), torch.zeros(24), atol=1e-5, rtol=0)
        torch.testing.assert_close(steps.std(0, correction=0), torch.ones(24), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("held_out", "folds"), [(None, 2), (None, 7), ("lucas", 2), ("lucas", 5)])
def test_folds_hold_out_each_clip_once_and_never_touch_the_test(noises, held_out, folds):
    task = build(held_out=held_out)
    learnable = sorted(torch.cat([task.rows["train"], task.rows["validation"]]).tolist())
    parts = [task.fold(k, folds) for k in range(folds)]
    assert sorted(torch.cat([part.rows["validation"] for part in parts]).tolist()) == learnable
    for part in parts:
        assert sorted(torch.cat([part.rows["train"], part.rows["validation"]]).tolist()) == learnable
        speakers = [{noises[row].speaker for row in part.rows[split]} for split in ("train", "validation")]
        assert bool(speakers[0] & speakers[1]) == (held_out is None)
        with pytest.raises(ValueError, match="a fold has no test split; refit the chosen size"):
            part.evaluation("test", 1, generator(0, "test"))


def test_as_many_folds_are_allowed_as_there_are_takes_or_speakers_to_learn_from():
    assert Options().most_folds == 45
    assert Options(held_out="theo").most_folds == 5


def test_a_length_or_frames_that_no_clip_has_are_refused():
    assert "the longest clip has 141 steps; 1 to 141" in Options().problem(142)
    assert Options(input="samples").problem(18_262) is None
    assert "1 to 18262" in Options(input="samples").problem(18_263)
    assert "hop_ms must be 5 to 32" in Options(hop_ms=4).problem(10)
    assert "bands must be 1 to 80" in Options(bands=81).problem(10)


def test_seen_by_its_last_frames_alone_a_clip_is_answered_as_if_it_began_there(noises):
    task, k = build(), 4
    model = a_model("gru", task)
    options = context_use.Options(sequences=10_000)
    found = context_use.measure(model, task, options, generator(0, "probe"))
    score = curve(found, "context_score")[k - 1]
    right = []
    for clip in task.rows["validation"].tolist():
        last_TI = task.clips.of(clip)[-k:].double()
        y_1TH, _ = model.architecture(last_TI[None])
        right.append(model.readout(y_1TH[0, -1]).argmax().item() == task.clips.digit_N[clip].item())
    assert score == pytest.approx(np.mean(right))
    assert 0 < score < 1


def test_the_gradient_is_followed_from_the_clips_own_ends(noises):
    task = build()
    batch = sequences_of(task, 30, generator(0, "probe"))
    steps = batch.x.shape[1]
    ends = {
        task.clips.of(clip)[-steps:].double().numpy().tobytes(): int(task.clips.digit_N[clip])
        for clip in task.rows["validation"].tolist()
    }
    assert len(batch.x) == 30
    assert all(ends[row.numpy().tobytes()] == digit for row, digit in zip(batch.x, batch.target[:, -1]))


def test_the_features_of_the_references_know_no_order_and_a_coarse_one():
    value_TI = np.random.default_rng(0).standard_normal((24, 3))
    turned = value_TI[::-1]
    no_order, coarse = _clip_references.mean_and_deviation, _clip_references.segment_means
    np.testing.assert_allclose(no_order(turned), no_order(value_TI))
    np.testing.assert_allclose(coarse(turned).reshape(8, 3), coarse(value_TI).reshape(8, 3)[::-1])


def test_the_references_of_the_wave_are_those_of_its_frames(noises):
    frames, samples = build(20), build(128 * 21, input="samples")
    assert samples.references() == frames.references()
    assert set(frames.references()) == {"no_order", "coarse_order"}


@needs_data
def test_no_published_clip_is_in_two_splits_also_by_its_content(real):
    clips = _clips.frames(16, 24)
    for held_out in (None, "george"):
        rows = _clips.splits(clips, held_out)
        content = [{clips.of(clip).numpy().tobytes() for clip in rows[split].tolist()} for split in SPLITS]
        assert [len(part) for part in content] == [len(rows[split]) for split in SPLITS]
        assert not any(one & other for one, other in itertools.combinations(content, 2))
    assert [len(_clips.splits(clips, None)[split]) for split in SPLITS] == [2_400, 300, 300]
    assert int(clips.steps_N.max()) == spoken_digits.frames(16) == 141


@needs_data
def test_a_network_learns_from_the_published_clips_and_stands_beside_the_references(real):
    budget = BUDGET | {"updates": 60, "batch_size": 32, "validate_every": 60, "clip_norm": 1.0}
    rows, _ = protocol.run(a_job(a_shard("gru", "spoken_digits", 40, seeds=1, budget=budget)))
    accuracy = [row for row in rows if row.metric == "accuracy" and row.split == "validation"]
    untrained, trained = (row.value for row in sorted(accuracy, key=lambda row: row.update))
    assert trained > untrained
    found = {row.metric: row.value for row in rows if row.split == "reference"}
    assert 0.1 < found["reference_no_order"] < found["reference_coarse_order"] < 1
