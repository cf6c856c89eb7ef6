"""Write down 3 to 5 digits that one speaker says without a pause; nobody tells where a digit begins.

    frames of "three" "one" "three"     ->  - 3 3 - - 1 - 3 3     -  a blank; read as 3 1 3

    >>> frame_NT = torch.tensor([[0, 4, 4, 0, 0, 2, 0, 4, 4]])  # 0: a blank, 1 + d: digit d
    >>> _transcription.read(torch.eye(11)[frame_NT], torch.tensor([9]))
    ['313']

Clips, frames and splits are the published ones of `spoken_digits`: no clip of one split is in a string of
another. Of a clip the first frames are read, at most a fifth of `length`, so that five have room. A string's
speaker and clips are drawn anew each time; the numbers of its digits come in turn: 4, 3, 5.

Loss: connectionist temporal classification (Graves et al. 2006), over 4 digits. Each frame's likeliest output
is taken. The word error rate is a ratio of sums: digits inserted, left out or wrong in all strings over all
digits that were said. Each string scores its errors over 4; strings in turn have 4 digits on average, so the
mean is that ratio (3 n + 2 strings at once have one digit less). It can exceed 1. `string_error` is the share
of strings with an error. Clips are few, so the loss can rise, by mistakes that are sure, while errors become
fewer: the score chooses, and the loss between equal scores, as at first where nothing but blanks is heard.

Chance, of equally likely digits: of all answers of up to five that are the same for every string, any three
different digits make the fewest errors, 0.859 a digit (the tests try all), and are right for one in 3,000.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks import _clip_references, _clips, _transcription
from rnnlimits.tasks._transcription import DigitTranscription
from rnnlimits.tasks.base import Batch, Split, generator
from rnnlimits.tasks.data import spoken_digits

FEWEST = 3  # digits of a string
MEAN = 4
MOST = 5
REFERENCE_STRINGS = 1_000


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    hop_ms: int = 16  # from frame to frame
    bands: int = 24  # of a frame

    def widths(self, length: int) -> tuple[int, int]:
        return self.bands, 11

    def problem(self, length: int) -> str | None:
        if wrong := spoken_digits.framing_problem(self.hop_ms, self.bands):
            return wrong
        # Two frames a digit: between two that are the same there must be room for a blank.
        least, most = 2 * MOST, MOST * spoken_digits.frames(self.hop_ms)
        fits = least <= length <= most
        return None if fits else f"five digits need {least} frames and have {most} at most"


class DigitStrings(DigitTranscription):
    options: Options
    chosen_by = "score"
    mean_digits, most_digits = MEAN, MOST
    chance: ClassVar = {
        "word_error_rate": (2.682 + 3.4238 + 4.20615) / (FEWEST + MEAN + MOST),  # errors in 3, 4 and 5
        "string_error": 1 - 1 / 3_000,
    }

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        clips = _clips.frames(options.hop_ms, options.bands).cut(length // MOST)
        self.rows = _clips.splits(clips, held_out=None)
        self.clips = clips.scaled(self.rows["train"])

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        return self.strings("train", batch, generator)

    def evaluation_sample(self, split: Split, batch: int, generator: torch.Generator) -> Batch:
        return self.strings(split, batch, generator)

    def strings(self, split: str, batch: int, generator: torch.Generator) -> Batch:
        rows = self.rows[split]
        by_speaker = self.clips.speaker_N[rows].argsort(stable=True)
        clip_SC = rows[by_speaker].view(len(spoken_digits.SPEAKERS), -1)  # each has equally many
        speaker_B1 = torch.randint(len(clip_SC), (batch, 1), generator=generator)
        number_BD = torch.randint(clip_SC.shape[1], (batch, MOST), generator=generator)
        said_B = torch.tensor([MEAN, FEWEST, MOST])[torch.arange(batch) % 3]
        return self.clips.joined(clip_SC[speaker_B1, number_BD], said_B, self.length)

    def solved(self, scores: dict[str, float]) -> bool:
        return False  # no error rate on real speech means "learnt"

    def references(self) -> dict[str, float]:
        """On strings of the test that are always the same."""
        batch = self.strings("test", REFERENCE_STRINGS, generator(0, "test"))
        heard = _clip_references.frame_votes(self.clips, self.rows["train"], batch, FEWEST, MOST)
        errors_N: Tensor = _transcription.errors(heard, _transcription.said(batch))
        return {"frame_votes": float(errors_N.mean()) / MEAN}

    def facts(self) -> dict[str, str]:
        return spoken_digits.facts()
