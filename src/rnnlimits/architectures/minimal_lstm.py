"""y = h' = f * h + i * n,  f = F / (F + I),  i = I / (F + I),  F, I = sigmoid(W x + b),  n = W_n x + b_n.

Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs All We Needed? (the minLSTM).  Gates do not see
the state, and f + i = 1 keeps the state's size the same at every length.  All steps are computed at once.

`positive` takes g(n), g(u) = u + 1/2 above 0 and sigmoid(u) below: what the authors' scan in logarithms
needs.
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
    forget_bias: float = 0.0  # of F at the start, added to torch's default; above 0 it starts out remembering
    tensors_kept = 17

    def parameters(self, inputs: int, hidden: int) -> int:
        return 3 * hidden * (inputs + 1)


class MinimalLSTM(LinearRecurrent):
    recurrent_weights = ("forget.weight", "forget.bias", "input.weight", "input.bias")
    kernel = "minimal_lstm"
    kernel_weights = (*recurrent_weights, "candidate.weight", "candidate.bias")

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.kernel_arguments = (options.candidate,)
        self.forget = nn.Linear(inputs, hidden)
        self.input = nn.Linear(inputs, hidden)
        self.candidate = nn.Linear(inputs, hidden)
        with torch.no_grad():
            self.forget.bias.add_(options.forget_bias)

    def coefficients(self, x_I: Tensor) -> tuple[Tensor, Tensor]:
        F_H, I_H = self.forget(x_I), self.input(x_I)
        # F / (F + I) = 1 / (1 + I / F), from logarithms: two sigmoids that are both 0 leave no 0 / 0.
        ln_ratio_H = nn.functional.logsigmoid(F_H) - nn.functional.logsigmoid(I_H)
        n_H = self.candidate(x_I)
        if self.options.candidate == "positive":
            n_H = torch.where(n_H >= 0, n_H + 0.5, torch.sigmoid(n_H))
        return torch.sigmoid(ln_ratio_H), torch.sigmoid(-ln_ratio_H) * n_H
