"""c' = f * c + i * g,  y = h' = o * tanh(c')  with i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b).

Hochreiter & Schmidhuber (1997), Long Short-Term Memory; the forget gate f is of Gers et al. (2000).

The memory of c lasts about 1 / (1 - f) steps, so the bias of the forget gate sets the time scale:
`forget_bias` 1 is the advice of Gers et al. (2000) and Jozefowicz et al. (2015); `chrono` (Tallec & Ollivier
2018) spreads the time scales up to T_max: b_f ~ ln U[1, T_max - 1] and b_i = -b_f.
torch.nn.LSTM keeps two biases a gate that only ever act as their sum; here there is the sum.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units, G = 4H gates in torch's order i, f, g, o;
# p is the projected input W x + b.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    initialisation: Literal["default", "chrono"] = "default"
    forget_bias: float = 1.0  # the whole initial bias of the forget gate, with initialisation default
    t_max_steps: int = 0  # chrono's longest dependency; 0: the sequence length

    def parameters(self, inputs: int, hidden: int) -> int:
        return 4 * hidden * (inputs + hidden + 1)

    def state_values(self, hidden: int) -> int:
        return 2 * hidden

    def problem(self, hidden: int, length: int) -> str | None:
        if self.initialisation == "default":
            return "lstm: t_max_steps needs initialisation chrono" if self.t_max_steps else None
        if self.forget_bias != 1:
            return "lstm: forget_bias has no effect with initialisation chrono; leave it out"
        t_max_steps = self.t_max_steps or length
        return f"lstm: chrono with t_max_steps={t_max_steps}; 2 or more" if t_max_steps < 2 else None


class LSTM(ProjectedRecurrent):
    recurrent_weights = ("U_GH",)
    kernel = "lstm"
    kernel_weights = ("W_GI", "b_G", "U_GH")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        bound = hidden**-0.5  # torch's default for every weight
        self.W_GI = nn.Parameter(torch.empty(4 * hidden, inputs).uniform_(-bound, bound))
        self.U_GH = nn.Parameter(torch.empty(4 * hidden, hidden).uniform_(-bound, bound))
        self.b_G = nn.Parameter(torch.empty(4 * hidden).uniform_(-bound, bound))
        b_i_H, b_f_H, _, _ = self.b_G.detach().chunk(4)
        if options.initialisation == "chrono":
            b_f_H.uniform_(1, (options.t_max_steps or length) - 1).log_()
            b_i_H.copy_(-b_f_H)
        else:
            b_f_H.fill_(options.forget_bias)

    def initial_state(self, batch: int) -> State:
        return self.zeros(batch, self.hidden), self.zeros(batch, self.hidden)

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_GI, self.b_G)

    def advance(self, p_BG: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, c_BH = state
        i_BH, f_BH, g_BH, o_BH = (p_BG + h_BH @ self.U_GH.T).chunk(4, -1)
        c_BH = torch.sigmoid(f_BH) * c_BH + torch.sigmoid(i_BH) * torch.tanh(g_BH)
        h_BH = torch.sigmoid(o_BH) * torch.tanh(c_BH)
        return h_BH, (h_BH, c_BH)
