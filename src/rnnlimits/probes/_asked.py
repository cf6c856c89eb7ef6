"""The answers that a probe asks for, one by one: of which sequence, and at which step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rnnlimits.probes.base import Batch, Task, last_step

# Shape letters: B sequences, T time steps, N answers.


@dataclass(frozen=True)
class Asked:
    """Sequences to answer, and where: answer n is that of step `step_N` of sequence `row_N`."""

    x: Tensor
    batch: Batch  # by which it is judged; one step a sequence if `alone`
    row_N: Tensor
    step_N: Tensor
    alone: bool

    def some(self, rows: slice) -> "Asked":
        """A part of the sequences."""
        start, stop, _ = rows.indices(len(self.x))
        mine_N = (start <= self.row_N) & (self.row_N < stop)
        mask_BT = None if self.batch.mask_BT is None else self.batch.mask_BT[rows]
        batch = replace(self.batch, x=self.batch.x[rows], target=self.batch.target[rows], mask_BT=mask_BT)
        return Asked(self.x[rows], batch, self.row_N[mine_N] - start, self.step_N[mine_N], self.alone)

    def cut(self, outputs: int, numbers: int) -> "list[Asked]":
        """Parts whose outputs, of all their steps, are about so many numbers."""
        at_once = max(1, numbers // (outputs * (1 if self.alone else self.x.shape[1])))
        return [self.some(slice(start, start + at_once)) for start in range(0, len(self.x), at_once)]


def asked(task: Task, count: int, longest: int | None, generator: torch.Generator) -> list[Asked]:
    """`count` sequences of the validation split in float64, and all their steps that count.

    Of a text whose state is carried on, `count` of its places, each with the inputs up to there: `longest` of
    them, or as many as a window of the training has.
    """
    batches = task.evaluation("validation", count, generator)
    if any(batch.carry for batch in batches):
        return [places_of_a_text(batches, longest or task.length, count, generator)]
    return list(of_sequences(task, batches, count, generator))


def of_sequences(
    task: Task, batches: Sequence[Batch], count: int, generator: torch.Generator
) -> Iterator[Asked]:
    numbers = torch.randperm(sum(len(batch.x) for batch in batches), generator=generator)
    chosen, start = numbers[:count].sort().values, 0
    for batch in batches:
        rows = chosen[(start <= chosen) & (chosen < start + len(batch.x))] - start
        start += len(batch.x)
        mask_BT = None if batch.mask_BT is None else batch.mask_BT[rows].double()
        mine = Batch(in_double(batch.x[rows]), in_double(batch.target[rows]), mask_BT)
        counts_BT = torch.ones(mine.x.shape[:2]) if mask_BT is None else mask_BT
        if task.reads_last:
            counts_BT = torch.zeros(mine.x.shape[:2])
            counts_BT[:, -1] = 1
        row_N, step_N = counts_BT.nonzero(as_tuple=True)
        if len(rows):
            yield Asked(mine.x, mine, row_N, step_N, task.reads_last)


def places_of_a_text(batches: Sequence[Batch], longest: int, count: int, generator: torch.Generator) -> Asked:
    """Places that count, drawn without replacement, each as a sequence of its own that ends there."""
    x = torch.cat([batch.x for batch in batches], 1)
    target = torch.cat([batch.target for batch in batches], 1)
    masks = [torch.ones(b.x.shape[:2]) if b.mask_BT is None else b.mask_BT for b in batches]
    row_N, step_N = torch.cat(masks, 1).nonzero(as_tuple=True)
    longest = min(longest, int(step_N.max()) + 1)
    row_N, step_N = row_N[step_N >= longest - 1], step_N[step_N >= longest - 1]
    drawn = torch.randperm(len(row_N), generator=generator)[:count]
    row_N1, step_NT = row_N[drawn, None], step_N[drawn, None] - longest + 1 + torch.arange(longest)
    mine = Batch(in_double(x[row_N1, step_NT]), in_double(target[row_N1, step_NT]))
    numbers = torch.arange(len(drawn))
    return Asked(mine.x, last_step(mine), numbers, torch.full_like(numbers, longest - 1), alone=True)


def in_double(values: Tensor) -> Tensor:
    return values.double() if values.is_floating_point() else values
