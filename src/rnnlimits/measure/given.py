"""What the caller has, as float64 copies on the CPU: the inputs, their lengths, and the module.

In float32 the gradient of a plain recurrent network underflows within two hundred steps.  What is the
caller's stays as it was: type, device, mode, hooks, gradients and the state of torch's generator.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

# Shape letters: B sequences, T time steps, I inputs.
Module = TypeVar("Module", bound=Callable[..., Any])
HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
    "_forward_hooks_with_kwargs", "_forward_pre_hooks_with_kwargs", "_forward_hooks_always_called",
)  # fmt: skip


DROPOUT = (
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip
BATCH_NORMALISATION = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def name_of(module: Callable[..., Any]) -> str:
    """
    >>> name_of(nn.LSTM(1, 1)), name_of(name_of)
    ('LSTM', 'name_of')
    """
    return type(module).__name__ if isinstance(module, nn.Module) else getattr(module, "__name__", "function")


@contextmanager
def double_precision() -> Iterator[None]:
    """New tensors are float64, graphs are kept, and torch's generator is afterwards where it was."""
    before = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


def inputs(x: Any, mask: Any, time_first: bool, tokens: bool = False) -> tuple[Tensor, Tensor | None]:
    """x_BTI, with zeros where the mask does not count, and the number of steps of each sequence.

    x is (B, T, I), (T, B, I) if time comes first, or one sequence (T, I); `tokens`: of a model that begins
    with an embedding, (B, T) whole numbers.
    """
    own_x = _numbers(x, time_first, tokens)
    length_B = lengths(mask, own_x)
    if length_B is not None:
        counts_BT = torch.arange(own_x.shape[1]) < length_B.unsqueeze(1)
        own_x = own_x.where(counts_BT if own_x.dim() == 2 else counts_BT.unsqueeze(2), 0)
    if not bool(own_x.isfinite().all()):
        raise ValueError("x: got nan or infinite numbers; expected finite ones; fill or leave them out")
    return own_x, length_B


def _numbers(x: Any, time_first: bool, tokens: bool) -> Tensor:
    if isinstance(x, PackedSequence):
        raise ValueError(
            "x: got a packed sequence; expected padded inputs (B, T, I); call pad_packed_sequence(x, "
            "batch_first=True), and give mask=torch.arange(x.shape[1]) < lengths[:, None]"
        )
    numbers: Tensor = torch.as_tensor(x).detach().cpu()
    if tokens and not numbers.is_floating_point():
        return numbers.clone()
    if not numbers.is_floating_point():
        raise ValueError(
            f"x: got {numbers.dtype}; expected float32 or float64; whole numbers, such as tokens, have no "
            "gradient: give what the embedding makes of them, and the module behind it"
        )
    if numbers.dim() not in (2, 3) or not numbers.numel():
        raise ValueError(
            f"x: got shape {tuple(numbers.shape)}; expected (B, T, I), or (T, I) for one sequence"
        )
    numbers = numbers.unsqueeze(1 if time_first else 0) if numbers.dim() == 2 else numbers
    x_BTI = numbers.transpose(0, 1) if time_first else numbers
    found: Tensor = x_BTI.double().clone(memory_format=torch.contiguous_format)
    return found


def lengths(mask: Any, x_BTI: Tensor) -> Tensor | None:
    """The number of steps of each sequence; None where all have as many.

    >>> lengths([[True, True, False], [True, True, True]], torch.zeros(2, 3, 1))
    tensor([2, 3])
    """
    if mask is None:
        return None
    counts_BT = torch.as_tensor(mask).detach().cpu().bool()
    if counts_BT.shape != x_BTI.shape[:2]:
        came, expected = tuple(counts_BT.shape), tuple(x_BTI.shape[:2])
        raise ValueError(f"mask: got shape {came}; expected {expected}: sequences, steps")
    length_B = counts_BT.sum(1)
    from_first_BT = torch.arange(counts_BT.shape[1]) < length_B.unsqueeze(1)
    if not torch.equal(counts_BT, from_first_BT) or not bool((length_B > 0).all()):
        raise ValueError(
            "mask: got a sequence that does not start at the first step, has a gap, or has no step; expected "
            "True for the steps of a sequence and False for what fills it up behind; shift the sequences"
        )
    return length_B


def copied(module: Module) -> Module:
    """A float64 copy on the CPU without hooks; of a function, itself."""
    if not isinstance(module, nn.Module):
        return module
    name = name_of(module)
    if problem := _random(module):
        raise ValueError(f"{name}: {problem}; call .eval() before, and .train() afterwards if need be")
    try:
        found = copy.deepcopy(module)
    except RuntimeError as error:
        raise ValueError(
            f"{name}: it cannot be copied ({first_line(error)}); weights that are made of others, as in a "
            "parametrised layer of torch.nn or by old weight_norm, are one reason: take that off before "
            "(torch.nn.utils.parametrize.remove_parametrizations)"
        ) from error
    for part in found.modules():
        for hooks in HOOKS:
            getattr(part, hooks).clear()
    found = found.cpu().double().requires_grad_(False)
    if any(not bool(weight.isfinite().all()) for weight in found.parameters()):
        raise ValueError(
            f"{name}: got weights that are nan or infinite; expected finite ones: did it diverge?"
        )
    return found


def _random(module: nn.Module) -> str | None:
    """What would make two looks at it differ, or mix the sequences of a batch."""
    for name, part in module.named_modules():
        where = f" at {name}" if name else ""
        layers = isinstance(part, nn.RNNBase) and part.num_layers > 1 and part.dropout > 0
        if part.training and (layers or (isinstance(part, DROPOUT) and part.p > 0)):
            return f"got dropout in training mode{where}; a measurement needs the same network at every look"
        if part.training and isinstance(part, BATCH_NORMALISATION):
            return f"got batch normalisation in training mode{where}; it mixes the sequences of a batch"
    return None


def first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
