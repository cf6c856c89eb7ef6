"""y = h' = f(W x + u * h + b), u a vector: every unit is connected to itself alone.

Li, Li, Cook, Zhu & Gao (2018), Independently Recurrent Neural Network (IndRNN): Building a Longer and Deeper
RNN.  A gradient reaches back k steps as (f' u)^k, unit by unit, so a bound on |u| bounds it: |u| <=
G^(1/length) lets the factor over the whole sequence be at most G, the paper's |u| <= 2^(1/T) for relu.

The authors' code clips u itself after every update.  Here u is clipped where it is used, and the gradient
passes the clip unchanged, so that u can come back.  At the start u ~ U[0, bound], as in all but the last of
the paper's layers, or U[1 / bound, bound], as in the last one (`initialisation: long`): a state that lasts.
For adding the authors draw W from N(0, 0.001^2).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units; p is the projected input W x + b.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    nonlinearity: Literal["relu", "tanh"] = "relu"
    initialisation: Literal["uniform", "long"] = "uniform"
    largest_gain: float = 2.0  # G: of a gradient over the whole sequence; 0: u is not bounded
    input_std: float = 0.0  # of the initial W; 0: torch's default

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + 2)

    def problem(self, hidden: int, length: int) -> str | None:
        if self.largest_gain and self.largest_gain < 1:
            return f"independent: largest_gain={self.largest_gain}; 1 or more, or 0 for none"
        if self.input_std < 0:
            return f"independent: got input_std={self.input_std}; a standard deviation is 0 or more"
        if self.initialisation == "long" and not self.largest_gain:
            return "independent: initialisation long needs largest_gain; set it to 1 or more"
        return None


class Independent(ProjectedRecurrent):
    recurrent_weights = ("u_H",)
    slope_bound = 1.0
    kernel = "independent"
    kernel_weights = ("W_HI", "b_H", "u_H")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.f = getattr(torch, options.nonlinearity)
        self.bound = options.largest_gain ** (1 / length) if options.largest_gain else float("inf")
        self.kernel_arguments = (options.nonlinearity, self.bound)
        lowest = 1 / self.bound if options.initialisation == "long" else 0.0
        self.W_HI = nn.Parameter(torch.empty(hidden, inputs).uniform_(-(hidden**-0.5), hidden**-0.5))
        if options.input_std:
            nn.init.normal_(self.W_HI, 0, options.input_std)
        self.u_H = nn.Parameter(
            torch.empty(hidden).uniform_(lowest, self.bound if options.largest_gain else 1.0)
        )
        self.b_H = nn.Parameter(torch.zeros(hidden))

    @property
    def bounded_u_H(self) -> Tensor:
        return self.u_H + (self.u_H.clamp(-self.bound, self.bound) - self.u_H).detach()

    @property
    def recurrent_matrix(self) -> Tensor:
        return torch.diag(self.bounded_u_H)

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_HI, self.b_H)

    def advance(self, p_BH: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH = self.f(p_BH + self.bounded_u_H * state[0])
        return h_BH, (h_BH,)
