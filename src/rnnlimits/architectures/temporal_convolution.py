"""Block l: y = relu(x + relu(C_2 relu(C_1 x))), C_1 and C_2 causal convolutions of dilation 2^l.

Bai, Kolter & Koltun (2018), An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
Sequence Modeling (the TCN). Where x has another width than y, the skip path is a 1 x 1 convolution.
There is no recurrence: y_t sees exactly the last 1 + 2 (K - 1) (2^layers - 1) inputs.

No weight normalisation, no dropout, weights as in He et al. (2015): a stronger network than theirs, on copy
memory of delay 50 its loss was 0.0038 after 600 updates, theirs 0.0105. The paper prints N(0, 0.01^2), which
their code does not keep: weight normalisation overwrites it, and the weights start with a deviation of 0.040.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from rnnlimits.architectures._convolutional import CausalConvolution, Convolutional, Pointwise
from rnnlimits.architectures.base import State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, T time steps, I inputs, H hidden units, K taps.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    kernel_size: int = 7  # taps K of every convolution
    layers: int = 4  # residual blocks, two convolutions each
    tensors_kept_for_last = 11  # measured: each block keeps half of what the one before it keeps

    @property
    def receptive_field(self) -> int:
        return 1 + 2 * (self.kernel_size - 1) * int(2**self.layers - 1)

    @property
    def tensors_kept(self) -> float:
        return 4.5 * 2 * self.layers

    def parameters(self, inputs: int, hidden: int) -> int:
        others = (2 * self.layers - 1) * hidden * (hidden * self.kernel_size + 1)
        widen = hidden * (inputs + 1) * (inputs != hidden)
        return hidden * (inputs * self.kernel_size + 1) + others + widen

    def problem(self, hidden: int, length: int) -> str | None:
        given = f"kernel_size={self.kernel_size}, layers={self.layers}"
        return f"temporal_convolution: {given}; 1 or more" if min(self.kernel_size, self.layers) < 1 else None


class Block(nn.Module):
    def __init__(self, inputs: int, hidden: int, dilation: int, options: Options):
        super().__init__()
        self.first = CausalConvolution(inputs, hidden, options.kernel_size, dilation)
        self.second = CausalConvolution(hidden, hidden, options.kernel_size, dilation)
        self.skip = Pointwise(inputs, hidden) if inputs != hidden else nn.Identity()

    def forward(self, x_BIT: Tensor, last_1: Tensor, last_2: Tensor) -> tuple[Tensor, State]:
        a_BHT, new_1 = self.first(x_BIT, last_1)
        b_BHT, new_2 = self.second(torch.relu(a_BHT), last_2)
        return torch.relu(self.skip(x_BIT) + torch.relu(b_BHT)), (new_1, new_2)

    def thinned(self, x_BIT: Tensor) -> Tensor:  # see CausalConvolution.thinned
        b_BHT = self.second.thinned(torch.relu(self.first.thinned(x_BIT)), stride=2)
        return torch.relu(self.skip(x_BIT[..., (x_BIT.shape[-1] - 1) % 2 :: 2]) + torch.relu(b_BHT))


class TemporalConvolution(Convolutional):
    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.receptive_field = options.receptive_field
        self.blocks = nn.ModuleList(
            Block(hidden if layer else inputs, hidden, 2**layer, options) for layer in range(options.layers)
        )

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = self.initial_state(*x_BTI.shape[:-2]) if state is None else state
        x_BIT = x_BTI.mT
        last: State = ()
        for layer, block in enumerate(self.blocks):
            x_BIT, last_of_block = block(x_BIT, *state[2 * layer : 2 * layer + 2])
            last += last_of_block
        return x_BIT.mT, last

    def last_output(self, x_BTI: Tensor) -> Tensor:
        x_BIT = x_BTI.mT
        for block in self.blocks:  # of the input of one with dilation d the answer sees every d-th step only
            x_BIT = cast(Block, block).thinned(x_BIT)
        return x_BIT[..., -1:].mT
