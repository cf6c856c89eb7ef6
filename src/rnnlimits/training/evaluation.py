"""Scores of several replicas on sequences that none of them was trained on."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnlimits.tasks.base import Batch, Task
from rnnlimits.training.replicas import Replicas, fold, stack


@torch.no_grad()
def evaluate(
    models: Replicas, task: Task, which: Sequence[int], theta_RP: Tensor, sets: Sequence[list[Batch]]
) -> dict[str, list[float]]:
    """metric -> a value a replica: the mean over all sequences of the set that belongs to that replica,
    and what the task makes of such means.

    `theta_RP` and `sets` are in the order of `which` (the replicas' numbers, for their frozen weights).
    """
    shapes = [[batch.x.shape for batch in batches] for batches in sets]
    if any(shape != shapes[0] for shape in shapes):  # folds may differ by one sequence: one after another
        parts = [
            evaluate(models, task, [r], theta_RP[row : row + 1], sets[row : row + 1])
            for row, r in enumerate(which)
        ]
        return {metric: [part[metric][0] for part in parts] for metric in parts[0]}

    totals: dict[str, Tensor] = {}
    sequences = 0
    state = None
    for pieces in zip(*sets, strict=True):
        batch = stack(pieces, theta_RP)
        state = state if batch.carry else None
        output, state = models(theta_RP, models.frozen_RQ[list(which)], batch.x, state, batch.asked_BA)
        sequences += batch.x.shape[1]
        for metric, score_N in task.scores(output.flatten(0, 1), fold(batch)).items():
            # Summed in float64: a long evaluation must not depend on where it was cut into batches.
            score_R = score_N.double().view(len(which), -1).sum(1)
            totals[metric] = totals.get(metric, 0) + score_R
    found = {metric: (total_R / sequences).tolist() for metric, total_R in totals.items()}
    of_sets = [
        task.of_a_set({metric: mean_R[row] for metric, mean_R in found.items()}) for row in range(len(which))
    ]
    return found | {metric: [one[metric] for one in of_sets] for metric in of_sets[0]}
