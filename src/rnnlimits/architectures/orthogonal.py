"""y = h' = f(W x + Q h), Q = exp(A - A^T) orthogonal for every A, f(z) = sign(z) relu(|z| + b), the modReLU.

Lezcano-Casado & Martinez-Rubio (2019), Cheap Orthogonal Constraints in Neural Networks (expRNN); modReLU:
Arjovsky, Shah & Bengio (2016).  Q keeps every length and f' is 0 or 1, so no gradient can explode, and none
is lost where all |z| > -b.  The skew matrix A - A^T is stored as its H (H - 1) / 2 numbers: updates of
these never leave the rotations, so there is nothing to project back.  exp reaches rotations only, no
reflections.

Q starts as rotations of pairs of units by angles U[-pi, pi], our choice: all turns alike; b = 0, where
modReLU is the identity, and W Glorot.  With `tanh`, f(W x + Q h + b) is Elman's with an orthogonal matrix
for good; elman with initialisation orthogonal has one at the start only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.architectures.kernels.skew import above_diagonal, skew
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, T time steps, I inputs, H hidden units, K pairs of units; p is W x.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    nonlinearity: Literal["modrelu", "tanh"] = "modrelu"
    initialisation: Literal["rotations", "identity"] = "rotations"

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + 1) + hidden * (hidden - 1) // 2


class Orthogonal(ProjectedRecurrent):
    recurrent_weights = ("A_K",)
    kernel = "orthogonal"
    kernel_weights = ("W_HI", "b_H", "A_K")
    slope_bound = 1.0

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.kernel_arguments = (options.nonlinearity,)
        self.W_HI = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, inputs)))
        self.b_H = nn.Parameter(torch.zeros(hidden))
        rotations_HH = torch.zeros(hidden, hidden)
        if options.initialisation == "rotations":
            rotations_HH.diagonal(1)[::2] = torch.empty(hidden // 2).uniform_(-math.pi, math.pi)
        self.A_K = nn.Parameter(above_diagonal(rotations_HH))

    @property
    def recurrent_matrix(self) -> Tensor:
        return self.U_HH

    @property
    def U_HH(self) -> Tensor:
        return torch.matrix_exp(skew(self.A_K, self.hidden))

    def advance_by(self, U_HH: Tensor) -> Callable[[Tensor, State], tuple[Tensor, State]]:
        """What follows W x in a step; Q is the same in all of them."""

        def advance(p_BH: Tensor, state: State) -> tuple[Tensor, State]:
            z_BH = p_BH + state[0] @ U_HH.T
            if self.options.nonlinearity == "tanh":
                h_BH = torch.tanh(z_BH + self.b_H)
            else:
                h_BH = z_BH.sign() * torch.relu(z_BH.abs() + self.b_H)
            return h_BH, (h_BH,)

        return advance

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_HI)

    def advance(self, p_BH: Tensor, state: State) -> tuple[Tensor, State]:
        return self.advance_by(self.U_HH)(p_BH, state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self.scan(self.advance_by(self.U_HH), self.project(x_BTI), state)
