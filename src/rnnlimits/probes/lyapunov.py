"""lambda = lim (1/n) ln ||J_n ... J_1 v||: does a small difference of two states die out or grow?

Lyapunov exponents of the autonomous network s_t = step(0, s_{t-1}): zero input, full state; or, with `inputs:
task`, of the network that the task drives, along so many `sequences`; `both`: each.  lambda_1 < 0: nearby
states meet; lambda_1 > 0: chaos.  For h' = tanh(U h) with U ~ N(0, gain^2 / H) the sign changes near gain 1
(Sompolinsky, Crisanti & Sommers 1988).  Gradients travel through the same Jacobians, transposed, and so
shrink or grow by lambda_1 a step as well (Vogt et al. 2022; Engelken, Wolf & Abbott 2023).

Two measurements along the same trajectories, in nats per step (sources that use log2 give bits); those of a
driven network are called `driven_lyapunov_largest` and so on:
  lyapunov_largest     forwards: E tangent vectors pushed through J_t, orthonormalised by QR at each step;
                       lambda_i is the mean of ln |R_ii| (Benettin et al. 1980)
  gradient_log_slope   backwards: slope over k of ln ||u J_T ... J_{T-k+1}||, u random, rescaled at each step;
                       the first quarter of the lags, in which u turns to the leading direction, is left out
Both are means over several random initial states, N(0, 1) in every coordinate, after a burn-in; where the
task drives the network, over its input sequences, each from an initial state of its own.  As an exponent
needs more steps than most tasks have, an input sequence is several of the task's, end to end, and the state
goes on from one to the next.
With `exponents` above 1 also lyapunov_2, lyapunov_3, ...  A direction that a step erases altogether (all
units of a ReLU network silent, say) has an exponent of minus infinity, stored as nan.

The page's biases stay as they are.  A bias is a constant input: it moves the states away from 0, where
tanh' = 1, so it lowers lambda_1 and can silence chaos; for the sign change at gain 1 take an initialisation
without bias (elman: gaussian).

Worked example, h' = a h: every J_t = a, so lambda = ln |a| and the slope is ln |a|.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from rnnlimits.contracts import ProbeOptions
from rnnlimits.probes.base import Measurement, Model, Recurrent, Task, flatten, full_step, sequences_of, slope

# Shape letters: B trajectories, T time steps, S size of the full state, E exponents, K lags, I inputs.


@dataclass(frozen=True, kw_only=True)
class Options(ProbeOptions):
    steps: int = 600  # of the mean and of the slope: the error falls as 1 / steps
    burn_in: int = 300  # steps before, for the state to reach its attractor
    initial_states: int = 4
    exponents: int = 1  # the largest, or this many of them
    inputs: Literal["zero", "task", "both"] = "zero"
    sequences: int = 10  # of inputs, each with an initial state of its own, where the task gives them

    def __post_init__(self) -> None:
        ones = (self.initial_states, self.exponents, self.sequences)
        if self.steps < 4 or self.burn_in < 0 or min(ones) < 1:
            raise ValueError(
                f"lyapunov: {self}: steps must be 4 or more, burn_in 0 or more, initial_states, exponents "
                "and sequences 1 or more; correct the options of this probe"
            )

    @property
    def trajectories(self) -> int:
        """Followed at once."""
        counts = {"zero": self.initial_states, "task": self.sequences}
        return counts.get(self.inputs, max(counts.values()))

    def problem(self, state: int) -> str | None:
        if self.exponents <= state:
            return None
        return (
            f"lyapunov: got exponents={self.exponents}; expected at most {state}, the size of the full state"
        )

    def followed_steps(self, steps: int, asked: int = 1) -> int:
        return self.burn_in + self.steps

    def peak_numbers(self, steps: int, kept: float, state: int) -> float:
        # The states of all steps, twice; the tangent vectors and their QR.
        copies = self.trajectories * (self.exponents + 1)
        return 2 * (self.burn_in + self.steps) * self.trajectories * state + copies * (kept + 4 * state)


def measure(model: Model, task: Task, options: Options, generator: torch.Generator) -> list[Measurement]:
    """Nothing for an architecture without a state."""
    architecture = model.architecture
    if not isinstance(architecture, Recurrent):
        return []
    return followed(architecture, options, generator, lambda: driving_inputs(model, task, options, generator))


def followed(
    architecture: Recurrent, options: Options, generator: torch.Generator, driving: Callable[[], Tensor]
) -> list[Measurement]:
    """Without input, along the inputs x_TBI that `driving` gives, or both: as the options say."""
    if problem := options.problem(flatten(architecture.initial_state(1)).shape[1]):
        raise ValueError(problem)
    found = []
    if options.inputs != "task":
        no_input = architecture.zeros(1, options.initial_states, architecture.inputs)
        no_input_TBI = no_input.expand(options.burn_in + options.steps, -1, -1)
        found += exponents(architecture, no_input_TBI, options, generator)
    if options.inputs != "zero":
        driven = exponents(architecture, driving(), options, generator)
        found += [replace(one, metric=f"driven_{one.metric}") for one in driven]
    return found


def driving_inputs(model: Model, task: Task, options: Options, generator: torch.Generator) -> Tensor:
    """Sequences of the task end to end, as many steps as are followed; of few sequences some come again."""
    steps = options.burn_in + options.steps
    x_BTI = model.encoder(sequences_of(task, options.sequences, generator).x).detach()
    rounds = [x_BTI]
    while sum(x.shape[1] for x in rounds) < steps:
        rounds.append(model.encoder(sequences_of(task, options.sequences, generator).x).detach())
    fewest = min(map(len, rounds))
    return torch.cat([x[:fewest] for x in rounds], 1)[:, :steps].transpose(0, 1).contiguous()


def exponents(
    architecture: Recurrent, x_TBI: Tensor, options: Options, generator: torch.Generator
) -> list[Measurement]:
    """Both measurements, along as many trajectories as there are inputs at each step."""
    size, B = flatten(architecture.initial_state(1)).shape[1], x_TBI.shape[1]
    s_BS = torch.randn(B, size, generator=generator, dtype=x_TBI.dtype)
    v_BSE = torch.randn(B, size, options.exponents, generator=generator, dtype=x_TBI.dtype)
    ln_R_TBE, s_TBS = push_forwards(architecture, x_TBI, s_BS, v_BSE)
    lambda_E = ln_R_TBE[options.burn_in :].mean((0, 1))
    u_BS = torch.randn(B, size, generator=generator, dtype=x_TBI.dtype)
    ln_gradient_KB = pull_backwards(architecture, x_TBI[options.burn_in :], s_TBS[options.burn_in :], u_BS)
    gradient_slope = slope(ln_gradient_KB.mean(1), options.steps // 4, options.steps)
    names = ["lyapunov_largest", *(f"lyapunov_{i}" for i in range(2, options.exponents + 1))]
    return [
        *(Measurement(name, float(value), "nats/step") for name, value in zip(names, lambda_E, strict=True)),
        Measurement("gradient_log_slope", gradient_slope, "nats/step"),
    ]


@torch.no_grad()
def push_forwards(
    architecture: Recurrent, x_TBI: Tensor, s_BS: Tensor, v_BSE: Tensor
) -> tuple[Tensor, Tensor]:
    """ln |R_ii| of each step, and the state before it."""
    step = full_step(architecture)
    batch, exponents = len(s_BS), v_BSE.shape[2]
    v_BSE = torch.linalg.qr(v_BSE).Q
    steps = len(x_TBI)
    # Filled, not appended to: small tensors that stay, among large ones that go, make the heap grow and grow.
    ln_R_TBE, before_TBS = s_BS.new_empty(steps, batch, exponents), s_BS.new_empty(steps, *s_BS.shape)
    for t, x_BI in enumerate(x_TBI):
        before_TBS[t] = s_BS
        # A copy of the state for each tangent vector: the sequences of a batch do not see each other.
        copies, tangents = s_BS.repeat_interleave(exponents, 0), v_BSE.mT.flatten(0, 1)
        inputs = x_BI.repeat_interleave(exponents, 0)
        next_copies, pushed = torch.func.jvp(lambda s, x=inputs: step(x, s), (copies,), (tangents,))[:2]
        s_BS = next_copies[::exponents]
        factors = torch.linalg.qr(pushed.unflatten(0, (batch, exponents)).mT)
        v_BSE = factors.Q
        ln_R_TBE[t] = factors.R.diagonal(dim1=1, dim2=2).abs().log()
    return ln_R_TBE, before_TBS


@torch.enable_grad()
def pull_backwards(architecture: Recurrent, x_TBI: Tensor, s_TBS: Tensor, u_BS: Tensor) -> Tensor:
    """ln ||u J_T ... J_{T-k+1}|| for lags 1 to T, rescaled at each step so that no lag underflows."""
    step = full_step(architecture)
    ln_norm_B, ln_K = torch.zeros(len(u_BS), dtype=u_BS.dtype), []
    for x_BI, s_BS in zip(x_TBI.flip(0), s_TBS.flip(0)):
        s_BS = s_BS.detach().requires_grad_()
        (u_BS,) = torch.autograd.grad(step(x_BI, s_BS), s_BS, u_BS, materialize_grads=True)
        norm_B1 = u_BS.norm(dim=1, keepdim=True)
        u_BS = u_BS / norm_B1
        ln_norm_B = ln_norm_B + norm_B1[:, 0].log()
        ln_K.append(ln_norm_B)
    return torch.stack(ln_K)
