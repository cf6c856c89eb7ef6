"""lambda = lim (1/n) ln ||J_n ... J_1 v||: does a small difference of two states die out or grow?

Lyapunov exponents of the autonomous network s_t = step(0, s_{t-1}): zero input, full state.  lambda_1 < 0:
nearby states meet; lambda_1 > 0: chaos.  For h' = tanh(U h) with U ~ N(0, gain^2 / H) the sign changes near
gain 1 (Sompolinsky, Crisanti & Sommers 1988).  Gradients travel through the same Jacobians, transposed, and
so shrink or grow by lambda_1 a step as well (Vogt et al. 2022; Engelken, Wolf & Abbott 2023).

Two measurements along the same trajectories, in nats per step (sources that use log2 give bits):
  lyapunov_largest     forwards: E tangent vectors pushed through J_t, orthonormalised by QR at each step;
                       lambda_i is the mean of ln |R_ii| (Benettin et al. 1980)
  gradient_log_slope   backwards: slope over k of ln ||u J_T ... J_{T-k+1}||, u random, rescaled at each step;
                       the first quarter of the lags, in which u turns to the leading direction, is left out
Both are means over several random initial states, N(0, 1) in every coordinate, after a burn-in.
With `exponents` above 1 also lyapunov_2, lyapunov_3, ...  A direction that a step erases altogether (all
units of a ReLU network silent, say) has an exponent of minus infinity, stored as nan.

The page's biases stay as they are.  A bias is a constant input: it moves the states away from 0, where
tanh' = 1, so it lowers lambda_1 and can silence chaos; for the sign change at gain 1 take an initialisation
without bias (elman: gaussian).

Worked example, h' = a h: every J_t = a, so lambda = ln |a| and the slope is ln |a|.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from rnnlimits.probes.base import Measurement, Model, Recurrent, Task, flatten, full_step, slope

# Shape letters: B initial states, S size of the full state, E exponents, K lags, I inputs.


@dataclass(frozen=True, kw_only=True)
class Options:
    steps: int = 600  # of the mean and of the slope: the error falls as 1 / steps
    burn_in: int = 300  # steps before, for the state to reach its attractor
    initial_states: int = 4
    exponents: int = 1  # the largest, or this many of them

    def __post_init__(self) -> None:
        if self.steps < 4 or self.burn_in < 0 or self.initial_states < 1 or self.exponents < 1:
            raise ValueError(
                f"lyapunov: {self}: steps must be 4 or more, burn_in 0 or more, initial_states and "
                "exponents 1 or more; correct the options of this probe"
            )

    def peak_numbers(self, steps: int, kept: float, state: int) -> float:
        # The states of all steps, twice; the tangent vectors and their QR.
        copies = self.initial_states * (self.exponents + 1)
        return 2 * (self.burn_in + self.steps) * self.initial_states * state + copies * (kept + 4 * state)


def measure(model: Model, task: Task, options: Options, generator: torch.Generator) -> list[Measurement]:
    """Nothing for an architecture without a state. The task is not looked at: there is no input."""
    architecture = model.architecture
    if not isinstance(architecture, Recurrent):
        return []
    size = flatten(architecture.initial_state(1)).shape[1]
    if options.exponents > size:
        raise ValueError(
            f"lyapunov: exponents = {options.exponents}, but this architecture's full state has {size} "
            f"coordinates; possible: 1 to {size}; lower exponents"
        )
    dtype = architecture.zeros(0).dtype
    s_BS = torch.randn(options.initial_states, size, generator=generator, dtype=dtype)
    v_BSE = torch.randn(options.initial_states, size, options.exponents, generator=generator, dtype=dtype)
    ln_R_TBE, s_TBS = push_forwards(architecture, s_BS, v_BSE, options)
    lambda_E = ln_R_TBE.mean((0, 1))
    u_BS = torch.randn(options.initial_states, size, generator=generator, dtype=dtype)
    ln_gradient_K = pull_backwards(architecture, s_TBS, u_BS).mean(1)
    gradient_slope = slope(ln_gradient_K, options.steps // 4, options.steps)
    names = ["lyapunov_largest", *(f"lyapunov_{i}" for i in range(2, options.exponents + 1))]
    return [
        *(Measurement(name, float(value), "nats/step") for name, value in zip(names, lambda_E, strict=True)),
        Measurement("gradient_log_slope", gradient_slope, "nats/step"),
    ]


@torch.no_grad()
def push_forwards(
    architecture: Recurrent, s_BS: Tensor, v_BSE: Tensor, options: Options
) -> tuple[Tensor, Tensor]:
    """ln |R_ii| of each step after the burn-in, and the state before each of these steps."""
    step = full_step(architecture)
    batch, exponents = len(s_BS), v_BSE.shape[2]
    no_input = architecture.zeros(batch * exponents, architecture.inputs)
    v_BSE = torch.linalg.qr(v_BSE).Q
    steps = options.burn_in + options.steps
    # Filled, not appended to: small tensors that stay, among large ones that go, make the heap grow and grow.
    ln_R_TBE, before_TBS = s_BS.new_empty(steps, batch, exponents), s_BS.new_empty(steps, *s_BS.shape)
    for t in range(steps):
        before_TBS[t] = s_BS
        # A copy of the state for each tangent vector: the sequences of a batch do not see each other.
        copies, tangents = s_BS.repeat_interleave(exponents, 0), v_BSE.mT.flatten(0, 1)
        next_copies, pushed = torch.func.jvp(partial(step, no_input), (copies,), (tangents,))[:2]
        s_BS = next_copies[::exponents]
        factors = torch.linalg.qr(pushed.unflatten(0, (batch, exponents)).mT)
        v_BSE = factors.Q
        ln_R_TBE[t] = factors.R.diagonal(dim1=1, dim2=2).abs().log()
    return ln_R_TBE[options.burn_in :], before_TBS[options.burn_in :]


@torch.enable_grad()
def pull_backwards(architecture: Recurrent, s_TBS: Tensor, u_BS: Tensor) -> Tensor:
    """ln ||u J_T ... J_{T-k+1}|| for lags 1 to T, rescaled at each step so that no lag underflows."""
    step = full_step(architecture)
    no_input = architecture.zeros(len(u_BS), architecture.inputs)
    ln_norm_B, ln_K = torch.zeros(len(u_BS), dtype=u_BS.dtype), []
    for s_BS in s_TBS.flip(0):
        s_BS = s_BS.detach().requires_grad_()
        (u_BS,) = torch.autograd.grad(step(no_input, s_BS), s_BS, u_BS, materialize_grads=True)
        norm_B1 = u_BS.norm(dim=1, keepdim=True)
        u_BS = u_BS / norm_B1
        ln_norm_B = ln_norm_B + norm_B1[:, 0].log()
        ln_K.append(ln_norm_B)
    return torch.stack(ln_K)
