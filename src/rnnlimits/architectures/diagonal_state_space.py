"""h' = exp(d A) h + (exp(d A) - 1) / A u, z = 2 Re(C h') + D u, u = W x + b: N complex h for each unit.

Gu, Goel, Gupta & Re (2022), On the Parameterization and Initialization of Diagonal State Space Models
(S4D), with the discretisation that holds u between steps (ZOH).  A = -exp(a) + i w starts at -1/2 + i pi n,
n = 0 .. N - 1 (S4D-Lin), and each unit has a time step d of its own, ln d uniform: 1 / d is the number of
steps in a unit of time, the scale of the unit's memory.  Each number stands for itself and its conjugate.
The dynamics are the same whatever the input says: a linear, time-invariant filter.

y = (V g + c) * sigmoid(R g + e) with g = gelu(z) mixes the units, as in the authors' layer; normalisation
and skip path are left out, and the rates of A and d learn as all others (the authors slow them down).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures._linear import LinearRecurrent
from rnnlimits.architectures.base import State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units, N complex coordinates of each unit's state.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    state_size: int = 16  # N; the authors' code takes 32, with as many conjugates
    step_min: float = 0.001  # of d at the start; theirs
    step_max: float = 0.1

    @property
    def tensors_kept(self) -> int:
        return 8 + 16 * self.state_size

    def parameters(self, inputs: int, hidden: int) -> int:
        units = hidden * (2 + 4 * self.state_size)
        return hidden * (inputs + 1) + units + 2 * hidden * (hidden + 1)

    def state_values(self, hidden: int) -> int:
        return 2 * hidden * self.state_size

    def problem(self, hidden: int, length: int) -> str | None:
        if self.state_size < 1:
            return f"diagonal_state_space: state_size={self.state_size}; 1 or more"
        if not 0 < self.step_min < self.step_max:
            given = f"step_min={self.step_min}, step_max={self.step_max}"
            return f"diagonal_state_space: {given}; 0 < step_min < step_max"
        return None


class DiagonalStateSpace(LinearRecurrent):
    recurrent_weights = ("ln_step_H1", "ln_decay_HN", "frequency_HN")
    kernel = "diagonal_state_space"
    kernel_weights = ("input.weight", "input.bias", *recurrent_weights, "C_HN2", "D_H", "mixing.weight",
                      "mixing.bias")  # fmt: skip

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        N = options.state_size
        self.input = nn.Linear(inputs, hidden)
        ln_step_H = torch.empty(hidden, 1).uniform_(math.log(options.step_min), math.log(options.step_max))
        self.ln_step_H1 = nn.Parameter(ln_step_H)
        self.ln_decay_HN = nn.Parameter(torch.full((hidden, N), 0.5).log())
        self.frequency_HN = nn.Parameter(math.pi * torch.arange(float(N)).repeat(hidden, 1))
        self.C_HN2 = nn.Parameter(torch.randn(hidden, N, 2) / math.sqrt(2))
        self.D_H = nn.Parameter(torch.randn(hidden))
        self.mixing = nn.Linear(hidden, 2 * hidden)

    def initial_state(self, batch: int) -> State:
        return (self.zeros(batch, self.hidden, self.options.state_size, 2),)

    def coefficients(self, x_I: Tensor) -> tuple[Tensor, Tensor]:
        A_HN = torch.complex(-self.ln_decay_HN.exp(), self.frequency_HN)
        dA_HN = self.ln_step_H1.exp() * A_HN
        return torch.exp(dA_HN), torch.expm1(dA_HN) / A_HN * self.input(x_I).unsqueeze(-1)

    def read(self, h_HN: Tensor, x_I: Tensor) -> Tensor:
        C_re_HN, C_im_HN = self.C_HN2.unbind(-1)
        z_H = 2 * (h_HN.real * C_re_HN - h_HN.imag * C_im_HN).sum(-1) + self.D_H * self.input(x_I)
        return nn.functional.glu(self.mixing(nn.functional.gelu(z_H)), -1)
