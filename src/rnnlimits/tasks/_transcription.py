"""The family of tasks that write down digits without being told when each is due; no page of its own.

Graves et al. (2006), Connectionist Temporal Classification: each step gives a digit or a blank; repetitions
are made one, then blanks are taken out.  The loss is minus the log-probability of all steps that then read as
the digits.  An impossible sequence, of fewer steps than digits and blanks between equal ones, has none.

Shape letters: N sequences, T time steps, O outputs, D digits of a sequence.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics.functional.text import edit_distance

from rnnlimits.tasks.base import Batch, Task

BLANK = 0  # output 1 + d is digit d


class DigitTranscription(Task):
    """`target` (N,T) has the digits in their order, as 1 + digit, and 0 elsewhere; their places are unused.

    Loss and errors are divided by `mean_digits`, and not by the digits of each sequence: the word error rate
    is a ratio of sums, and so the mean over sequences is one where these have `mean_digits` on average.
    """

    metric = "word_error_rate"
    higher_is_better = False
    units: ClassVar = {"word_error_rate": "ratio", "loss": "nats", "string_error": "share"}
    mean_digits: ClassVar[int]
    most_digits: ClassVar[int]

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        first_ND = (batch.target == BLANK).byte().argsort(dim=1, stable=True)[:, : self.most_digits]
        target_ND = batch.target.gather(1, first_ND)
        loss_N = functional.ctc_loss(
            output_NTO.log_softmax(2).transpose(0, 1), target_ND, steps(batch), (target_ND != BLANK).sum(1),
            blank=BLANK, reduction="none",
        )  # fmt: skip
        return loss_N / self.mean_digits

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        errors_N = errors(read(output_NTO, steps(batch)), said(batch)).to(output_NTO.device)
        return {
            "loss": self.loss_N(output_NTO, batch),
            "word_error_rate": errors_N / self.mean_digits,
            "string_error": (errors_N > 0).double(),
        }


def steps(batch: Batch) -> Tensor:
    """The steps of each sequence, which come before all that fill it up."""
    if batch.mask_BT is None:
        return torch.full_like(batch.target[:, 0], batch.target.shape[1])
    return (batch.mask_BT > 0).sum(1)


def read(output_NTO: Tensor, steps_N: Tensor) -> list[str]:
    """The digits that are heard, by the likeliest output of each step."""
    best_NT = output_NTO.argmax(2)
    new_NT = torch.ones_like(best_NT, dtype=torch.bool)
    new_NT[:, 1:] = best_NT[:, 1:] != best_NT[:, :-1]
    there_NT = torch.arange(best_NT.shape[1], device=best_NT.device) < steps_N[:, None]
    return written(torch.where(new_NT & there_NT, best_NT, BLANK))


def said(batch: Batch) -> list[str]:
    """The digits that are there."""
    return written(batch.target)


def written(symbol_NT: Tensor) -> list[str]:
    """
    >>> written(torch.tensor([[0, 4, 0, 2], [0, 0, 0, 0]]))
    ['31', '']
    """
    return ["".join(str(one - 1) for one in row if one != BLANK) for row in symbol_NT.tolist()]


def errors(heard: list[str], said: list[str]) -> Tensor:
    """Digits that are inserted, left out or wrong, as few as explain the difference.

    >>> errors(["313", "13"], ["413", "413"])
    tensor([1., 1.], dtype=torch.float64)
    """
    return torch.as_tensor(edit_distance(heard, said, reduction="none")).double()
