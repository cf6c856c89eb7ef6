"""The training batches of one seed, and a place in them to which a later process can return."""

from collections.abc import Iterator
from typing import Any

import torch

from rnnlimits.tasks.base import Batch, Task, generator


class Stream(Iterator[Batch]):
    """
    >>> from rnnlimits.tasks.adding import Adding, Options
    >>> task = Adding(length=10, options=Options())
    >>> first, again = Stream(task, batch=2, seed=0), Stream(task, batch=2, seed=0)
    >>> for _ in range(3):
    ...     batch = next(first)
    >>> again.restore(first.state())
    >>> bool((next(again).x == next(first).x).all())
    True
    """

    def __init__(self, task: Task, batch: int, seed: int):
        self.generator = generator(seed, "data")
        self.batches = task.batches(batch, self.generator)
        # A page that draws each batch for itself has no memory but the generator's.
        self.has_other_memory = type(task).batches is not Task.batches
        self.drawn = 0

    def __next__(self) -> Batch:
        batch = next(self.batches)
        self.drawn += 1
        return batch

    def state(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "generator": self.generator.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to where a stream of the same task and seed was."""
        if self.has_other_memory:
            while self.drawn < state["drawn"]:
                next(self)
            assert torch.equal(self.generator.get_state(), state["generator"]), "another stream's place"
        self.generator.set_state(state["generator"])
        self.drawn = state["drawn"]
