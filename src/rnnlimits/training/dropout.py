"""Dropout of what enters the layer and of what leaves it, never of its state: the masks of each seed.

    x_t -> m_t x_t / (1 - p) -> layer -> y_t -> n_t y_t / (1 - p) -> read-out

Zaremba, Sutskever & Vinyals (2014), Recurrent Neural Network Regularization.  Each number of each step is
zero with probability p, drawn anew for each sequence and step; 1 / (1 - p) keeps the mean.  x_t is what
enters the architecture: for a token its embedding, else the inputs.

`dropout` of torch.nn.LSTM is another thing: it acts between the layers of a stack, and on neither the first
layer's inputs nor the last one's outputs.  Here a stack is one layer: nothing is left out within.

Only updates have masks; validation, test and probes see all numbers.  The masks of a seed come from a stream
of their own, so no data move, and replicas of one seed share them as they share its data.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from rnnlimits.tasks.base import generator

# Shape letters: R replicas, B sequences, T steps, I inputs of the architecture, H its outputs.
Masks = tuple[Tensor | None, Tensor | None]


class Dropout:
    """
    >>> kept_RBTI, kept_RBTH = Dropout(0.5, [7]).draw([7, 7], torch.zeros(2, 1, 3, 4), inputs=2, hidden=1)
    >>> kept_RBTI.shape, kept_RBTH.shape, set(kept_RBTI.flatten().tolist()) <= {0.0, 2.0}
    (torch.Size([2, 1, 3, 2]), torch.Size([2, 1, 3, 1]), True)
    >>> torch.equal(kept_RBTI[0], kept_RBTI[1])
    True
    """

    def __init__(self, share: float | None, seeds: Iterable[int]):
        self.share = share
        self.generators = {} if share is None else {seed: generator(seed, "dropout") for seed in seeds}

    def draw(self, seeds: Sequence[int], x: Tensor, inputs: int, hidden: int) -> Masks:
        """Factors of the architecture's inputs and outputs, for x of (R, B, T) or (R, B, T, I); none of both.

        Drawn on the CPU, so that a GPU has the same, and before the update, which may be a recording.
        """
        if self.share is None:
            return None, None
        drawn = {seed: self.of_one(seed, x.shape[1:3], inputs + hidden) for seed in dict.fromkeys(seeds)}
        kept = torch.stack([drawn[seed] for seed in seeds]).to(x.device)
        kept_RBTI, kept_RBTH = kept.split([inputs, hidden], dim=-1)
        return kept_RBTI, kept_RBTH

    def of_one(self, seed: int, shape: Sequence[int], width: int) -> Tensor:
        assert self.share is not None
        kept = torch.rand(*shape, width, generator=self.generators[seed]) >= self.share
        return kept / (1 - self.share)

    def state(self) -> dict[int, Tensor]:
        """Where each seed's stream is."""
        return {seed: one.get_state() for seed, one in self.generators.items()}

    def restore(self, state: dict[int, Tensor]) -> None:
        for seed, one in self.generators.items():
            one.set_state(state[seed])
