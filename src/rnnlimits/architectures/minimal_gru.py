"""y = h' = (1 - z) * h + z * n,  z = sigmoid(W_z x + b_z),  n = W_n x + b_n: gates that do not see the state.

Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs All We Needed? (the minGRU).  The step is
linear in h, so that all steps are computed at once; what is kept or overwritten depends on the input alone,
and only a second layer could let it depend on the past.

`positive` takes g(n), g(u) = u + 1/2 above 0 and sigmoid(u) below: what the authors' scan in logarithms
needs. The scan here divides by nothing and takes no logarithm, so the equation as it stands is the default.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures._linear import LinearRecurrent
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: I inputs, H hidden units.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    candidate: Literal["linear", "positive"] = "linear"
    update_bias: float = 0.0  # of z at the start, added to torch's default; below 0 it starts out remembering
    tensors_kept = 13

    def parameters(self, inputs: int, hidden: int) -> int:
        return 2 * hidden * (inputs + 1)


class MinimalGRU(LinearRecurrent):
    recurrent_weights = ("gate.weight", "gate.bias")
    kernel = "minimal_gru"
    kernel_weights = ("gate.weight", "gate.bias", "candidate.weight", "candidate.bias")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.kernel_arguments = (options.candidate,)
        self.gate = nn.Linear(inputs, hidden)
        self.candidate = nn.Linear(inputs, hidden)
        with torch.no_grad():
            self.gate.bias.add_(options.update_bias)

    def coefficients(self, x_I: Tensor) -> tuple[Tensor, Tensor]:
        z_H, n_H = torch.sigmoid(self.gate(x_I)), self.candidate(x_I)
        if self.options.candidate == "positive":
            n_H = torch.where(n_H >= 0, n_H + 0.5, torch.sigmoid(n_H))
        return 1 - z_H, z_H * n_H
