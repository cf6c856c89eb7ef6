"""What answers to a task are worth: its mean scores, and whether chance explains a difference."""

import math

import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional

from rnnlimits.tasks.base import Batch, Task, generator

CERTAIN = 100.0  # a logit whose softmax is 1 to the last digit
UNLIKELY = 1e-4  # seeds are fixed, so a test fails always or never


def draw(task: Task, sequences: int) -> Batch:
    return task.sample(sequences, generator(0, "test"))


def mean_scores(task: Task, output_NTO: Tensor, batch: Batch) -> dict[str, float]:
    return {name: score_N.double().mean().item() for name, score_N in task.scores(output_NTO, batch).items()}


def within_error(share: float, expected: float, trials: int) -> bool:
    """Four standard errors of a share."""
    return abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / trials)


def uniform(values: Tensor, low: int, high: int) -> bool:
    """Are whole numbers spread evenly over low .. high - 1, and nowhere else?"""
    assert low <= values.min() <= values.max() < high
    counts = torch.bincount(values.flatten() - low, minlength=high - low)
    return len(counts) == 1 or stats.chisquare(counts.numpy()).pvalue > UNLIKELY


def certain(class_BT: Tensor, classes: int) -> Tensor:
    """Logits that stand for one class each."""
    return CERTAIN * functional.one_hot(class_BT, classes).float()
