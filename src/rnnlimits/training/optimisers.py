"""The optimisers that a budget may name, each with a parameter group for every replica."""

from collections.abc import Callable

import torch

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    # A group a replica: unfused, that is ten launches for each of them.
    "adam": lambda groups: torch.optim.Adam(groups, fused=groups[0]["params"][0].is_cuda or None),
    # Arjovsky et al. (2016) and Tallec & Ollivier (2018) use 0.9; torch's default is 0.99.
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, alpha=0.9),
    "sgd": torch.optim.SGD,
}
