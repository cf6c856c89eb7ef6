"""h' = l * h + G * (B x), l = exp(-exp(nu) + i exp(theta)) complex, z = Re(C h') + D x, y = gated(z).

Orvieto et al. (2023), Resurrecting Recurrent Neural Networks for Long Sequences (the LRU).  |l| =
exp(-exp(nu)) is below 1 whatever nu is.  At the start l is uniform on the ring r_min <= |l| <= r_max with
phases up to `max_phase`, and G = sqrt(1 - |l|^2), learned as its logarithm, keeps the state's variance at
that of a white input.  B ~ N(0, 1 / (2 I)), C ~ N(0, 1 / H) for real and imaginary parts.

The state is linear in all inputs.  `output: gated`, the paper's block without its normalisation and skip
path, is y = (V g + b) * sigmoid(W g + c) with g = gelu(z); `linear` is y = z, and with it nothing
multiplies two inputs.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures._linear import LinearRecurrent
from rnnlimits.architectures.base import State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units (as many outputs as complex coordinates of the state).


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    output: Literal["gated", "linear"] = "gated"
    r_min: float = 0.0  # the ring of the eigenvalues' start; for long memories near 1
    r_max: float = 1.0
    max_phase: float = 6.28  # radians; a tenth of it and less favours slow oscillations

    @property
    def tensors_kept(self) -> int:
        return 25 if self.output == "gated" else 22

    def parameters(self, inputs: int, hidden: int) -> int:
        mixing = 2 * hidden * (hidden + 1) if self.output == "gated" else 0
        return 3 * hidden + 2 * hidden * inputs + 2 * hidden * hidden + hidden * inputs + mixing

    def state_values(self, hidden: int) -> int:
        return 2 * hidden

    def problem(self, hidden: int, length: int) -> str | None:
        if not 0 <= self.r_min < self.r_max <= 1:
            given = f"r_min={self.r_min}, r_max={self.r_max}"
            return f"linear_recurrent_unit: {given}; 0 <= r_min < r_max <= 1"
        return None if self.max_phase > 0 else f"linear_recurrent_unit: max_phase={self.max_phase}; above 0"


class LinearRecurrentUnit(LinearRecurrent):
    recurrent_weights = ("nu_H", "theta_H")
    kernel = "linear_recurrent_unit"

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        squared_H = torch.empty(hidden).uniform_(options.r_min**2, options.r_max**2).clamp(1e-9, 1 - 1e-6)
        self.nu_H = nn.Parameter((-squared_H.log() / 2).log())
        self.theta_H = nn.Parameter((options.max_phase * torch.rand(hidden)).clamp_min(1e-9).log())
        self.ln_G_H = nn.Parameter((1 - squared_H).log() / 2)
        self.B_HI2 = nn.Parameter(torch.randn(hidden, inputs, 2) / math.sqrt(2 * inputs))
        self.C_HH2 = nn.Parameter(torch.randn(hidden, hidden, 2) / math.sqrt(hidden))
        self.D_HI = nn.Parameter(torch.randn(hidden, inputs) / math.sqrt(inputs))
        self.mixing = nn.Linear(hidden, 2 * hidden) if options.output == "gated" else None
        self.kernel_weights = tuple(name for name, _ in self.named_parameters())

    def initial_state(self, batch: int) -> State:
        return (self.zeros(batch, self.hidden, 2),)

    def coefficients(self, x_I: Tensor) -> tuple[Tensor, Tensor]:
        size_H, phase_H = torch.exp(-self.nu_H.exp()), self.theta_H.exp()
        real, imaginary = (x_I @ B_HI.T * self.ln_G_H.exp() for B_HI in self.B_HI2.unbind(-1))
        return torch.polar(size_H, phase_H), torch.complex(real, imaginary)

    def read(self, h_H: Tensor, x_I: Tensor) -> Tensor:
        C_re_HH, C_im_HH = self.C_HH2.unbind(-1)
        z_H = h_H.real @ C_re_HH.T - h_H.imag @ C_im_HH.T + x_I @ self.D_HI.T
        return z_H if self.mixing is None else nn.functional.glu(self.mixing(nn.functional.gelu(z_H)), -1)
