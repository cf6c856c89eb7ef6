"""The Jacobian of one part of a state with respect to another."""

import torch
from torch import Tensor

from rnnlimits.architectures.base import Recurrent


def jacobian(layer: Recurrent, x_BI: Tensor, state: tuple[Tensor, ...], to: int, of: int) -> Tensor:
    """d (new state part `to`) / d (state part `of`), for one sequence."""

    def moved(part_BS: Tensor) -> Tensor:
        return layer.step(x_BI, (*state[:of], part_BS, *state[of + 1 :]))[1][to][0]

    return torch.autograd.functional.jacobian(moved, state[of])[:, 0]
