"""A skew-symmetric matrix from the numbers above its diagonal.

>>> skew(torch.tensor([1.0, 2.0, 3.0]), 3).tolist()
[[0.0, 1.0, 2.0], [-1.0, 0.0, 3.0], [-2.0, -3.0, 0.0]]
"""

import torch
from torch import Tensor

# Shape letters: H hidden units, K = H (H - 1) / 2 pairs of units.


def skew(A_K: Tensor, size: int) -> Tensor:
    rows_K, columns_K = torch.triu_indices(size, size, 1, device=A_K.device)
    upper_HH = A_K.new_zeros(size, size).index_put((rows_K, columns_K), A_K)
    return upper_HH - upper_HH.T


def above_diagonal(A_HH: Tensor) -> Tensor:
    """The inverse."""
    rows_K, columns_K = torch.triu_indices(len(A_HH), len(A_HH), 1, device=A_HH.device)
    return A_HH[rows_K, columns_K]
