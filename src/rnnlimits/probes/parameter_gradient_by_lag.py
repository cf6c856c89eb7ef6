"""The temporal components of dL/dW_rec: how much of what is learned comes from k steps back.

Pascanu, Mikolov & Bengio (2013), equations 3 to 5: a recurrent weight is used at each step, and dL/dW is the
sum of what each use contributes.  With W_t a copy of W that step t alone uses,

    dL/dW = sum_t dL/dW_t,    dL/dW_t = dL/ds_t  ds_t/dW_t  with s_{t-1} held fixed,

and the component at lag k is that of t = T - k.  Its norm, not that of dL/ds, is what an update feels: a
gradient that reaches far back onto a state near zero, or onto a saturated unit, teaches nothing there.  L is
the task's loss of one sequence, at the last step, and s_t the full state, as in gradient_reach.

W_rec is what a page calls its `recurrent_weights`: the matrices and vectors that are multiplied with the
state; where the state meets only a factor (minimal_gru and the state spaces), the weights that make this
factor.  Weights that are not trained, as an echo state's, have no gradient: no rows.

Lag T - 1 is the first step, whose state is zero: a matrix has no gradient there, so no slope is fitted to it.
Gradients are rescaled at each step, so that none under- or overflows.

Worked example, h_t = u h_{t-1} + x_t and L = h_T: the component at lag k is u^k h_{T-k-1}.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from rnnlimits.architectures.kernels import replay
from rnnlimits.contracts import ProbeOptions
from rnnlimits.probes.base import (
    QUANTILES,
    Batch,
    Loss,
    Measurement,
    Model,
    Recurrent,
    Task,
    by_lag,
    flatten,
    last_step,
    ln_norm,
    over_sequences,
    sequences_of,
    slope,
    unflatten,
)

# Shape letters: B sequences, T time steps, I inputs, H hidden units, S size of the full state, K lags, P
# recurrent weights.
COPIES = 4  # of each sequence's recurrent weights: themselves, their gradients, joined, in passing


@dataclass(frozen=True, kw_only=True)
class Options(ProbeOptions):
    sequences: int = 16  # validation sequences, each with a gradient of its own
    slope_from: int = 20  # lags of the fit; under 40 steps: the last three quarters of the sequence
    slope_to: int = 100

    def __post_init__(self) -> None:
        if self.sequences < 1 or not 0 <= self.slope_from < self.slope_to:
            raise ValueError(
                f"parameter_gradient_by_lag: {self}: sequences must be 1 or more, and "
                "0 <= slope_from < slope_to; correct the options of this probe"
            )

    def peak_numbers(self, steps: int, kept: float, state: int) -> float:
        return self.sequences * (steps * state + kept)

    @property
    def weight_copies(self) -> int:
        return COPIES * self.sequences


def measure(model: Model, task: Task, options: Options, generator: torch.Generator) -> list[Measurement]:
    """Nothing for an architecture without a recurrent weight to train."""
    architecture = model.architecture
    if not isinstance(architecture, Recurrent) or not trained_recurrent_weights(architecture):
        return []
    batch = sequences_of(task, options.sequences, generator)
    return summed_up(ln_components(model, architecture, task, batch), options)


def summed_up(ln_KB: Tensor, options: Options, length_B: Tensor | None = None) -> list[Measurement]:
    """Quantiles over the sequences by lag, and the slope; `length_B` where sequences differ in length."""
    # Where they do, a sequence's first step has no part in the lag at which others have an earlier one.
    lags_B = None if length_B is None else length_B - 1
    found = []
    for label, level in QUANTILES.items():
        found += by_lag(f"parameter_gradient_log10_{label}", over_sequences(ln_KB, level, lags_B))
    median_K = over_sequences(ln_KB, 0.5, lags_B)
    fitted = slope(median_K[:-1], options.slope_from, options.slope_to)
    return [*found, Measurement("parameter_gradient_slope", fitted, "nats/step")]


def ln_components(model: Model, architecture: Recurrent, task: Loss, batch: Batch) -> Tensor:
    """ln of the component's norm, lags x sequences."""
    parts = components(model, architecture, task, batch)
    return torch.stack([ln_norm(g_BP, dim=1) + ln_scale_B for g_BP, ln_scale_B in parts])


def trained_recurrent_weights(architecture: Recurrent) -> dict[str, Tensor]:
    """None of a skew-symmetric matrix of one unit: there is no number in it to train."""
    trained = {name: weight for name, weight in architecture.named_parameters() if weight.numel()}
    return {name: trained[name] for name in architecture.recurrent_weights if name in trained}


@torch.enable_grad()
def components(
    model: Model, architecture: Recurrent, task: Loss, batch: Batch
) -> Iterator[tuple[Tensor, Tensor]]:
    """At lags 0 to T - 1 the component of each sequence: a multiple of it, and ln of the factor left out."""
    like = architecture.initial_state(1)
    x_TBI = model.encoder(batch.x).detach().unbind(1)
    s_BS = flatten(architecture.initial_state(len(batch.x)))
    before_T = []
    with torch.no_grad():
        for x_BI in x_TBI:
            before_T.append(s_BS)
            s_BS = flatten(architecture.step(x_BI, unflatten(s_BS, like))[1])
    weights = trained_recurrent_weights(architecture)
    # Copies of the weights, one for each sequence: the sum over a batch would hide the single gradients.
    copies = {
        name: weight.detach().expand(len(s_BS), *weight.shape).clone().requires_grad_()
        for name, weight in weights.items()
    }

    def one_step(weights: dict[str, Tensor], x_I: Tensor, s_S: Tensor) -> tuple[Tensor, Tensor]:
        y_1H, state = replay.call(architecture, "step", weights, x_I[None], unflatten(s_S[None], like))
        return y_1H[0], flatten(state)[0]

    asked = batch if task.reads_last else last_step(batch)
    pull_BS, ln_scale_B = None, s_BS.new_zeros(len(s_BS))
    for x_BI, s_BS in zip(reversed(x_TBI), reversed(before_T)):
        s_BS = s_BS.requires_grad_()
        y_BH, next_BS = vmap(one_step)(copies, x_BI, s_BS)
        if pull_BS is None:
            error = task.loss_N(model.readout(y_BH).unsqueeze(1), asked).sum()
        else:
            error = (pull_BS * next_BS).sum()
        pull_BS, *gradients = torch.autograd.grad(error, [s_BS, *copies.values()], materialize_grads=True)
        yield torch.cat([gradient.flatten(1) for gradient in gradients], 1), ln_scale_B
        size_B1 = pull_BS.abs().amax(1, keepdim=True).clamp_min(torch.finfo(pull_BS.dtype).tiny)
        pull_BS, ln_scale_B = pull_BS / size_B1, ln_scale_B + size_B1[:, 0].log()
