"""Families of tasks that lose and score alike; no page of its own.

                   after the last step       at every step that counts
    a class        ClassAtEnd                ClassAtEachStep               cross entropy, share right
    a number       NumberAtEnd               NumberAtEachStep              squared error

ClassOverSteps has one class a sequence too, and answers by the mean over the steps that count: its own last
step, where sequences differ in length, or all of them.
A page says when a task counts as solved, and what a model without memory reaches.
"""

import math
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from rnnlimits.tasks.base import Batch, Task, counted_mean

# Shape letters: N sequences, T time steps, O outputs.
TEN = 10


class ClassAtEnd(Task):
    """One class after the last step; `target` (N,)."""

    metric = "accuracy"
    higher_is_better = True
    units: ClassVar = {"accuracy": "share", "loss": "nats"}
    reads_last = True

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        return functional.cross_entropy(output_NTO[:, -1], batch.target, reduction="none")

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_N = output_NTO[:, -1].argmax(1) == batch.target
        return {"loss": self.loss_N(output_NTO, batch), "accuracy": right_N.double()}


class TenDigits(ClassAtEnd):
    """Which digit an image shows.

    The images are few and read many times. A network that is sure of its mistakes has a loss that rises on
    other images while more of them are named right, so the score chooses, and the loss between equal scores.
    """

    chosen_by = "score"
    chance: ClassVar = {"accuracy": 1 / TEN, "loss": math.log(TEN)}

    def solved(self, scores: dict[str, float]) -> bool:
        return False  # no accuracy on real images means "learnt"


class ClassAtEachStep(Task):
    """A class at every step that counts; `target` (N,T).  A page with other scores gives its own."""

    metric = "accuracy"
    higher_is_better = True
    units: ClassVar = {"accuracy": "share", "loss": "nats"}

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        loss_NT = functional.cross_entropy(output_NTO.transpose(1, 2), batch.target, reduction="none")
        return counted_mean(loss_NT, batch.mask_BT)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_NT = (output_NTO.argmax(2) == batch.target).double()
        return {"loss": self.loss_N(output_NTO, batch), "accuracy": counted_mean(right_NT, batch.mask_BT)}


class ClassOverSteps(ClassAtEachStep):
    """One class a sequence, by the mean of the logits of the steps that count; `target` (N,T) repeats it.

    The read-out is linear, so these are the logits of the mean of the hidden states.
    """

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        logit_NO = mean_over_steps(output_NTO, batch)
        return functional.cross_entropy(logit_NO, batch.target[:, 0], reduction="none")

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        right_N = mean_over_steps(output_NTO, batch).argmax(1) == batch.target[:, 0]
        return {"loss": self.loss_N(output_NTO, batch), "accuracy": right_N.double()}


def mean_over_steps(output_NTO: Tensor, batch: Batch) -> Tensor:
    """The mean output of the steps that count, one for each sequence."""
    if batch.mask_BT is None:
        return output_NTO.mean(1)
    mask_NT1 = batch.mask_BT[..., None]
    return (output_NTO * mask_NT1).sum(1) / mask_NT1.sum(1)


class NumberAtEnd(Task):
    """One number after the last step; `target` (N,1).  The page gives the scores."""

    reads_last = True

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        return (output_NTO[:, -1] - batch.target).square().squeeze(1)


class NumberAtEachStep(Task):
    """A number at every step that counts, right within `right_within`; `target` (N,T,1)."""

    metric = "mean_squared_error"
    higher_is_better = False
    units: ClassVar = {"mean_squared_error": "squared error", "loss": "squared error", "accuracy": "share"}
    right_within: ClassVar[float]

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        return counted_mean((output_NTO - batch.target).square().squeeze(2), batch.mask_BT)

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        error_N = self.loss_N(output_NTO, batch)
        right_NT = ((output_NTO - batch.target).abs().squeeze(2) < self.right_within).double()
        accuracy_N = counted_mean(right_NT, batch.mask_BT)
        return {"loss": error_N, "mean_squared_error": error_N, "accuracy": accuracy_N}
