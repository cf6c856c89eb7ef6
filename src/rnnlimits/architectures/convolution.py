"""y = relu(C_L ... relu(C_1 x)), every C a causal convolution of K taps, without dilation or skip path.

The plain one-dimensional convolution over time (Waibel et al. 1989, Phoneme Recognition Using Time-Delay
Neural Networks): the yardstick for what dilation buys. y_t sees exactly the last 1 + layers (K - 1) inputs,
where doubling dilations would see exponentially many. Weights start as in He et al. (2015).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnnlimits.architectures._convolutional import CausalConvolution, Convolutional
from rnnlimits.architectures.base import State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, T time steps, I inputs, H hidden units, K taps.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    kernel_size: int = 7  # taps K of every convolution
    layers: int = 2

    @property
    def receptive_field(self) -> int:
        return 1 + self.layers * (self.kernel_size - 1)

    @property
    def tensors_kept(self) -> int:
        return 4 * self.layers

    def parameters(self, inputs: int, hidden: int) -> int:
        first = hidden * (inputs * self.kernel_size + 1)
        return first + (self.layers - 1) * hidden * (hidden * self.kernel_size + 1)

    def problem(self, hidden: int, length: int) -> str | None:
        if self.kernel_size < 1 or self.layers < 1:
            return f"convolution: kernel_size={self.kernel_size}, layers={self.layers}; 1 or more"
        return None


class Convolution(Convolutional):
    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.receptive_field = options.receptive_field
        self.convolutions = nn.ModuleList(
            CausalConvolution(hidden if layer else inputs, hidden, options.kernel_size)
            for layer in range(options.layers)
        )

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = self.initial_state(*x_BTI.shape[:-2]) if state is None else state
        x_BIT = x_BTI.mT
        last = []
        for convolution, last_BIS in zip(self.convolutions, state, strict=True):
            y_BHT, last_BIS = convolution(x_BIT, last_BIS)
            x_BIT = torch.relu(y_BHT)
            last.append(last_BIS)
        return x_BIT.mT, tuple(last)
