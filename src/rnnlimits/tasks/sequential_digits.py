"""Read a handwritten digit one pixel at a time, line by line, and name it after the last pixel.

    .00 .00 .31 .81 .56 .06 .00 .00 | .00 .00 .81 .94 ... 8 lines of 8 pixels     ->  after 64 steps: digit 0

    >>> SequentialDigits(length=64, options=Options()).pixel_BTI[0, :8, 0].round(decimals=2)
    tensor([0.0000, 0.0000, 0.3100, 0.8100, 0.5600, 0.0600, 0.0000, 0.0000])

Le, Jaitly & Hinton (2015) read MNIST's 784 pixels; these are the 1,797 small images that scikit-learn ships,
the test part of optdigits, Alpaydin & Kaynak (1998). The split is ours, as that copy has none: the order of
numpy.random.default_rng(1998).permutation(1797), cut. The same writers are in all splits.

Cross-validation folds train + validation and never sees the test split. The held-out fold both stops the
training and gives the score: fair between sizes, flattering to all; so the chosen one is tested anew.

Chance: guessing among ten digits is right one time in ten; giving each the same odds has the loss ln 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import TenDigits
from rnnlimits.tasks.base import Batch, Split, Task, check_split, passes
from rnnlimits.tasks.data import digits

PIXELS = 64


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    evaluation_batch: ClassVar = digits.SPLITS["test"]  # the whole split at once
    most_folds: ClassVar = digits.FEWEST_OF_A_DIGIT

    def widths(self, length: int) -> tuple[int, int]:
        return 1, 10

    def problem(self, length: int) -> str | None:
        return None if length == PIXELS else f"an image has 8 x 8 pixels, so only {PIXELS} is possible"


class SequentialDigits(TenDigits):
    finite = True

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        pixels, labels = digits.read()
        self.pixel_BTI, self.label_B = torch.from_numpy(pixels).unsqueeze(2), torch.from_numpy(labels)
        self.rows = {split: torch.from_numpy(rows) for split, rows in digits.rows().items()}

    def _take(self, rows: Tensor) -> Batch:
        return Batch(self.pixel_BTI[rows], self.label_B[rows])

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        return (self._take(rows) for rows in passes(self.rows["train"], batch, generator))

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        check_split(split)
        if split not in self.rows:
            raise ValueError("sequential_digits: a fold has no test split; refit the chosen size to test it")
        return [self._take(self.rows[split])]

    def facts(self) -> dict[str, str]:
        return digits.facts()

    def fold(self, k: int, folds: int) -> Task:
        # Only a cross-validation pays for importing scikit-learn.
        from sklearn.model_selection import StratifiedKFold

        rows = torch.cat([self.rows["train"], self.rows["validation"]])
        folded = list(StratifiedKFold(folds).split(rows, self.label_B[rows]))
        train, held_out = (rows[torch.from_numpy(some)] for some in folded[k])
        task = SequentialDigits(self.length, Options())
        task.rows = {"train": train, "validation": held_out}
        return task
