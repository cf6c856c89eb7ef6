"""Read an image line by line, then noise until step T, and say what the image was.

    8 lines of 8 pixels | N(0,1) N(0,1) N(0,1) ...     ->  after step T: digit 0

Chang, Chen, Haber & Chi (2019), AntisymmetricRNN, do it with CIFAR-10: 32 lines of 96 numbers, T = 1000. What
a network knows of the image must outlast T - 32 steps. Here the images are scikit-learn's digits, 8 lines of
8 pixels, or with `images: mnist` 28 lines of 28, in the splits of `sequential_digits` and `sequential_mnist`.
CIFAR-10 is not offered: the checksum of its archive could not be verified when this page was written.

The noise of `noise: fresh` is drawn anew each time that an image is read. The released code of coRNN (Rusch &
Mishra 2021) draws one noise sequence and puts it behind every image, of the training and of the test, which a
network can learn by heart: `noise: same`.

Validation and test read the first images of their split, as many as the budget says; digits have 350 of each.

Chance: guessing among ten digits is right one time in ten; giving each the same odds has the loss ln 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import TenDigits
from rnnlimits.tasks.base import Batch, Split, check_split, passes
from rnnlimits.tasks.data import digits, mnist

LINES = {"digits": 8, "mnist": 28}
NOISE_SEED = 2019  # of the one noise sequence; the released code has no seed


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    images: Literal["digits", "mnist"] = "digits"
    noise: Literal["fresh", "same"] = "fresh"

    def widths(self, length: int) -> tuple[int, int]:
        return LINES[self.images], 10

    def problem(self, length: int) -> str | None:
        lines = LINES[self.images]
        return None if length >= lines else f"an image of {self.images} has {lines} lines; {lines} or more"


class NoisePadded(TenDigits):
    options: Options

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        self.splits = mnist.splits() if options.images == "mnist" else digits.splits()
        self.brightest = 255 if options.images == "mnist" else 1
        one = torch.Generator().manual_seed(NOISE_SEED)
        self.same_TI = torch.randn(length - self.inputs, self.inputs, generator=one)

    def _take(self, split: str, rows: Tensor, generator: torch.Generator) -> Batch:
        pixels_BP, label_B = (torch.from_numpy(values[rows.numpy()]) for values in self.splits[split])
        image_BTI = (pixels_BP / self.brightest).unflatten(1, (-1, self.inputs))
        noise_BTI = self.same_TI.expand(len(rows), -1, -1)
        if self.options.noise == "fresh":
            noise_BTI = torch.randn(noise_BTI.shape, generator=generator)
        return Batch(torch.cat([image_BTI, noise_BTI], 1), label_B)

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        rows = passes(torch.arange(len(self.splits["train"][1])), batch, generator)
        return (self._take("train", some, generator) for some in rows)

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        check_split(split)
        rows = torch.arange(min(sequences, len(self.splits[split][1])))
        return [self._take(split, some, generator) for some in rows.split(self.options.evaluation_batch)]

    def facts(self) -> dict[str, str]:
        if self.options.images == "digits":
            return digits.facts()
        return {"mnist_train_images_sha256": mnist.FILES[mnist.FIRST][1]}
