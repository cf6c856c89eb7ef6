"""Spoken digits as numbers: frames or samples of all clips, and who is in which split; no page of its own.

Shape letters: N clips, F steps of all clips, B sequences, T steps of a sequence, I inputs, D of its digits.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rnnlimits.tasks import _log_mel
from rnnlimits.tasks.base import Batch
from rnnlimits.tasks.data import spoken_digits
from rnnlimits.tasks.data.spoken_digits import Recording


@dataclass(frozen=True)
class Clips:
    """Clips one after another: clip n has `steps_N[n]` steps from row `first_N[n]` of `value_FI` on."""

    value_FI: Tensor
    first_N: Tensor
    steps_N: Tensor
    digit_N: Tensor
    speaker_N: Tensor  # a place in SPEAKERS
    take_N: Tensor

    def cut(self, longest: int) -> Clips:
        """Of each clip its first steps, at most so many."""
        return replace(self, steps_N=self.steps_N.clamp(max=longest))

    def scaled(self, by: Tensor) -> Clips:
        """Each input with mean 0 and deviation 1 over all steps of the clips `by`."""
        value_FI = torch.cat([self.of(clip) for clip in by.tolist()]).double()
        mean_I, deviation_I = value_FI.mean(0), value_FI.std(0, correction=0)
        return replace(self, value_FI=((self.value_FI - mean_I) / deviation_I).float())

    def of(self, clip: int) -> Tensor:
        """The steps of one clip."""
        first, steps = int(self.first_N[clip]), int(self.steps_N[clip])
        return self.value_FI[first : first + steps]

    def single(self, clip_B: Tensor, length: int) -> Batch:
        """A clip a sequence, then zeros; asked at its own last step which digit it is.

        >>> first_N, steps_N, digit_N = torch.tensor([[0, 1], [1, 2], [7, 8]])
        >>> two = Clips(torch.tensor([[1.0], [2.0], [3.0]]), first_N, steps_N, digit_N, digit_N, digit_N)
        >>> batch = two.single(torch.tensor([1, 0]), length=3)
        >>> batch.x[..., 0].tolist(), batch.mask_BT.tolist(), batch.target[:, -1].tolist()
        ([[2.0, 3.0, 0.0], [1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], [8, 7])
        """
        step_T, steps_B1 = torch.arange(length), self.steps_N[clip_B, None]
        place_BT = (self.first_N[clip_B, None] + step_T) * (step_T < steps_B1)
        x_BTI = self.value_FI[place_BT] * (step_T < steps_B1)[..., None]
        return Batch(x_BTI, self.digit_N[clip_B, None].expand(-1, length), (step_T == steps_B1 - 1).float())

    def joined(self, clip_BD: Tensor, said_B: Tensor, length: int) -> Batch:
        """The first `said_B` clips of each row without a pause between them, then zeros, which do not count.

        The target is 0, and 1 + the digit at the last step of each clip.
        """
        steps_BD = self.steps_N[clip_BD]
        end_BD = (steps_BD * (torch.arange(clip_BD.shape[1]) < said_B[:, None])).cumsum(1)
        step_BT = torch.arange(length).repeat(len(clip_BD), 1)
        there_BT = step_BT < end_BD[:, -1:]
        number_BT = torch.searchsorted(end_BD, step_BT, right=True).clamp(max=clip_BD.shape[1] - 1)
        clip_BT, end_BT = clip_BD.gather(1, number_BT), end_BD.gather(1, number_BT)
        place_BT = (self.first_N[clip_BT] + step_BT - end_BT + self.steps_N[clip_BT]) * there_BT
        ends_BT = (step_BT == end_BT - 1) & there_BT
        x_BTI = self.value_FI[place_BT] * there_BT[..., None]
        return Batch(x_BTI, ends_BT * (1 + self.digit_N[clip_BT]), there_BT.float())


def frames(hop_ms: int, bands: int) -> Clips:
    """All clips as log-mel frames."""
    return _frames(spoken_digits.recordings(), hop_ms, bands)


# A shard builds its task once a seed.
@functools.lru_cache(maxsize=2)
def _frames(recordings: tuple[Recording, ...], hop_ms: int, bands: int) -> Clips:
    hop = hop_ms * spoken_digits.SAMPLES_PER_S // 1_000
    bank_PI = _log_mel.filter_bank(bands, spoken_digits.SAMPLES_PER_S)
    return _together(recordings, [_log_mel.frames(one.sample_T, hop, bank_PI) for one in recordings])


def samples() -> Clips:
    """All clips as they were recorded, a sample a step."""
    return _samples(spoken_digits.recordings())


@functools.lru_cache(maxsize=1)
def _samples(recordings: tuple[Recording, ...]) -> Clips:
    return _together(recordings, [one.sample_T[:, None] / _log_mel.FULL_SCALE for one in recordings])


def _together(recordings: tuple[Recording, ...], value_TI: list[np.ndarray]) -> Clips:
    steps_N = torch.tensor([len(one) for one in value_TI])
    numbers = [(one.digit, spoken_digits.SPEAKERS.index(one.speaker), one.take) for one in recordings]
    return Clips(
        torch.from_numpy(np.concatenate(value_TI)).float(), steps_N.cumsum(0) - steps_N, steps_N,
        *torch.tensor(numbers).unbind(1),
    )  # fmt: skip


def splits(clips: Clips, held_out: str | None) -> dict[str, Tensor]:
    """Split -> its clips: by the take, or where a speaker is held out, by the speaker."""
    if held_out is None:
        test_N = clips.take_N < spoken_digits.TEST_TAKES
        validation_N = ~test_N & (clips.take_N < 2 * spoken_digits.TEST_TAKES)
    else:
        speaker = spoken_digits.SPEAKERS.index(held_out)
        test_N = clips.speaker_N == speaker
        validation_N = clips.speaker_N == (speaker + 1) % len(spoken_digits.SPEAKERS)
    parts = {"train": ~(test_N | validation_N), "validation": validation_N, "test": test_N}
    return {split: there_N.nonzero().squeeze(1) for split, there_N in parts.items()}


def fold(clips: Clips, rows: dict[str, Tensor], k: int, folds: int, by_speaker: bool) -> dict[str, Tensor]:
    """Training and validation, cut anew: whole speakers, or equally many clips of each speaker and digit."""
    # Only a cross-validation pays for importing scikit-learn.
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    learnable = torch.cat([rows["train"], rows["validation"]]).sort().values
    speaker_N = clips.speaker_N[learnable]
    label_N = clips.digit_N[learnable] * len(spoken_digits.SPEAKERS) + speaker_N
    cuts = (
        GroupKFold(folds).split(learnable, groups=speaker_N)
        if by_speaker
        else StratifiedKFold(folds).split(learnable, label_N)
    )
    train, held_out = list(cuts)[k]
    return {"train": learnable[torch.from_numpy(train)], "validation": learnable[torch.from_numpy(held_out)]}
