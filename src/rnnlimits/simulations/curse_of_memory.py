"""The curse of memory: the longer a stable recurrence remembers, the more a small change of its weight does.

    h' = l h + x,   x ~ N(0, 1):    E[(dh/dl)^2] = (1 + l^2) / (1 - l^2)^3        Zucchet & Orvieto (2024)

At l = 0.5 that is 2.96, at l = 0.99 it is 251,000, though no h explodes. The remedy of the same paper:
normalise the input, and learn nu, which sets the rate of forgetting, instead of l:

    h' = l h + sqrt(1 - l^2) x,   l = exp(-exp(nu)):    E[(dh/dnu)^2] = (l ln l / (1 - l^2))^2

which is 0.21 at l = 0.5 and 1/4 at most, as l approaches 1. (From d/dl of both terms: their variances and
covariance add up to 1 / (1 - l^2)^2, and dl/dnu = l ln l.) Both are measured here by Monte Carlo, with the
derivative carried along: s' = dh'/dl = h + l s + (d/dl of the input's factor) x.

>>> by_metric = {found.metric: found.value for found in simulate(Options(decay=0.9), seed=0)}
>>> 0.9 < by_metric["variance_over_theory"] < 1.1, 0.9 < by_metric["normalised_variance_over_theory"] < 1.1
(True, True)
"""

import math
from dataclasses import dataclass

import numpy as np

from rnnlimits.contracts import SimulationOptions
from rnnlimits.simulations.base import Measurement

# Shape letters: P paths.
REFERENCE_DECAY = 0.5
SHORTEST_DECAY = 0.001
LONGEST_DECAY = 0.99999
MOST = 10_000_000  # paths, or steps
FORGOTTEN = 1e-6  # the start of a path weighs less than this at its end


@dataclass(frozen=True, kw_only=True)
class Options(SimulationOptions):
    decay: float = 0.99  # l, between 0 and 1
    paths: int = 4000  # each gives one value: 4,000 leave a standard error of 2 %
    steps: int | None = None  # None: until the start is forgotten

    def __post_init__(self) -> None:
        if not SHORTEST_DECAY <= self.decay <= LONGEST_DECAY:
            raise ValueError(
                f"curse_of_memory: got decay={self.decay}; expected {SHORTEST_DECAY} to {LONGEST_DECAY}: "
                "a stable recurrence that remembers, for some millions of steps at most"
            )
        if not 1 <= self.paths <= MOST or not 2 <= (MOST if self.steps is None else self.steps) <= MOST:
            raise ValueError(
                f"curse_of_memory: got paths={self.paths}, steps={self.steps}; expected 1 to {MOST} paths, "
                f"and 2 to {MOST} steps or null"
            )


def theory(decay: float) -> float:
    """E[(dh/dl)^2] for the plain recurrence.

    >>> round(theory(0.5), 2), round(theory(0.99))
    (2.96, 251263)
    """
    return (1 + decay**2) / (1 - decay**2) ** 3


def normalised_theory(decay: float) -> float:
    """E[(dh/dnu)^2] for the normalised recurrence with l = exp(-exp(nu)).

    >>> round(normalised_theory(0.5), 4), round(normalised_theory(0.999999), 4)
    (0.2135, 0.25)
    """
    return (decay * math.log(decay) / (1 - decay**2)) ** 2


def measure(decay: float, options: Options, rng: np.random.Generator) -> tuple[float, float]:
    """Mean squares of dh/dl, plain, and of dh/dnu, normalised, over paths with the same inputs."""
    # s is of the order t l^t after t steps, hence the factor 2.
    steps = options.steps or math.ceil(2 * math.log(FORGOTTEN) / math.log(decay))
    factor = math.sqrt(1 - decay**2)
    factor_slope = -decay / factor
    h_P, s_P, normal_h_P, normal_s_P = np.zeros((4, options.paths))
    for _ in range(steps):
        x_P = rng.standard_normal(options.paths)
        h_P, s_P = decay * h_P + x_P, h_P + decay * s_P
        normal_s_P = normal_h_P + decay * normal_s_P + factor_slope * x_P
        normal_h_P = decay * normal_h_P + factor * x_P
    dl_dnu = decay * math.log(decay)
    return float(np.mean(s_P**2)), float(np.mean((dl_dnu * normal_s_P) ** 2))


def simulate(options: Options, seed: int) -> list[Measurement]:
    rng = np.random.default_rng(seed)
    plain, normalised = measure(options.decay, options, rng)
    plain_short, normalised_short = measure(REFERENCE_DECAY, options, rng)
    growth, normalised_growth = plain / plain_short, normalised / normalised_short
    return [
        Measurement("variance_over_theory", plain / theory(options.decay), "ratio"),
        Measurement(
            "normalised_variance_over_theory", normalised / normalised_theory(options.decay), "ratio"
        ),
        # Against decay 0.5: how much the answer grows with memory, without and with the remedy.
        Measurement("variance_ratio", growth, "ratio"),
        Measurement("normalised_variance_ratio", normalised_growth, "ratio"),
        Measurement("flattening", growth / normalised_growth, "ratio"),
    ]
