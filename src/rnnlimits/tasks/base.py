"""A task hands out sequences and judges the answers; it knows nothing of the network that answers.

>>> from rnnlimits.tasks.adding import Adding, Options
>>> task = Adding(length=10, options=Options())
>>> batch = task.sample(4, generator(seed=0, use="data"))
>>> batch.x.shape, batch.target.shape                       # (sequences, steps, inputs), (sequences, outputs)
(torch.Size([4, 10, 2]), torch.Size([4, 1]))

Three streams that never mix: `batches` trains, "validation" selects, "test" is read once.
Tensors: N sequences (B of one batch, or R replicas x B folded into one axis), T steps, I inputs, O outputs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions

Split = Literal["validation", "test"]

USES = ("data", "init", "validation", "test", "probe", "dropout")
SPACE_FOR_USES = 16  # more than there are uses, so that a new use moves none of the old streams
SCRAMBLE = 2_654_435_761  # odd, so multiplying by it is a permutation of 0 .. 2**32 - 1 (Knuth, TAOCP 3, 6.4)
LARGEST_SEED = 2**32 // SPACE_FOR_USES - 1


@dataclass(frozen=True)
class Batch:
    """Sequences, what is to be answered, and which steps count.

    `mask_BT` weighs the steps of a sequence (0: does not count); None means that all count alike.
    `carry` means that row b goes on where row b of the batch before stopped: hand the state over.
    `asked_BA` is not for a page to give. Where `target` has a row a step, `mask_BT` is given and nothing is
    carried, the trainer may leave steps of weight 0 out of the outputs, `target` and `mask_BT`, so no loss
    or score may look at them; these then are the places of the others.
    """

    x: Tensor  # (B,T,I) numbers, or (B,T) tokens
    target: Tensor
    mask_BT: Tensor | None = None
    carry: bool = False
    asked_BA: Tensor | None = None


@dataclass(frozen=True)
class Prompts:
    """Beginnings that a network is to go on from by itself: its most probable answer is its next input.

    So the outputs are the first of the tokens.
    """

    x_BT: Tensor  # tokens, each row with as many as the others
    end: int  # the answer after which nothing counts
    most: int  # answers of a row
    never: tuple[int, ...] = ()  # answers that are passed over for the next most probable one


class Task(ABC):
    """One page of this folder. A page states its own Options, scores and level of chance."""

    metric: ClassVar[str]  # the primary score
    higher_is_better: ClassVar[bool]
    # What tells that a validation is better than another, so which weights and which learning rate are chosen
    # and when training stops; the other one decides between equals. The score is what a task is about, but it
    # can stay at the level of guessing, or fall, while a network learns. Where every sequence is a fresh one,
    # nothing is learnt by heart and the loss misleads nobody. A page that says "score" says why.
    chosen_by: ClassVar[Literal["loss", "score"]] = "loss"
    units: ClassVar[dict[str, str]]  # of every score
    reads_last: ClassVar[bool] = False  # True: one answer after the last step, output (N,1,O)
    finite: ClassVar[bool] = False  # True: a set of separate examples that ends, so it can be cut into folds

    def __init__(self, length: int, options: TaskOptions) -> None:
        problem = options.problem(length)
        if problem is not None:
            raise ValueError(f"{type(self).__module__}: length {length} is impossible: {problem}")
        self.length = length
        self.options = options
        self.inputs, self.outputs = options.widths(length)

    @property
    @abstractmethod
    def chance(self) -> dict[str, float]:
        """What a model without memory reaches, worked out by hand; absent where it cannot be."""

    # A page gives one of the next two; the other follows from it.
    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        """Training sequences, each starting from an empty state."""
        return next(self.batches(batch, generator))

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        """Training batches without end."""
        while True:
            yield self.sample(batch, generator)

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        """The sequences to judge by, in order. A finite task gives its whole split, however many."""
        check_split(split)
        at_once = self.options.evaluation_batch
        pieces = [at_once] * (sequences // at_once) + [sequences % at_once]
        return [self.evaluation_sample(split, piece, generator) for piece in pieces if piece]

    def evaluation_sample(self, split: Split, batch: int, generator: torch.Generator) -> Batch:
        """Sequences to judge by: drawn like those of the training, unless a page judges by longer ones.

        Such a page gives validation other lengths than test, and says what of test validation knows.
        """
        return self.sample(batch, generator)

    @abstractmethod
    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        """What training lowers, one number a sequence.

        `output_NTO` are logits or values for every step, (N,1,O) where the task reads the last step only.
        """

    @abstractmethod
    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The "loss", the primary metric and what else is worth a row, one number a sequence.

        The score of a set is the plain mean over all its sequences; `of_a_set` may add others.
        """

    def of_a_set(self, means: dict[str, float]) -> dict[str, float]:
        """Scores of a set that are no mean over its sequences, from those that are; perplexity is one."""
        return {}

    @abstractmethod
    def solved(self, scores: dict[str, float]) -> bool:
        """Do these mean scores count as having learnt the task?"""

    def references(self) -> dict[str, float]:
        """Values of the primary metric, on test, that other methods reach."""
        return {}

    # What a page adds that is judged by what a network writes when nobody tells it the true answers.
    def prompts(self, split: Split) -> list[Prompts]:
        """What it is to go on from; nothing, unless a page says so."""
        return []

    def judge(self, split: Split, answers: Sequence[Tensor]) -> dict[str, float]:
        """Scores of all that it wrote, (B, most) tokens for each of the prompts; no mean over sequences."""
        return {}

    @property
    def judged_units(self) -> dict[str, str]:
        """Of each of these scores."""
        return {}

    def judged_references(self) -> dict[str, dict[str, float]]:
        """The same scores, on test, of other methods: method -> metric -> value."""
        return {}

    def fold(self, k: int, folds: int) -> Task:
        """This task with fold k of its training and validation splits held out as validation."""
        raise ValueError(
            f"{type(self).__module__}: cross-validation needs a finite set of separate examples, which this "
            "task has not; use kind: training, or a task that has, such as sequential_digits"
        )

    def facts(self) -> dict[str, str]:
        """What was on this machine's disk and shaped the numbers: data set, checksum."""
        return {}


def check_split(split: str) -> None:
    """Raises ValueError unless the split is "validation" or "test"."""
    if split not in ("validation", "test"):
        raise ValueError(f'evaluation: no split {split!r}; possible: "validation", "test"')


def passes(rows: Tensor, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Rows of a finite set, each once per pass, in a new order each pass; a batch may straddle two passes."""
    waiting = torch.empty(0, dtype=torch.long)
    while True:
        while len(waiting) < batch:
            waiting = torch.cat([waiting, rows[torch.randperm(len(rows), generator=generator)]])
        yield waiting[:batch]
        waiting = waiting[batch:]


def counted_mean(value_NT: Tensor, mask_NT: Tensor | None) -> Tensor:
    """The mean over the steps that count, one number a sequence.

    >>> counted_mean(torch.tensor([[1.0, 2.0, 6.0]]), torch.tensor([[0.0, 1.0, 1.0]]))
    tensor([4.])
    """
    if mask_NT is None:
        return value_NT.mean(1)
    return (value_NT * mask_NT).sum(1) / mask_NT.sum(1)


def windows(start: int, end: int, streams: int, length: int) -> Iterator[tuple[Tensor, Tensor, bool]]:
    """The places start .. end - 1 of a long text, read as parallel streams, one window after another.

    Yields the places, their weights, and whether the state is carried in. Each place counts once; steps
    that fill up the last windows weigh 0. The weights average to 1, so a plain mean is the mean over places.

    >>> for place_BT, weight_BT, carry in windows(0, 8, streams=2, length=3):
    ...     print(place_BT.tolist(), weight_BT.tolist(), carry)
    [[0, 1, 2], [4, 5, 6]] [[1.5, 1.5, 1.5], [1.5, 1.5, 1.5]] False
    [[3, 4, 5], [7, 7, 7]] [[1.5, 0.0, 0.0], [1.5, 0.0, 0.0]] True
    """
    if end <= start:
        raise ValueError(
            f"tasks: the text is too short for {streams} streams with a window of {length} steps each; "
            "take a smaller batch, a shorter length or more text"
        )
    reach = math.ceil((end - start) / streams)  # steps of one stream
    count = math.ceil(reach / length)
    weight = count * length * streams / (end - start)
    for window in range(count):
        step_T = window * length + torch.arange(length)
        place_BT = start + reach * torch.arange(streams).unsqueeze(1) + step_T
        counts_BT = (step_T < reach) & (place_BT < end)
        yield place_BT.clamp(max=end - 1), counts_BT * weight, window > 0


def stream_seed(seed: int, use: str) -> int:
    """The number that starts the stream of one use; no two (seed, use) share one.

    >>> len({stream_seed(seed, use) for seed in range(1000) for use in USES})
    6000
    """
    if use not in USES:
        raise LookupError(f"random streams: no use {use!r}; possible: {', '.join(USES)}")
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"random streams: seed {seed} is out of range; possible: 0 to {LARGEST_SEED}")
    return (SPACE_FOR_USES * seed + USES.index(use)) * SCRAMBLE % 2**32


def generator(seed: int, use: str) -> torch.Generator:
    """A stream of its own for each use, so that drawing more of one moves none of the others.

    >>> again = [torch.rand(1, generator=generator(3, "data")).item() for _ in range(2)]
    >>> again[0] == again[1]
    True
    """
    return torch.Generator().manual_seed(stream_seed(seed, use))
