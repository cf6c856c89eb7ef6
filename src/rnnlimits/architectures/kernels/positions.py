"""Positions as sines and cosines, of wavelengths from 2 pi to 20,000 pi steps (Vaswani et al. 2017).

>>> sinusoids(0, 2, torch.zeros(4))[:, :2]
tensor([[0.0000, 1.0000],
        [0.8415, 0.5403]])
"""

import torch
from torch import Tensor

# Shape letters: T time steps, K pairs of a sine and a cosine, H hidden units.
SLOWEST = 10_000


def sinusoids(first: int, steps: int, like_H: Tensor) -> Tensor:
    """(T, H) for T steps from the number `first` on; exact for late steps, too, in the type of `like_H`."""
    pairs = -(-len(like_H) // 2)
    step_T1 = torch.arange(first, first + steps, dtype=torch.float64, device=like_H.device).unsqueeze(1)
    rate_K = SLOWEST ** (-torch.arange(pairs, dtype=torch.float64, device=like_H.device) / pairs)
    angle_TK = step_T1 * rate_K
    return torch.stack([angle_TK.sin(), angle_TK.cos()], -1).flatten(1)[:, : len(like_H)].to(like_H.dtype)
