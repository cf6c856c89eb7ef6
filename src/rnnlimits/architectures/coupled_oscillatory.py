"""z' = z + dt (tanh(W x + U z + V h + b) - k h - e z),  y = h' = h + dt z': driven, damped oscillators.

Rusch & Mishra (2021), Coupled Oscillatory Recurrent Neural Network (coRNN).  h is where each oscillator is
and z how fast it moves; sqrt(k) is its frequency and e its damping, the same for all units and never
learned.  The step is implicit in one place: h moves with the new z.

The defaults are the authors' for sequential digits; for adding they take step 0.06, stiffness 66, damping 15.
Weights start as torch's linear layer of [x, z, h].
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units; p is W x + b.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    step_size: float = 0.042  # dt
    stiffness: float = 2.7  # k, the paper's gamma
    damping: float = 4.7  # e, the paper's epsilon

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + 2 * hidden + 1)

    def state_values(self, hidden: int) -> int:
        return 2 * hidden

    def problem(self, hidden: int, length: int) -> str | None:
        given = (self.step_size, self.stiffness, self.damping)
        names = "step_size, stiffness and damping"
        return None if min(given) > 0 else f"coupled_oscillatory: {names} = {given}; all above 0"


class CoupledOscillatory(ProjectedRecurrent):
    recurrent_weights = ("U_HH", "V_HH")
    kernel = "coupled_oscillatory"
    kernel_weights = ("W_HI", "b_H", "U_HH", "V_HH")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.kernel_arguments = (options.step_size, options.stiffness, options.damping)
        bound = (inputs + 2 * hidden) ** -0.5
        self.W_HI = nn.Parameter(torch.empty(hidden, inputs).uniform_(-bound, bound))
        self.U_HH = nn.Parameter(torch.empty(hidden, hidden).uniform_(-bound, bound))
        self.V_HH = nn.Parameter(torch.empty(hidden, hidden).uniform_(-bound, bound))
        self.b_H = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))

    def initial_state(self, batch: int) -> State:
        return self.zeros(batch, self.hidden), self.zeros(batch, self.hidden)

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_HI, self.b_H)

    def advance(self, p_BH: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, z_BH = state
        force_BH = torch.tanh(p_BH + z_BH @ self.U_HH.T + h_BH @ self.V_HH.T)
        force_BH = force_BH - self.options.stiffness * h_BH - self.options.damping * z_BH
        z_BH = z_BH + self.options.step_size * force_BH
        h_BH = h_BH + self.options.step_size * z_BH
        return h_BH, (h_BH, z_BH)
