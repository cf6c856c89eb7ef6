"""r, z = sigmoid(W x + U h + b),  n = tanh(W_n x + b_n + r * (U_n h + c)),  y = h' = (1 - z) * n + z * h.

Cho et al. (2014), Learning Phrase Representations using RNN Encoder-Decoder, in the variant of torch and
cuDNN: the reset gate r acts after the product U_n h, which therefore keeps a bias c of its own. (In the paper
r acts on h before the product, and z and 1 - z are exchanged with respect to Chung et al. 2014.)
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units, G = 3H gates in torch's order r, z, n;
# p is the projected input W x + b.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    def parameters(self, inputs: int, hidden: int) -> int:
        return 3 * hidden * (inputs + hidden + 1) + hidden


class GRU(ProjectedRecurrent):
    recurrent_weights = ("U_GH",)
    kernel = "gru"
    kernel_weights = ("W_GI", "b_G", "U_GH", "c_H")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        bound = hidden**-0.5  # torch's default for every weight
        self.W_GI = nn.Parameter(torch.empty(3 * hidden, inputs).uniform_(-bound, bound))
        self.U_GH = nn.Parameter(torch.empty(3 * hidden, hidden).uniform_(-bound, bound))
        self.b_G = nn.Parameter(torch.empty(3 * hidden).uniform_(-bound, bound))
        self.c_H = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_GI, self.b_G)

    def advance(self, p_BG: Tensor, state: State) -> tuple[Tensor, State]:
        (h_BH,) = state
        p_rz_B2H, p_n_BH = p_BG.tensor_split((2 * self.hidden,), -1)
        u_rz_B2H, u_n_BH = (h_BH @ self.U_GH.T).tensor_split((2 * self.hidden,), -1)
        r_BH, z_BH = torch.sigmoid(p_rz_B2H + u_rz_B2H).chunk(2, -1)
        n_BH = torch.tanh(p_n_BH + r_BH * (u_n_BH + self.c_H))
        h_BH = n_BH + z_BH * (h_BH - n_BH)
        return h_BH, (h_BH,)
