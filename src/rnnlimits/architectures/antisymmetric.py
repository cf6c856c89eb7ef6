"""y = h' = h + e * tanh(V x + M h + b) with M = A - A^T - d I, a step e of a differential equation.

Chang, Chen, Haber & Chi (2019), AntisymmetricRNN: A Dynamical System View on Recurrent Neural Networks.
The eigenvalues of A - A^T are imaginary, those of M have real part -d: in continuous time a state neither
grows nor dies, but for the diffusion d.  A step moves an eigenvalue i w to 1 + e (i w - d), whose size is 1
only up to (e w)^2 / 2 - e d: small steps are part of the method.  `gated` multiplies tanh by sigmoid(U x +
M h + c), with M once for both.

A starts N(0, scale^2 / H), of which A - A^T is stored, V N(0, 1 / I), biases 0; `step_size`, `diffusion`
and `scale` are to be tuned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.architectures.kernels.skew import above_diagonal, skew
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, T time steps, I inputs, H hidden units, G = H, or 2H with a gate, K pairs.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    gated: bool = False
    step_size: float = 0.01  # e
    diffusion: float = 0.01  # d
    scale: float = 1.0  # of the initial A

    @property
    def tensors_kept(self) -> int:
        return 10 if self.gated else 5

    def parameters(self, inputs: int, hidden: int) -> int:
        return (1 + self.gated) * hidden * (inputs + 1) + hidden * (hidden - 1) // 2

    def problem(self, hidden: int, length: int) -> str | None:
        given = f"step_size={self.step_size}, diffusion={self.diffusion}"
        fits = self.step_size > 0 and self.diffusion >= 0
        return None if fits else f"antisymmetric: {given}; above 0, and 0 or above"


class Antisymmetric(ProjectedRecurrent):
    recurrent_weights = ("A_K",)
    kernel = "antisymmetric"
    kernel_weights = ("V_GI", "b_G", "A_K")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.kernel_arguments = (options.gated, options.step_size, options.diffusion)
        rows = (1 + options.gated) * hidden
        self.V_GI = nn.Parameter(torch.randn(rows, inputs) * inputs**-0.5)
        self.b_G = nn.Parameter(torch.zeros(rows))
        A_HH = torch.randn(hidden, hidden) * options.scale * hidden**-0.5
        self.A_K = nn.Parameter(above_diagonal(A_HH - A_HH.T))

    @property
    def M_HH(self) -> Tensor:
        identity_HH = torch.eye(self.hidden, dtype=self.A_K.dtype, device=self.A_K.device)
        return torch.sub(skew(self.A_K, self.hidden), identity_HH, alpha=self.options.diffusion)

    def advance_by(self, M_HH: Tensor) -> Callable[[Tensor, State], tuple[Tensor, State]]:
        """What follows V x + b in a step; M is the same in all of them."""

        def advance(p_BG: Tensor, state: State) -> tuple[Tensor, State]:
            (h_BH,) = state
            u_BH, *gate = p_BG.split(self.hidden, -1)
            m_BH = h_BH @ M_HH.T
            change_BH = torch.tanh(u_BH + m_BH)
            if gate:
                change_BH = torch.sigmoid(gate[0] + m_BH) * change_BH
            h_BH = h_BH + self.options.step_size * change_BH
            return h_BH, (h_BH,)

        return advance

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.V_GI, self.b_G)

    def advance(self, p_BG: Tensor, state: State) -> tuple[Tensor, State]:
        return self.advance_by(self.M_HH)(p_BG, state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self.scan(self.advance_by(self.M_HH), self.project(x_BTI), state)
