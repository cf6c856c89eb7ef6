"""y_t = V relu(W [x_{t-k+1}, ..., x_t] + b) + c: a network that sees the last k inputs and nothing else.

The time window that recurrence has to beat (Gers, Eck & Schmidhuber 2001, Applying LSTM to Time Series
Predictable through Time-Window Approaches). It has no memory beyond the window: before the sequence stand
zeros. Weights start as in He et al. (2015) before the ReLU and with torch's default after it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rnnlimits.architectures._convolutional import Affine, CausalConvolution, Convolutional
from rnnlimits.architectures.base import State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, T time steps, I inputs, H hidden units, S remembered inputs.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    window_steps: int = 10  # k, the newest input included

    @property
    def receptive_field(self) -> int:
        return self.window_steps

    @property
    def tensors_kept(self) -> int:
        return 6

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs * self.window_steps + 1) + hidden * (hidden + 1)

    def problem(self, hidden: int, length: int) -> str | None:
        return f"feed_forward: window_steps={self.window_steps}; 1 or more" if self.window_steps < 1 else None


class FeedForward(Convolutional):
    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.receptive_field = options.receptive_field
        # W applied to every window is a convolution with k taps.
        self.window = CausalConvolution(inputs, hidden, options.window_steps)
        self.output = Affine(hidden, hidden)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        (last_BIS,) = self.initial_state(*x_BTI.shape[:-2]) if state is None else state
        a_BHT, last_BIS = self.window(x_BTI.mT, last_BIS)
        return self.output(torch.relu(a_BHT).mT), (last_BIS,)
