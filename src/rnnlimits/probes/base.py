"""What the probes share: one measurement, the full state as one vector, and the slope of a curve over lags.

A probe is a page with `Options` and `measure(model, task, options, generator) -> list[Measurement]`.
It sees one replica in float64 on the CPU: in float32 the gradient of a plain recurrent network underflows
within two hundred steps.

s_t is the *full* state after step t: all that the architecture hands on to the next step, concatenated;
(h_t, c_t) for an LSTM, whose gradient would look far shorter if h_t alone were watched.  T is the number of
steps of the sequence, lag k means step T - k, and lags run from 0 to T - 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

# The pages import these, too, from here.
from rnnlimits.architectures._model import Model as Model
from rnnlimits.architectures.base import Recurrent as Recurrent
from rnnlimits.tasks.base import Batch as Batch
from rnnlimits.tasks.base import Task as Task

# Shape letters: B sequences, S size of the full state, K lags.
State = tuple[Tensor, ...]
ENOUGH = 20  # times as many sequences are drawn where few of them end at the same step
QUANTILES = {"median": 0.5, "p10": 0.1, "p90": 0.9}  # over the sequences


class Loss(Protocol):
    """What a probe differentiates, as far as it asks: every task is one."""

    @property
    def reads_last(self) -> bool:
        """Is there one answer a sequence, after its last step?"""

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        """One number a sequence."""


@dataclass(frozen=True)
class Measurement:
    """One number that a probe found; `lag` in steps, None where it belongs to no lag.

    An infinity, such as the logarithm of a gradient of exactly zero, becomes nan: no mean could use it.
    """

    metric: str
    value: float
    unit: str
    lag: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value) if math.isfinite(self.value) else math.nan)


def sequences_of(task: Task, count: int, generator: torch.Generator) -> Batch:
    """`count` validation sequences of the task in float64; each will start from the zero state.

    A finite task gives its whole split; then `count` of its sequences are drawn without replacement, of
    those whose last step counts: the last windows of a text may be filled up.  Where those of a finite task
    end at steps of their own, each is cut to its last steps (`cut_to_their_ends`).  Where sequences are drawn
    anew and few are asked at the end, as if lengths differ, all end at the step that counts for most of them.
    """
    batches, end = task.evaluation("validation", count, generator), None
    if task.finite:
        batches = cut_to_their_ends(batches)
    draws_its_own = type(task).evaluation is Task.evaluation
    if draws_its_own and len(asked_at(batches, end)) < count:
        batches = task.evaluation("validation", ENOUGH * count, generator)
        end = most_asked_step(batches)
    candidates = asked_at(batches, end)
    chosen = candidates[torch.randperm(len(candidates), generator=generator)[:count]]

    def gather(parts: list[Tensor]) -> Tensor:
        joined = torch.cat(parts)[chosen]
        joined = joined if end is None else joined[:, :end]
        return joined.double() if joined.is_floating_point() else joined

    return Batch(gather([batch.x for batch in batches]), gather([batch.target for batch in batches]))


def cut_to_their_ends(batches: list[Batch]) -> list[Batch]:
    """Each sequence's last steps up to the last that counts, as many as half of all have; no shorter ones.

    >>> weight_BT = torch.tensor([[0.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    >>> token_BT = torch.arange(12).view(3, 4)
    >>> (cut,) = cut_to_their_ends([Batch(token_BT, token_BT, weight_BT)])
    >>> cut.x.tolist(), cut.mask_BT.tolist()
    ([[4, 5, 6], [9, 10, 11]], [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    """
    masks = [batch.mask_BT for batch in batches if batch.mask_BT is not None]
    if not masks:
        return batches
    ends = [(torch.arange(1, mask.shape[1] + 1) * (mask > 0)).amax(1) for mask in masks]
    steps = int(torch.cat(ends).median())
    found = []
    for batch, mask_BT, end_B in zip(batches, masks, ends, strict=True):
        row_B1 = (end_B >= steps).nonzero()
        place_BT = end_B[row_B1] - steps + torch.arange(steps)
        found.append(
            Batch(batch.x[row_B1, place_BT], batch.target[row_B1, place_BT], mask_BT[row_B1, place_BT])
        )
    return found


def asked_at(batches: list[Batch], end: int | None) -> Tensor:
    """The numbers of the sequences whose last step counts, if they were cut to `end` steps."""
    counts = [torch.ones(len(b.x)) if b.mask_BT is None else b.mask_BT[:, :end][:, -1] for b in batches]
    return torch.cat(counts).nonzero().squeeze(1)


def most_asked_step(batches: list[Batch]) -> int | None:
    """How many steps there are up to the one that counts for most sequences; None where all steps count."""
    masks = [batch.mask_BT for batch in batches if batch.mask_BT is not None]
    if not masks:
        return None
    asked_T = (torch.cat(masks) > 0).sum(0)
    return int((asked_T == asked_T.max()).nonzero()[-1]) + 1


def last_step(batch: Batch) -> Batch:
    """What the last step of every sequence asks for."""
    return Batch(batch.x[:, -1:], batch.target[:, -1:])


def flatten(state: State) -> Tensor:
    """The full state of every sequence as one vector: (B, H), (B, H) -> (B, 2 H)."""
    return torch.cat([part.flatten(1) for part in state], dim=1)


def unflatten(s_BS: Tensor, like: State) -> State:
    """The inverse of `flatten`, with the shapes of `like` except for the number of sequences."""
    parts = s_BS.split([part[0].numel() for part in like], dim=1)
    return tuple(part.reshape(len(s_BS), *old.shape[1:]) for part, old in zip(parts, like, strict=True))


def full_step(architecture: Recurrent) -> Callable[[Tensor, Tensor], Tensor]:
    """The step as a map of full states: (x_BI, s_BS) -> s_BS."""
    like = architecture.initial_state(1)
    return lambda x_BI, s_BS: flatten(architecture.step(x_BI, unflatten(s_BS, like))[1])


def over_sequences(ln_KB: Tensor, level: float, lags_B: Tensor | None = None) -> Tensor:
    """A quantile at each lag; where sequences differ in length, over those with more than so many lags.

    >>> over_sequences(torch.tensor([[0.0, 2.0], [5.0, torch.nan]]), 0.5, torch.tensor([2, 1]))
    tensor([1., 5.])
    """
    if lags_B is None:
        return ln_KB.quantile(level, dim=1)
    there = [ln_B[lags_B > lag] for lag, ln_B in enumerate(ln_KB)]
    return torch.stack([ln_B.quantile(level) if len(ln_B) else ln_B.new_tensor(torch.nan) for ln_B in there])


def ln_norm(values: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """ln ||values|| over some axes; unscaled, the squares of values below 1e-162 would underflow.

    >>> ln_norm(torch.tensor([3e-200, 4e-200], dtype=torch.float64), dim=0) / math.log(10)
    tensor(-199.3010, dtype=torch.float64)
    """
    largest = values.abs().amax(dim, keepdim=True).clamp_min(torch.finfo(values.dtype).tiny)
    return (values / largest).square().sum(dim).log() / 2 + largest.log().squeeze(dim)


def slope(ln_K: Tensor, slope_from: int, slope_to: int) -> float:
    """Least-squares slope over the lags, in nats per step; nan if a value of the fit is not finite.

    Both ends belong to the fit.  A sequence under 40 steps is fitted over its last three quarters.

    >>> round(slope(math.log(0.5) * torch.arange(200.0), 20, 100), 4)
    -0.6931
    """
    steps = len(ln_K)
    first, last = (steps // 4, steps - 1) if steps < 40 else (slope_from, min(slope_to, steps - 1))
    fitted_K = ln_K[first : last + 1].double()
    if len(fitted_K) < 2 or not bool(fitted_K.isfinite().all()):
        return math.nan
    lag_K = torch.arange(len(fitted_K), dtype=torch.float64) - (len(fitted_K) - 1) / 2
    return float(lag_K @ fitted_K / lag_K.square().sum())


def stored_lags(steps: int) -> list[int]:
    """The lags worth a row: each up to 10, then about 40 in equal ratios up to the last.

    >>> stored_lags(13), len(stored_lags(1000)), stored_lags(1000)[10:15], stored_lags(1000)[-1]
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 51, [10, 11, 13, 14, 16], 999)
    """
    last = steps - 1
    spaced = [round(10 * (last / 10) ** (i / 40)) for i in range(1, 41)] if last > 10 else []
    return sorted({*range(min(10, last) + 1), *spaced})


def by_lag(metric: str, ln_K: Tensor) -> list[Measurement]:
    """The curve as log10, at the stored lags."""
    return [Measurement(metric, float(ln_K[k]) / math.log(10), "log10", k) for k in stored_lags(len(ln_K))]
