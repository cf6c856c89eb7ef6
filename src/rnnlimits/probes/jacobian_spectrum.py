"""Singular values of ds_T/ds_{T-k} = J_T J_{T-1} ... J_{T-k+1}, and the bound (gamma sigma_max)^k on them.

J_t = ds_t/ds_{t-1} is the Jacobian of one step in the full state.  The largest singular value says how far
the most favoured direction reaches, the smallest how far the least favoured one does; all near 1 is called
dynamical isometry (Saxe et al. 2014; Chen, Pennington & Schoenholz 2018).

Where J_t = diag(f') U with |f'| <= gamma, the largest is at most (gamma sigma_max(U))^k at every lag
(Pascanu et al. 2013, section 2.1).  Another wording of the theorem puts the spectral radius rho(U) in the
place of sigma_max(U).  That holds in the limit of long lags only: for U = [[0.5, 10], [0, 0.5]], rho is 0.5,
yet ||U|| = 10.02.  Both are counted: `bound_violations` and `bound_violations_eigenvalue_form`.

The product is rescaled after every step and its logarithm kept aside, so no lag over- or underflows.
A singular value below RELIABLE times the largest is rounding noise of the product and becomes nan (the
probe `lyapunov` with `exponents` resolves the small ones).  The values of several sequences are averaged as
logarithms; violations are counted over all lags of all sequences.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rnnlimits.contracts import ProbeOptions
from rnnlimits.probes.base import (
    Measurement,
    Model,
    Recurrent,
    Task,
    by_lag,
    flatten,
    full_step,
    sequences_of,
    slope,
)

# Shape letters: B sequences, T time steps, I inputs, S size of the full state, K lags, H hidden units.
RELIABLE = 1e-10  # float64 carries 16 digits of the largest: so small a value keeps the six that tables show
TOLERANCE = 1e-9  # relative, of the bounds: an orthogonal U reaches its bound exactly, up to rounding
JACOBIANS = 14  # so many numbers per number of the full state's Jacobian are held at the peak, as measured


@dataclass(frozen=True, kw_only=True)
class Options(ProbeOptions):
    sequences: int = 1  # driven sequences; each costs one SVD of the full state's size a step
    slope_from: int = 20  # lags of the fit; under 40 steps: the last three quarters of the sequence
    slope_to: int = 100

    def __post_init__(self) -> None:
        if self.sequences < 1 or not 0 <= self.slope_from < self.slope_to:
            raise ValueError(
                f"jacobian_spectrum: {self}: sequences must be 1 or more, and "
                "0 <= slope_from < slope_to; correct the options of this probe"
            )

    def peak_numbers(self, steps: int, kept: float, state: int) -> float:
        # The graph of one step for as many copies as the state has coordinates; the product and its SVD.
        return self.sequences * (state * kept + JACOBIANS * state**2 + 2 * steps * state)


def measure(model: Model, task: Task, options: Options, generator: torch.Generator) -> list[Measurement]:
    """Nothing for an architecture without a step to differentiate."""
    architecture = model.architecture
    if not isinstance(architecture, Recurrent):
        return []
    x_BTI = model.encoder(sequences_of(task, options.sequences, generator).x).detach()
    return along(architecture, x_BTI, options)


def along(architecture: Recurrent, x_BTI: Tensor, options: Options) -> list[Measurement]:
    """All measurements along these input sequences."""
    ln_KBS = ln_singular_values(architecture, x_BTI)
    reliable_KBS = ln_KBS.where(ln_KBS >= ln_KBS[..., :1] + math.log(RELIABLE), torch.nan)
    largest_K, median_K, smallest_K = reliable_KBS[..., [0, ln_KBS.shape[2] // 2, -1]].mean(1).T
    found = [
        *by_lag("jacobian_log10_largest", largest_K),
        *by_lag("jacobian_log10_median", median_K),
        *by_lag("jacobian_log10_smallest", smallest_K),
        Measurement("jacobian_slope", slope(largest_K, options.slope_from, options.slope_to), "nats/step"),
    ]
    if len(ln_KBS) > 1:  # lag 0 is the identity, a gain of 1 for whatever network
        found.append(Measurement("transient_gain", float(ln_KBS[1:, :, 0].max().exp()), "1"))
    if architecture.recurrent_matrix is not None and architecture.slope_bound is not None:
        found += bounds(ln_KBS[..., 0], architecture.recurrent_matrix.detach(), architecture.slope_bound)
    return found


def bounds(ln_largest_KB: Tensor, U_HH: Tensor, gamma: float) -> list[Measurement]:
    """Both forms of the bound, each checked at every lag of every sequence."""
    sigma, rho = torch.linalg.svdvals(U_HH)[0], torch.linalg.eigvals(U_HH).abs().max()
    lag_K = torch.arange(len(ln_largest_KB), dtype=U_HH.dtype)
    ln_bound_K, ln_radius_K = (torch.xlogy(lag_K, gamma * size) for size in (sigma, rho))  # 0 ln 0 = 0

    def violations(ln_limit_K: Tensor) -> int:
        return int((ln_largest_KB > ln_limit_K.unsqueeze(1) + math.log1p(TOLERANCE)).sum())

    return [
        *by_lag("jacobian_log10_bound", ln_bound_K),
        Measurement("bound_violations", violations(ln_bound_K), "lags"),
        Measurement("bound_violations_eigenvalue_form", violations(ln_radius_K), "lags"),
        Measurement("spectral_radius", float(rho), "1"),
        Measurement("largest_singular_value", float(sigma), "1"),
    ]


@torch.enable_grad()
def ln_singular_values(architecture: Recurrent, x_BTI: Tensor) -> Tensor:
    """ln of the singular values of ds_T/ds_{T-k}, falling along the last axis, at lags 0 to T - 1."""
    step, s_BS = full_step(architecture), flatten(architecture.initial_state(len(x_BTI)))
    before_T = []
    for x_BI in x_BTI.unbind(1):
        before_T.append(s_BS)
        s_BS = step(x_BI, s_BS).detach()
    size = s_BS.shape[1]
    product_BSS = torch.eye(size, dtype=s_BS.dtype).repeat(len(s_BS), 1, 1)
    ln_scale_B1 = torch.zeros(len(s_BS), 1, dtype=s_BS.dtype)
    ln_K = [ln_scale_B1.expand(-1, size)]
    for t in range(len(before_T) - 1, 0, -1):
        # A copy of the sequence for each row r of the product: pulled back through step t it is r J_t.
        copies = before_T[t].repeat_interleave(size, 0).requires_grad_()
        moved = step(x_BTI[:, t].repeat_interleave(size, 0), copies)
        (pulled,) = torch.autograd.grad(moved, copies, product_BSS.flatten(0, 1), materialize_grads=True)
        product_BSS = pulled.unflatten(0, product_BSS.shape[:2])
        scale_B11 = product_BSS.abs().amax((1, 2), keepdim=True).clamp_min(torch.finfo(s_BS.dtype).tiny)
        product_BSS, ln_scale_B1 = product_BSS / scale_B11, ln_scale_B1 + scale_B11[:, 0].log()
        ln_K.append(ln_svdvals(product_BSS) + ln_scale_B1)
    return torch.stack(ln_K)


def ln_svdvals(product_BSS: Tensor) -> Tensor:
    """nan where the product has overflowed: LAPACK would refuse it, and a run that explodes is a row, too."""
    finite_B11 = product_BSS.isfinite().all(2, keepdim=True).all(1, keepdim=True)
    values_BS: Tensor = torch.linalg.svdvals(product_BSS.where(finite_B11, 0.0))
    return values_BS.log().where(finite_B11[:, 0], torch.nan)
