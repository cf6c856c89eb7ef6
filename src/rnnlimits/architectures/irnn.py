"""h' = relu(W x + U h + b), y = h', starting at U = identity, b = 0, W ~ N(0, 0.001^2).

Le, Jaitly & Hinton (2015), A Simple Way to Initialize Recurrent Networks of Rectified Linear Units.
At the start the state is copied from step to step, and so is the gradient: the error reaches any lag at
full size until training moves U. The price is a network that one large step can make explode.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import PlainRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units; p is the projected input W x + b.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    input_std: float = 0.001  # standard deviation of the initial W; the paper's value
    identity_scale: float = 1.0  # U starts at this times the identity; the paper takes 0.01 for speech

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + hidden + 1)

    def problem(self, hidden: int, length: int) -> str | None:
        fits = self.input_std >= 0
        return None if fits else f"irnn: got input_std={self.input_std}; a standard deviation is 0 or more"


class IRNN(PlainRecurrent):
    slope_bound = 1.0
    nonlinearity = "relu"
    kernel_arguments = ("relu",)

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.W_HI = nn.Parameter(torch.empty(hidden, inputs).normal_(0, options.input_std))
        self.U_HH = nn.Parameter(options.identity_scale * torch.eye(hidden))
        self.b_H = nn.Parameter(torch.zeros(hidden))

    def advance(self, p_BH: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH = torch.relu(p_BH + state[0] @ self.U_HH.T)
        return h_BH, (h_BH,)
