"""Read a handwritten digit of MNIST one pixel at a time, 784 steps, and name it after the last.

    28 lines of 28 pixels in [0, 1], line by line, or in one fixed random order     ->  after step 784: a 7

Le, Jaitly & Hinton (2015). `permutation` shuffles the pixels of every image alike: permuted MNIST. No order
is the standard one; two are fixed by published code, and results with one should be checked with the other:

    expRNN  numpy's RandomState(92916).permutation(784); Lezcano-Casado & Martínez-Rubio (2019), and scoRNN
    coRNN   torch.manual_seed(12008), torch.randperm(784); Rusch & Mishra (2021)

A config gives it a name: `permuted_mnist: {page: sequential_mnist, permutation: expRNN}`.

Of the 60,000 training images the last 5,000 are the validation split here; many published numbers have none,
and are the best over the epochs on the 10,000 test images. A pixel is its byte / 255, not normalised.

Chance: guessing among ten digits is right one time in ten; giving each the same odds has the loss ln 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import TenDigits
from rnnlimits.tasks.base import Batch, Split, check_split, passes
from rnnlimits.tasks.data import mnist


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    permutation: Literal["none", "expRNN", "coRNN"] = "none"

    def widths(self, length: int) -> tuple[int, int]:
        return 1, 10

    def problem(self, length: int) -> str | None:
        return None if length == 784 else "an image has 28 x 28 pixels, so only 784 is possible"


class SequentialMnist(TenDigits):
    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        self.order_T = order(options.permutation)
        self.splits = mnist.splits()
        self.evaluations: dict[str, list[Batch]] = {}

    def _take(self, images: tuple[np.ndarray, np.ndarray], rows: Tensor) -> Batch:
        pixels, labels = images
        byte_BT = torch.from_numpy(pixels[rows.numpy()])[:, self.order_T]
        return Batch((byte_BT / 255).unsqueeze(2), torch.from_numpy(labels[rows.numpy()]))

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        train = self.splits["train"]
        rows = passes(torch.arange(len(train[1])), batch, generator)
        return (self._take(train, some) for some in rows)

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        """The whole split, made once for all seeds."""
        check_split(split)
        images = self.splits[split]
        if split not in self.evaluations:
            pieces = torch.arange(len(images[1])).split(self.options.evaluation_batch)
            self.evaluations[split] = [self._take(images, rows) for rows in pieces]
        return self.evaluations[split]

    def facts(self) -> dict[str, str]:
        return {"mnist_train_images_sha256": mnist.FILES[mnist.FIRST][1]}


def order(permutation: str) -> Tensor:
    """Which pixel is read at each step."""
    if permutation == "expRNN":
        return torch.from_numpy(np.random.RandomState(92916).permutation(mnist.PIXELS))
    if permutation == "coRNN":
        return torch.randperm(mnist.PIXELS, generator=torch.Generator().manual_seed(12008))
    return torch.arange(mnist.PIXELS)
