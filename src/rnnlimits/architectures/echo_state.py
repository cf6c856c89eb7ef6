"""s' = (1 - a) s + a tanh(W x + U s), y = s', with W and U frozen: only the read-out learns.

Jaeger (2001), The "echo state" approach; leak a: Jaeger, Lukosevicius, Popovici & Siewert (2007). It shows
what a random recurrence remembers without any gradient through time. A spectral radius below 1 usually, not
always, makes the start of the sequence fade.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units; p is the projected input W x.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    spectral_radius: float = 0.95
    leak: float = 1.0  # a: 1 forgets as fast as the matrix does, near 0 the state is slow
    input_scale: float = 1.0  # W is uniform between minus and plus this

    def parameters(self, inputs: int, hidden: int) -> int:
        return 0

    def frozen(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + hidden)

    def problem(self, hidden: int, length: int) -> str | None:
        if not 0 < self.leak <= 1:
            return f"echo_state: leak={self.leak}; it must lie above 0 and be at most 1"
        if self.input_scale < 0 or self.spectral_radius < 0:
            given = f"input_scale={self.input_scale}, spectral_radius={self.spectral_radius}"
            return f"echo_state: got {given}; both are 0 or more"
        return None


class EchoState(ProjectedRecurrent):
    recurrent_weights = ("U_HH",)
    W_HI: Tensor
    U_HH: Tensor

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        U_HH = torch.randn(hidden, hidden)
        U_HH *= options.spectral_radius / torch.linalg.eigvals(U_HH).abs().max()
        W_HI = torch.empty(hidden, inputs).uniform_(-options.input_scale, options.input_scale)
        self.register_buffer("W_HI", W_HI)
        self.register_buffer("U_HH", U_HH)
        # With a leak the Jacobian is (1 - a) I + a diag(f') U, to which the bound does not apply.
        self.slope_bound = 1.0 if options.leak == 1 else None

    @property
    def recurrent_matrix(self) -> Tensor | None:
        return None if self.slope_bound is None else self.U_HH

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_HI)

    def advance(self, p_BH: Tensor, state: State) -> tuple[Tensor, State]:
        (s_BH,) = state
        new_BH = torch.tanh(p_BH + s_BH @ self.U_HH.T)
        s_BH = s_BH + self.options.leak * (new_BH - s_BH)
        return s_BH, (s_BH,)
