"""h' = f(W x + U h + b), y = h'      Elman (1990), Finding Structure in Time.

How U starts decides how far a gradient reaches before training: dh'/dh = diag(f') U. `default` is torch's,
uniform in +-1/sqrt(H) for every weight. The others have b = 0 and a Glorot W: `glorot` (Glorot & Bengio
2010), `orthogonal` (Saxe et al. 2014), `identity` (Le et al. 2015), `gaussian` N(0, gain^2 / H), chaotic for
gain > 1 (Sompolinsky et al. 1988), `spectral_radius`, a Gaussian matrix rescaled to it (Pascanu et al. 2013).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State

# Shape letters: B sequences, I inputs, H hidden units; p is the projected input W x + b.


@dataclass(frozen=True, kw_only=True)
class Options:
    nonlinearity: Literal["tanh", "relu", "sigmoid", "identity"] = "tanh"
    initialisation: Literal["default", "glorot", "orthogonal", "identity", "gaussian", "spectral_radius"] = (
        "default"
    )
    gain: float = 1.0  # multiplies the initial U
    spectral_radius: float = 1.0  # of the initial U, with initialisation spectral_radius only

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + hidden + 1)

    def problem(self, hidden: int, length: int) -> str | None:
        rescaled = self.initialisation == "spectral_radius"
        if rescaled and self.gain != 1:
            return "elman: gain has no effect with initialisation spectral_radius; leave it out"
        if not rescaled and self.spectral_radius != 1:
            return f"elman: spectral_radius has no effect with initialisation {self.initialisation}; set gain"
        return None


def initial_matrix(options: Options, hidden: int) -> Tensor:
    U_HH = torch.empty(hidden, hidden)
    match options.initialisation:
        case "default":
            U_HH.uniform_(-(hidden**-0.5), hidden**-0.5)
        case "glorot":
            nn.init.xavier_uniform_(U_HH)
        case "orthogonal":
            nn.init.orthogonal_(U_HH)
        case "identity":
            nn.init.eye_(U_HH)
        case "gaussian" | "spectral_radius":
            U_HH.normal_(0, hidden**-0.5)
    if options.initialisation == "spectral_radius":
        return U_HH * (options.spectral_radius / torch.linalg.eigvals(U_HH).abs().max())
    return options.gain * U_HH


class Elman(ProjectedRecurrent):
    recurrent_weights = ("U_HH",)
    kernel = "elman"

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.W_HI = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, inputs)))
        self.U_HH = nn.Parameter(initial_matrix(options, hidden))
        self.b_H = nn.Parameter(torch.zeros(hidden))
        if options.initialisation == "default":
            nn.init.uniform_(self.W_HI, -(hidden**-0.5), hidden**-0.5)
            nn.init.uniform_(self.b_H, -(hidden**-0.5), hidden**-0.5)
        self.f = getattr(torch, options.nonlinearity.replace("identity", "positive"))  # positive: x -> x
        self.kernel_arguments = (options.nonlinearity,)
        self.slope_bound = 0.25 if options.nonlinearity == "sigmoid" else 1.0  # sup |f'|

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_HI, self.b_H)

    def advance(self, p_BH: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH = self.f(p_BH + state[0] @ self.U_HH.T)
        return h_BH, (h_BH,)
