"""Name the next token of a text that is read window after window; no page of its own.

    tokens a b c d e f g ..., windows of 3 steps     input   a b c | d e f     the second window goes on
                                                     target  b c d | e f g     with the state of the first

A page gives the tokens, the places of each split, and its scores.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rnnlimits.tasks.base import Batch, Split, Task, check_split, windows

# Shape letters: N or B sequences, T time steps, O outputs.


class NextToken(Task):
    token_T: Tensor
    splits: dict[str, tuple[int, int]]  # places of targets; the input is the token before

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        start, end = self.splits["train"]
        per_epoch = (end - start - self.length) // (batch * self.length)
        reach = batch * per_epoch * self.length
        while True:
            place = int(torch.randint(start, end - reach + 1, (1,), generator=generator))
            yield from self._read(place, place + reach, batch)

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        check_split(split)
        start, end = self.splits[split]
        streams = min(self.options.evaluation_batch, (end - start) // self.length)
        return list(self._read(start, end, streams))

    def _read(self, start: int, end: int, streams: int) -> Iterator[Batch]:
        for place_BT, weight_BT, carry in windows(start, end, streams, self.length):
            yield Batch(self.token_T[place_BT - 1], self.token_T[place_BT], weight_BT, carry)

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        loss_NT = cross_entropy(output_NTO.transpose(1, 2), batch.target, reduction="none")
        return (loss_NT if batch.mask_BT is None else loss_NT * batch.mask_BT).mean(1)

    def solved(self, scores: dict[str, float]) -> bool:
        return False  # a language is never learnt to the end; the references say how far a model came
