"""Hear one spoken digit, a frame at a time, and name it after the clip's own last frame.

    log-mel frames of "seven", 24 bands each, one every 16 ms, then zeros up to `length`
    weight  0 0 0 ... 0 1 0 0 0     ->  at the step of weight 1: digit 7

    >>> spoken_digits.frames(hop_ms=16, samples=3_360)  # of the median clip, 0.42 s
    25

The Free Spoken Digit Dataset: six speakers, ten digits, 50 takes. Of clips with more than `length` steps the
first `length` are read. Inputs have mean 0 and deviation 1 over the training. `input: samples` is the wave.

Published split: takes 0 to 4 are the test; of the others 5 to 9 validate here. Each speaker is in all parts,
so it asks little of a network that has heard them. `held_out: theo` tests by that speaker alone, validates by
the next in the alphabet and learns from four. Cross-validation never sees the test: without `held_out` each
fold has equally many takes of every speaker and digit, with it whole speakers.

Clips are few and read many times, so the loss can rise, by mistakes that are sure, while more are named
right: the score chooses, and the loss between equal scores.

Chance: guessing among ten digits is right one time in ten; giving each the same odds has the loss ln 10.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks import _clip_references, _clips
from rnnlimits.tasks._families import TEN, ClassAtEachStep
from rnnlimits.tasks.base import Batch, Split, Task, check_split, passes
from rnnlimits.tasks.data import spoken_digits


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    held_out: Literal["george", "jackson", "lucas", "nicolas", "theo", "yweweler"] | None = None
    input: Literal["frames", "samples"] = "frames"
    hop_ms: int = 16  # from frame to frame
    bands: int = 24  # of a frame

    def widths(self, length: int) -> tuple[int, int]:
        return (self.bands if self.input == "frames" else 1), 10

    def asked_steps(self, length: int) -> int:
        return 1

    @property
    def most_folds(self) -> int:
        learnable = spoken_digits.TAKES - spoken_digits.TEST_TAKES
        return learnable if self.held_out is None else len(spoken_digits.SPEAKERS) - 1

    @property
    def evaluation_batch(self) -> int:
        return 250 if self.input == "frames" else 25  # of thousands of steps each

    def problem(self, length: int) -> str | None:
        if wrong := spoken_digits.framing_problem(self.hop_ms, self.bands):
            return wrong
        most = spoken_digits.frames(self.hop_ms) if self.input == "frames" else spoken_digits.MOST_SAMPLES
        return None if 1 <= length <= most else f"the longest clip has {most} steps; 1 to {most}"


class SpokenDigits(ClassAtEachStep):
    options: Options
    chosen_by = "score"
    chance: ClassVar = {"accuracy": 1 / TEN, "loss": math.log(TEN)}
    finite = True

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        samples = options.input == "samples"
        self.read = _clips.samples() if samples else _clips.frames(options.hop_ms, options.bands)
        self.learn_from(_clips.splits(self.read, options.held_out))

    def learn_from(self, rows: dict[str, Tensor]) -> None:
        self.rows = rows
        self.clips = self.read.cut(self.length).scaled(rows["train"])

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        rows = passes(self.rows["train"], batch, generator)
        return (self.clips.single(some, self.length) for some in rows)

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        check_split(split)
        if split not in self.rows:
            raise ValueError("spoken_digits: a fold has no test split; refit the chosen size to test it")
        pieces = self.rows[split].split(self.options.evaluation_batch)
        return [self.clips.single(some, self.length) for some in pieces]

    def solved(self, scores: dict[str, float]) -> bool:
        return False  # no accuracy on real speech means "learnt"

    def references(self) -> dict[str, float]:
        """Of frames, whatever the network reads, of the same stretch of each clip."""
        of = self.options
        length = self.length if of.input == "frames" else spoken_digits.frames(of.hop_ms, self.length)
        clips = _clips.frames(of.hop_ms, of.bands).cut(length).scaled(self.rows["train"])
        return _clip_references.single_digits(clips, self.rows["train"], self.rows["test"])

    def fold(self, k: int, folds: int) -> Task:
        task = SpokenDigits(self.length, self.options)
        by_speaker = self.options.held_out is not None
        task.learn_from(_clips.fold(self.read, self.rows, k, folds, by_speaker))
        return task

    def facts(self) -> dict[str, str]:
        return spoken_digits.facts()
