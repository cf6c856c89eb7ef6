"""The steps that a task asks for, alone: where most are not asked, no read-out of theirs is computed.

With 8,192 outputs it costs far more than the network before it, and associative recall asks at 4 steps of 64.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from rnnlimits.contracts import READ_ALONE
from rnnlimits.tasks.base import Batch

# Shape letters: B sequences, T time steps, A steps of a sequence that are read out.


def asked_alone(batches: Sequence[Batch]) -> list[Batch]:
    """Batches of equal shape with the targets and weights of those steps, and their places in `asked_BA`.

    A sequence that is asked less often than another keeps steps of weight 0.  Nothing is left out where all
    steps count alike, where more than half are asked, or where the state is carried on, as through a text.

    >>> weight_BT = torch.tensor([[0.0, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 2]])
    >>> (alone,) = asked_alone([Batch(torch.zeros(2, 6, 3), 10 + torch.arange(6).expand(2, 6), weight_BT)])
    >>> alone.asked_BA.tolist(), alone.target.tolist(), alone.mask_BT.tolist()
    ([[4, 0], [1, 5]], [[14, 10], [11, 15]], [[1.0, 0.0], [1.0, 2.0]])
    """
    masks = [batch.mask_BT for batch in batches if batch.mask_BT is not None]
    if not masks or batches[0].carry or batches[0].target.shape[:2] != masks[0].shape:
        return list(batches)
    most = max(1, int((torch.stack(masks) != 0).sum(-1).max()))
    return (
        list(batches) if most > READ_ALONE * masks[0].shape[1] else [alone(batch, most) for batch in batches]
    )


def alone(batch: Batch, most: int) -> Batch:
    assert batch.mask_BT is not None
    # Stable: those that count in their order, then of the others as many as are missing.
    asked_BA = (batch.mask_BT == 0).byte().argsort(dim=1, stable=True)[:, :most]
    row_B1 = torch.arange(len(asked_BA))[:, None]
    return replace(
        batch,
        target=batch.target[row_B1, asked_BA],
        mask_BT=batch.mask_BT[row_B1, asked_BA],
        asked_BA=asked_BA,
    )
