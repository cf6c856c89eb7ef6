"""h' = modReLU(W h + V x), y = A [Re h', Im h'] + a, W = D3 R2 F^-1 D2 P R1 F D1 unitary, h complex.

Arjovsky, Shah & Bengio (2016), Unitary Evolution Recurrent Neural Networks (uRNN).  D: phases e^(i theta); R:
reflections I - 2 v v* / |v|^2; F: the Fourier transform; P: a fixed permutation; modReLU(z) = z relu(|z| + b)
/ |z|.  W has 7 H weights and keeps every length: by it, no gradient shrinks or grows; modReLU may change one,
also lengthen it, where b > 0.  A is the authors' map from the 2 H real numbers of the state to the outputs,
here to H of them before the read-out.

As in the released code, theta, v and V start as Glorot's and b ~ U[-0.01, 0.01].  Left out: that code's first
state, which is trained, and its scale of each unit, by which W is not unitary.  One version of it has neither
F nor F^-1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import Recurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units, each a complex number, its parts on a last axis of 2.
SMALL = 1e-5


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    tensors_kept = 60

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (2 * inputs + 3 + 4 + 1) + hidden * (2 * hidden + 1)

    def frozen(self, inputs: int, hidden: int) -> int:
        return hidden * hidden

    def state_values(self, hidden: int) -> int:
        return 2 * hidden


def glorot(*shape: int, fans: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape).uniform_(-((6 / fans) ** 0.5), (6 / fans) ** 0.5))


class Unitary(Recurrent):
    recurrent_weights = ("theta_3H", "v_2H2")
    P_HH: Tensor

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.V_HI2 = glorot(hidden, inputs, 2, fans=inputs + hidden)
        self.theta_3H = glorot(3, hidden, fans=3 + hidden)
        self.v_2H2 = glorot(2, hidden, 2, fans=2 + 2 * hidden)
        self.b_H = nn.Parameter(torch.empty(hidden).uniform_(-0.01, 0.01))
        self.A = nn.Linear(2 * hidden, hidden)
        self.register_buffer("P_HH", torch.eye(hidden)[torch.randperm(hidden)])

    def initial_state(self, batch: int) -> State:
        return (self.zeros(batch, self.hidden, 2),)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        V_re_HI, V_im_HI = self.V_HI2.unbind(-1)
        z_BH = self.turned(torch.complex(*state[0].unbind(-1)))
        z_BH = z_BH + torch.complex(x_BI @ V_re_HI.T, x_BI @ V_im_HI.T)
        size_BH = (z_BH.real.square() + z_BH.imag.square() + SMALL**2).sqrt()  # smooth at 0, unlike |z|
        factor_BH = torch.relu(size_BH + self.b_H) / size_BH
        h_BH2 = torch.stack([z_BH.real * factor_BH, z_BH.imag * factor_BH], -1)
        return self.A(h_BH2.flatten(-2)), (h_BH2,)

    def turned(self, z_BH: Tensor) -> Tensor:
        """W z."""
        D1_H, D2_H, D3_H = torch.polar(torch.ones_like(self.theta_3H), self.theta_3H)
        v1_H, v2_H = torch.complex(*self.v_2H2.unbind(-1))
        z_BH = reflected(torch.fft.fft(D1_H * z_BH, norm="ortho"), v1_H)
        z_BH = D2_H * (z_BH @ torch.complex(self.P_HH, torch.zeros_like(self.P_HH)).T)
        turned_BH: Tensor = D3_H * reflected(torch.fft.ifft(z_BH, norm="ortho"), v2_H)
        return turned_BH


def reflected(z_BH: Tensor, v_H: Tensor) -> Tensor:
    """(I - 2 v v* / |v|^2) z."""
    along_B1 = (z_BH * v_H.conj()).sum(-1, keepdim=True) / v_H.abs().square().sum()
    return z_BH - 2 * along_B1 * v_H
