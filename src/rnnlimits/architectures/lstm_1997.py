"""c' = c + i * g(u),  y = h' = o * h(c'),  i, o = sigmoid(net):  the LSTM of 1997, without a forget gate.

Hochreiter & Schmidhuber (1997), Long Short-Term Memory.  g(u) = 4 sigmoid(u) - 2 lies in [-2, 2] and
h(c) = 2 sigmoid(c) - 1 in [-1, 1].  The cells of a block share their two gates.  Every net input is
W x + U [h, i, o] + b, so the last step's gates act back as well: with the read-out that gives the paper's
numbers of weights, 93 for adding, 156 and 308 for temporal order.

Its gradient is truncated: an error that reached a net input travels no further back; only the cell, whose own
derivative is 1, carries it on.  Weights start uniform in +-0.1, gate biases where the experiment says.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ProjectedRecurrent, State
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, I inputs, H hidden units (cells), K blocks, G = H + 2K net inputs in the order
# cells, input gates, output gates; p is the projected input W x + b.
WEIGHTS_WITHIN = 0.1


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    gradient: Literal["full", "truncated"] = "full"  # of a truncated one probes, too, see the cell alone
    block_size: int = 1  # cells that share their gates; the last block may have fewer
    input_gate_biases: tuple[float, ...] = ()  # of one block after another, from the first again; (): random
    output_gate_biases: tuple[float, ...] = ()
    tensors_kept = 21

    def blocks(self, hidden: int) -> int:
        return -(-hidden // self.block_size)

    def parameters(self, inputs: int, hidden: int) -> int:
        units = hidden + 2 * self.blocks(hidden)
        return units * (inputs + units + 1)

    def state_values(self, hidden: int) -> int:
        return 2 * hidden + 2 * self.blocks(hidden)

    def problem(self, hidden: int, length: int) -> str | None:
        fits = 1 <= self.block_size <= hidden
        return None if fits else f"lstm_1997: block_size={self.block_size}; 1 or more, up to the hidden size"


class LSTM1997(ProjectedRecurrent):
    kernel = "lstm_1997"
    kernel_weights = ("W_GI", "b_G", "U_GG")
    recurrent_weights = ("U_GG",)

    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.kernel_arguments, self.blocks = (options.gradient, options.block_size), options.blocks(hidden)
        units = hidden + 2 * self.blocks
        self.W_GI = nn.Parameter(torch.empty(units, inputs).uniform_(-WEIGHTS_WITHIN, WEIGHTS_WITHIN))
        self.U_GG = nn.Parameter(torch.empty(units, units).uniform_(-WEIGHTS_WITHIN, WEIGHTS_WITHIN))
        self.b_G = nn.Parameter(torch.empty(units).uniform_(-WEIGHTS_WITHIN, WEIGHTS_WITHIN))
        gates = self.b_G.detach()[hidden:].chunk(2)
        for bias_K, given in zip(gates, (options.input_gate_biases, options.output_gate_biases)):
            if given:
                bias_K.copy_(torch.tensor(given).repeat(self.blocks)[: self.blocks])

    def initial_state(self, batch: int) -> State:
        return tuple(self.zeros(batch, size) for size in (self.hidden, self.hidden, 2 * self.blocks))

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_GI, self.b_G)

    def advance(self, p_BG: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, c_BH, io_B2K = state
        units_BG = torch.cat([h_BH, io_B2K], -1)
        before_BG = units_BG.detach() if self.options.gradient == "truncated" else units_BG
        u_BH, net_B2K = (p_BG + before_BG @ self.U_GG.T).tensor_split((self.hidden,), -1)
        io_B2K = torch.sigmoid(net_B2K)
        i_BH, o_BH = (self.of_cells(gate_BK) for gate_BK in io_B2K.chunk(2, -1))
        c_BH = c_BH + i_BH * 2 * torch.tanh(u_BH / 2)  # 4 sigmoid(u) - 2
        h_BH = o_BH * torch.tanh(c_BH / 2)
        return h_BH, (h_BH, c_BH, io_B2K)

    def of_cells(self, gate_BK: Tensor) -> Tensor:
        return gate_BK.repeat_interleave(self.options.block_size, -1)[..., : self.hidden]
