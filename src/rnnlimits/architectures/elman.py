"""h' = f(W x + U h + b), y = h'      Elman (1990), Finding Structure in Time.

How U starts decides how far a gradient reaches before training: dh'/dh = diag(f') U. `default` is torch's,
uniform in +-1/sqrt(H) for every weight. The others have b = 0 and a Glorot W: `glorot` (Glorot & Bengio
2010), `orthogonal` (Saxe et al. 2014), `identity` (Le et al. 2015), `gaussian` N(0, gain^2 / H), chaotic for
gain > 1 (Sompolinsky et al. 1988), `spectral_radius`, a Gaussian matrix rescaled to it (Pascanu et al. 2013),
`sparse`, the same with 15 weights out of each unit that are not zero.

Pascanu, Mikolov & Bengio (2013) start in three ways (standard deviations, as their code shows); for 50 units,
with input_std and readout_std as in the last column:

    sigmoid     nonlinearity sigmoid, initialisation gaussian, gain 0.0707106781   0.01
    basic tanh  initialisation gaussian, gain 0.707106781                          0.1
    smart tanh  initialisation sparse, spectral_radius 0.95                        0.01
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import PlainRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units; p is the projected input W x + b.
CONNECTIONS = 15  # out of each unit, with initialisation sparse


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    nonlinearity: Literal["tanh", "relu", "sigmoid", "identity"] = "tanh"
    initialisation: Literal[
        "default", "glorot", "orthogonal", "identity", "gaussian", "spectral_radius", "sparse"
    ] = "default"
    gain: float = 1.0  # multiplies the initial U
    spectral_radius: float = 1.0  # of the initial U, with initialisation spectral_radius or sparse only
    input_std: float = 0.0  # W starts as N(0, input_std^2); 0: as the initialisation says
    readout_std: float = 0.0  # the read-out starts as N(0, readout_std^2) with no bias; 0: torch's default

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + hidden + 1)

    def problem(self, hidden: int, length: int) -> str | None:
        rescaled = self.initialisation in ("spectral_radius", "sparse")
        if rescaled and self.gain != 1:
            return f"elman: gain has no effect with initialisation {self.initialisation}; leave it out"
        if not rescaled and self.spectral_radius != 1:
            return f"elman: spectral_radius has no effect with initialisation {self.initialisation}; set gain"
        if self.initialisation == "sparse" and hidden < CONNECTIONS:
            return f"elman: sparse gives each unit {CONNECTIONS} weights; take as many units, or more"
        if min(self.input_std, self.readout_std, self.spectral_radius) < 0:
            given = f"input_std={self.input_std}, readout_std={self.readout_std}"
            return f"elman: {given}, spectral_radius={self.spectral_radius}; each is 0 or more"
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
        case "sparse":  # a column holds what one unit sends; half a weight less, so that rounding takes none
            nn.init.sparse_(U_HH, (hidden - CONNECTIONS - 0.5) / hidden, std=1)
    if options.initialisation in ("spectral_radius", "sparse"):
        U_HH *= options.spectral_radius / torch.linalg.eigvals(U_HH).abs().max()
        return U_HH
    return options.gain * U_HH


class Elman(PlainRecurrent):
    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.W_HI = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, inputs)))
        self.U_HH = nn.Parameter(initial_matrix(options, hidden))
        self.b_H = nn.Parameter(torch.zeros(hidden))
        if options.initialisation == "default":
            nn.init.uniform_(self.W_HI, -(hidden**-0.5), hidden**-0.5)
            nn.init.uniform_(self.b_H, -(hidden**-0.5), hidden**-0.5)
        if options.input_std:
            nn.init.normal_(self.W_HI, 0, options.input_std)
        self.f = getattr(torch, options.nonlinearity.replace("identity", "positive"))  # positive: x -> x
        self.nonlinearity = options.nonlinearity
        self.kernel_arguments = (options.nonlinearity,)
        self.slope_bound = 0.25 if options.nonlinearity == "sigmoid" else 1.0  # sup |f'|

    def advance(self, p_BH: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH = self.f(p_BH + state[0] @ self.U_HH.T)
        return h_BH, (h_BH,)
