"""h' = exp(d A) h + d B u, z = C h' + D u, with d = softplus(P u + p), B = Q u, C = R u chosen by the input.

Gu & Dao (2023), Mamba: Linear-Time Sequence Modeling with Selective State Spaces (S6).  u = silu(W x + b),
A < 0 real and diagonal, N numbers h for each unit.  A large d forgets and writes, a small one keeps: how
long a unit remembers depends on the input, but not on the state.  y = V (z * silu(S x)), as in the authors'
block, of which the short convolution, the normalisation and the skip path are left out and whose units are
not doubled.

A starts at -1, -2, .., -N (S4D-real), D at 1, p where ln d is uniform between `step_min` and `step_max`; P
is the product of an H x K and a K x H matrix of rank K = ceil(H / 16).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures._linear import LinearRecurrent
from rnnlimits.architectures.base import State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units, N coordinates of each unit's state, K the rank of P.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    state_size: int = 16  # N, of the authors' code
    step_min: float = 0.001  # of d at the start; theirs
    step_max: float = 0.1

    @property
    def tensors_kept(self) -> int:
        return 16 + 12 * self.state_size

    def parameters(self, inputs: int, hidden: int) -> int:
        N, K = self.state_size, -(-hidden // 16)
        return hidden * (2 * inputs + 1 + 2 * N + 2 * K + 1 + N + 1 + hidden)

    def state_values(self, hidden: int) -> int:
        return hidden * self.state_size

    def problem(self, hidden: int, length: int) -> str | None:
        if self.state_size < 1:
            return f"selective_state_space: state_size={self.state_size}; 1 or more"
        given = f"step_min={self.step_min}, step_max={self.step_max}"
        fits = 0 < self.step_min < self.step_max
        return None if fits else f"selective_state_space: {given}; 0 < step_min < step_max"


class SelectiveStateSpace(LinearRecurrent):
    # A and what d is made of; P lies in one matrix with Q and R.
    recurrent_weights = ("ln_A_HN", "chosen.weight", "step_size.weight", "step_size.bias")
    kernel = "selective_state_space"
    kernel_weights = ("input.weight", "input.bias", "gate.weight", *recurrent_weights, "D_H", "output.weight")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        N, K = options.state_size, -(-hidden // 16)
        self.sizes = K, N, N
        self.input = nn.Linear(inputs, hidden)
        self.gate = nn.Linear(inputs, hidden, bias=False)
        self.chosen = nn.Linear(hidden, K + 2 * N, bias=False)  # K rows of P, then Q, then R
        self.step_size = nn.Linear(K, hidden)
        nn.init.uniform_(self.step_size.weight, -(K**-0.5), K**-0.5)
        d_H = torch.empty(hidden).uniform_(math.log(options.step_min), math.log(options.step_max)).exp()
        with torch.no_grad():
            self.step_size.bias.copy_(d_H + torch.log(-torch.expm1(-d_H)))  # softplus of it is d
        self.ln_A_HN = nn.Parameter(torch.arange(1.0, N + 1).repeat(hidden, 1).log())
        self.D_H = nn.Parameter(torch.ones(hidden))
        self.output = nn.Linear(hidden, hidden, bias=False)

    def initial_state(self, batch: int) -> State:
        return (self.zeros(batch, self.hidden, self.options.state_size),)

    def coefficients(self, x_I: Tensor) -> tuple[Tensor, Tensor]:
        u_H = nn.functional.silu(self.input(x_I))
        d_K, B_N, _ = self.chosen(u_H).split(self.sizes, -1)
        d_H1 = nn.functional.softplus(self.step_size(d_K)).unsqueeze(-1)
        return torch.exp(-d_H1 * self.ln_A_HN.exp()), d_H1 * u_H.unsqueeze(-1) * B_N.unsqueeze(-2)

    def read(self, h_HN: Tensor, x_I: Tensor) -> Tensor:
        u_H = nn.functional.silu(self.input(x_I))
        C_N = self.chosen(u_H)[..., -self.options.state_size :]
        z_H = (h_HN @ C_N.unsqueeze(-1)).squeeze(-1) + self.D_H * u_H
        y_H: Tensor = self.output(z_H * nn.functional.silu(self.gate(x_I)))
        return y_H
