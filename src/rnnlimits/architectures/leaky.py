"""y = h' = (1 - a) * h + a * tanh(W x + U h + b), with a = sigmoid(c) learned, one for each unit.

Mozer (1992), Induction of Multiscale Temporal Structure; a unit's memory lasts about 1 / a steps.  Tallec &
Ollivier (2018), Can Recurrent Neural Networks Warp Time?: the constant a makes up for a sequence played
uniformly slower, a gate a_t = sigmoid(V x + R h + c) for any warping of time (`leak: gated`).

`chrono` spreads the time scales 1 / a of the start evenly up to T_max steps, as that paper spreads an LSTM's:
c ~ -ln U[1, T_max - 1].  `fixed` leaves c where it starts, with `leak_steps` for all units.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units, G = H, or 2H with a gate; p is W x + b (and V x + c).


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    leak: Literal["learned", "fixed", "gated"] = "learned"
    initialisation: Literal["constant", "chrono"] = "constant"
    leak_steps: float = 10.0  # 1 / a at the start, with initialisation constant; 1 is Elman's network
    t_max_steps: int = 0  # chrono's longest time scale; 0: the sequence length

    @property
    def tensors_kept(self) -> int:
        return 10 if self.leak == "gated" else 7

    def parameters(self, inputs: int, hidden: int) -> int:
        recurrent = hidden * (inputs + hidden + 1)
        return recurrent + {"learned": hidden, "fixed": 0, "gated": recurrent}[self.leak]

    def frozen(self, inputs: int, hidden: int) -> int:
        return hidden if self.leak == "fixed" else 0

    def problem(self, hidden: int, length: int) -> str | None:
        if self.initialisation == "chrono":
            t_max_steps = self.t_max_steps or length
            return f"leaky: chrono with t_max_steps={t_max_steps}; 2 or more" if t_max_steps < 2 else None
        if self.t_max_steps:
            return "leaky: t_max_steps needs initialisation chrono"
        return None if self.leak_steps > 1 else f"leaky: leak_steps={self.leak_steps}; more than 1"


def initial_leaks(options: Options, hidden: int, length: int) -> Tensor:
    """c, for a = 1 / steps: sigmoid(-ln(steps - 1)) = 1 / steps."""
    if options.initialisation == "chrono":
        return -torch.empty(hidden).uniform_(1, (options.t_max_steps or length) - 1).log()
    return -torch.full((hidden,), options.leak_steps - 1).log()


class Leaky(ProjectedRecurrent):
    recurrent_weights = ("U_GH",)
    kernel = "leaky"
    kernel_weights = ("W_GI", "b_H", "U_GH", "c_H")
    c_H: Tensor

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.gated = options.leak == "gated"
        bound, rows = hidden**-0.5, hidden * (1 + self.gated)  # torch's default for every weight
        self.W_GI = nn.Parameter(torch.empty(rows, inputs).uniform_(-bound, bound))
        self.U_GH = nn.Parameter(torch.empty(rows, hidden).uniform_(-bound, bound))
        self.b_H = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))
        leaks_H = initial_leaks(options, hidden, length)
        if options.leak == "fixed":
            self.register_buffer("c_H", leaks_H)
        else:
            self.c_H = nn.Parameter(leaks_H)

    def project(self, x_I: Tensor) -> Tensor:
        bias_G = torch.cat([self.b_H, self.c_H]) if self.gated else self.b_H
        return nn.functional.linear(x_I, self.W_GI, bias_G)

    def advance(self, p_BG: Tensor, state: State) -> tuple[Tensor, State]:
        (h_BH,) = state
        u_BH, *gate = (p_BG + h_BH @ self.U_GH.T).split(self.hidden, -1)
        a_BH = torch.sigmoid(gate[0] if self.gated else self.c_H)
        h_BH = h_BH + a_BH * (torch.tanh(u_BH) - h_BH)
        return h_BH, (h_BH,)
