"""The sequences of Hochreiter & Schmidhuber (1997), experiments 4 and 5: pairs of a number and a marker.

    number  0.5  0.9  0.1  0.7  0.3  0.2
    marker  -1    1    0    1    0   -1      the first and the last pair carry -1

T to 1.1 T pairs.  The first mark stands on one of the first ten pairs, the second on one of the first T/2 - 1
that are still unmarked.  "In the rare case where the first pair of the sequence gets marked", its number is
replaced by one that leaves the answer to the other mark alone: 0 in a sum, 1 in a product.  (They speak of
X1, the number of the first mark; here it is the number of the first pair, whichever mark it carries.)

20 steps or more keep the marks in the first half, and off the last pair.
"""

import torch
from torch import Tensor

FIRST_MARKS = 10  # pairs that may carry the first mark


def longest(length: int) -> int:
    return length + length // 10


def first_pair_marked(length: int) -> float:
    """How often the rare case comes.

    >>> round(first_pair_marked(100), 4)
    0.1184
    """
    return 1 / FIRST_MARKS + (1 - 1 / FIRST_MARKS) / (length // 2 - 1)


def marked_pairs(
    batch: int, length: int, lowest: float, neutral: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs (B,T,2) with numbers from U(lowest, 1), the two marked numbers (B,2), the last step as a mask."""
    steps = longest(length)
    step_T = torch.arange(steps)
    steps_B1 = torch.randint(length, steps + 1, (batch, 1), generator=generator)
    number_BT = lowest + (1 - lowest) * torch.rand(batch, steps, generator=generator)
    first_B1 = torch.randint(0, FIRST_MARKS, (batch, 1), generator=generator)
    second_B1 = torch.randint(0, length // 2 - 1, (batch, 1), generator=generator)
    second_B1 += second_B1 >= first_B1  # that pair is marked already
    place_B2 = torch.cat([first_B1, second_B1], 1)
    number_BT[(place_B2 == 0).any(1), 0] = neutral
    last_BT = step_T == steps_B1 - 1
    marker_BT = -((step_T == 0) | last_BT).float()
    marker_BT = marker_BT.scatter(1, place_B2, 1.0)
    x_BT2 = torch.stack([number_BT, marker_BT], 2) * (step_T < steps_B1).unsqueeze(2)
    return x_BT2, number_BT.gather(1, place_B2), last_BT.float()
