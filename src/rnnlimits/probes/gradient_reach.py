"""G(k) = ||dL/ds_{T-k}||: how much of the error is left after travelling k steps back.

Bengio, Simard & Frasconi (1994); Pascanu, Mikolov & Bengio (2013), equation 5: with J_t = ds_t/ds_{t-1},

    dL/ds_{T-k} = dL/ds_T J_T J_{T-1} ... J_{T-k+1}

so G shrinks or grows by about the same factor each step: a straight line on a logarithmic axis.  s_t is the
full state; L is the task's loss of one sequence.  Where a task asks for an answer at every step, L is the
loss of the last step alone: the errors of other steps would arrive with lags of their own.

For every architecture, with or without a state, also the input sensitivity ||dy_T/dx_{T-k}||_F, with y_T
the model's outputs at the last step and x what enters the architecture (for tokens: their embedding).  It is
exact up to EXACT_OUTPUTS outputs.  For more, O of them, R random orthonormal read-outs Q stand in, with
||J||_F ~ sqrt(O / R) ||Q J||_F: the squares are equal in the mean.

A slope is the least-squares slope of the natural logarithm of the median over the sequences; it is nan where
that median is zero at a lag of the fit, as it is beyond the window of a network without a state.  The time
constant -1 / slope is the number of steps after which 1/e is left; nan for a gradient that does not shrink.
Lag 0 of G needs y_T to be one of the tensors of s_T, and is nan for an architecture where it is not.
Where the state has more parts than the output, `gradient_output_only_slope` holds the others fixed: for an
LSTM dh_t/dh_{t-1} at a fixed c, as in published code that leaves out the path through the cell; with the
option `output_only` the curve by lag as well.

Worked example, h_t = tanh(h_{t-1} / 2) around h = 0: G(k) = 2^-k G(0), slope -0.693, time constant 1.44.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

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

# Shape letters: B sequences, T time steps, I inputs, O outputs, H hidden units, S size of the full state,
# K lags, R read-outs.
EXACT_OUTPUTS = 10  # each read-out costs one backward pass
FLAT = -1e-12  # nats per step: rounding alone gives a slope of -1e-17, which is no time constant
OUTPUT_ONLY = "gradient_output_only"


@dataclass(frozen=True, kw_only=True)
class Options(ProbeOptions):
    sequences: int = 16  # validation sequences, each with a gradient of its own
    slope_from: int = 20  # lags of the fit; under 40 steps: the last three quarters of the sequence
    slope_to: int = 100
    projections: int = 4  # random read-outs where there are more than ten outputs
    output_only: bool = False  # the curve, too, of a gradient that only the output carries from step to step

    def __post_init__(self) -> None:
        if self.sequences < 1 or self.projections < 1 or not 0 <= self.slope_from < self.slope_to:
            raise ValueError(
                f"gradient_reach: {self}: sequences and projections must be 1 or more, and "
                "0 <= slope_from < slope_to; correct the options of this probe"
            )

    def peak_numbers(self, steps: int, kept: float, state: int) -> float:
        return self.sequences * steps * (kept + state)


def measure(model: Model, task: Task, options: Options, generator: torch.Generator) -> list[Measurement]:
    batch = sequences_of(task, options.sequences, generator)
    return summed_up(curves(model, task, batch, options.projections, generator), options)


def curves(
    model: Model, loss: Loss, batch: Batch, projections: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """ln of each quantity, lags x sequences; without a state the input sensitivity alone."""
    found = {"input_sensitivity": ln_input_sensitivity(model, batch, projections, generator)}
    if isinstance(model.architecture, Recurrent):
        found["gradient"] = ln_gradient(model, model.architecture, loss, batch)
        if len(model.architecture.initial_state(1)) > 1:
            found[OUTPUT_ONLY] = ln_gradient(model, model.architecture, loss, batch, output_only=True)
    return found


def summed_up(
    curves: dict[str, Tensor], options: Options, length_B: Tensor | None = None
) -> list[Measurement]:
    """Quantiles over the sequences by lag, and slopes; `length_B` where sequences differ in length."""
    found = []
    for name, ln_KB in curves.items():
        for label, level in QUANTILES.items() if name != OUTPUT_ONLY or options.output_only else ():
            found += by_lag(f"{name}_log10_{label}", over_sequences(ln_KB, level, length_B))
        fitted = slope(over_sequences(ln_KB, 0.5, length_B), options.slope_from, options.slope_to)
        found.append(Measurement(f"{name}_slope", fitted, "nats/step"))
        if name == "gradient":
            time_constant = -1 / fitted if fitted < FLAT else math.nan
            found.append(Measurement("gradient_time_constant", time_constant, "steps"))
    return found


@torch.enable_grad()
def ln_gradient(
    model: Model, architecture: Recurrent, task: Loss, batch: Batch, output_only: bool = False
) -> Tensor:
    """ln ||dL/ds_{T-k}|| of every sequence at lags 0 to T - 1, in one backward pass."""
    x_BTI = model.encoder(batch.x).detach()
    state = tuple(part.requires_grad_() for part in architecture.initial_state(len(x_BTI)))
    s_T = []
    for x_BI in x_BTI.unbind(1):
        y_BH, new_state = architecture.step(x_BI, state)
        s_T.append(flatten(new_state))
        # Out of one tensor into the next step: so dL/dc_t leaves out that h_t was made from c_t.
        state = unflatten(s_T[-1], new_state)
        if output_only:
            state = tuple(part if new is y_BH else part.detach() for part, new in zip(state, new_state))
    y_BH = next((part for part, new in zip(state, new_state) if new is y_BH), y_BH)
    asked = batch if task.reads_last else last_step(batch)
    loss = task.loss_N(model.readout(y_BH).unsqueeze(1), asked).sum()  # each gradient is its sequence's own
    if not loss.requires_grad:  # through an output that is no part of the state nothing flows back
        return torch.full((len(s_T), len(x_BTI)), -math.inf)
    gradient_TBS = torch.stack(torch.autograd.grad(loss, s_T, materialize_grads=True))
    return ln_norm(gradient_TBS, dim=2).flip(0)


@torch.enable_grad()
def ln_input_sensitivity(model: Model, batch: Batch, projections: int, generator: torch.Generator) -> Tensor:
    """ln ||dy_T/dx_{T-k}||_F of every sequence at lags 0 to T - 1."""
    x_BTI = model.encoder(batch.x).detach().requires_grad_()
    y_BO = model.readout(model.architecture(x_BTI)[0][:, -1])
    outputs = y_BO.shape[1]
    readout_RO = torch.eye(outputs, dtype=y_BO.dtype)
    if outputs > EXACT_OUTPUTS:
        random_OR = torch.randn(outputs, min(projections, outputs), dtype=y_BO.dtype, generator=generator)
        readout_RO = torch.linalg.qr(random_OR).Q.T * (outputs / random_OR.shape[1]) ** 0.5
    sums = [(y_BO @ readout_O).sum() for readout_O in readout_RO]
    gradient_RBTI = torch.stack([torch.autograd.grad(one, x_BTI, retain_graph=True)[0] for one in sums])
    return ln_norm(gradient_RBTI, dim=(0, 3)).T.flip(0)
