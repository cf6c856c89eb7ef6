"""States of others: one tensor, or tensors in tuples and lists of any depth, such as (h, c) of each layer."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def leaves(state: Any) -> list[Tensor]:
    """Its tensors in order; a ValueError where there is anything else in it.

    >>> [len(part) for part in leaves([(torch.zeros(1), torch.zeros(2)), torch.zeros(3)])]
    [1, 2, 3]
    """
    if isinstance(state, Tensor):
        return [state]
    if isinstance(state, tuple | list):
        return [part for one in state for part in leaves(one)]
    raise ValueError(f"state: got {type(state).__name__}; expected a tensor, or a tuple or list of tensors")


def filled(like: Any, tensors: Iterator[Tensor]) -> Any:
    """The next tensors in the form of `like`.

    >>> filled([torch.zeros(2), (torch.zeros(2),)], iter([1, 2]))
    [1, (2,)]
    """
    if isinstance(like, Tensor):
        return next(tensors)
    parts = [filled(one, tensors) for one in like]
    # A named tuple takes its parts one by one.
    return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)


def alike(a: Any, b: Any) -> bool:
    """Do they have one form, and tensors of the same shapes?"""
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return isinstance(a, Tensor) and isinstance(b, Tensor) and a.shape == b.shape
    both = isinstance(a, tuple | list) and isinstance(b, tuple | list)
    return both and len(a) == len(b) and all(map(alike, a, b))


def same(a: Any, b: Any) -> bool:
    """Alike, and equal up to rounding, tensor by tensor."""
    close = (torch.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in zip(leaves(a), leaves(b)))
    return alike(a, b) and all(close)


def shapes(parts: Any) -> str:
    """For messages.

    >>> shapes((torch.zeros(2, 3), [torch.zeros(4)], None))
    '((2, 3), ((4,)), NoneType)'
    """
    if isinstance(parts, Tensor):
        return str(tuple(parts.shape))
    if isinstance(parts, tuple | list):
        return f"({', '.join(map(shapes, parts))})"
    return type(parts).__name__
