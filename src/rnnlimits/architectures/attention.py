"""Layer: a = h + O softmax(Q n(h) (K n(h))^T / sqrt(D)) V n(h) over the past,  y = a + B relu(A n(a)).

Vaswani et al. (2017), Attention Is All You Need, with the norm n before each part (Xiong et al. 2020).  y_t
looks at every earlier step directly, so no gradient has to travel.  The price is a state that grows with
every step, keys and values of all so far: do not hand it on through a whole text. The first h is W x + b,
plus sines and cosines of the position.  The layer of relu has H units, not 4H.
"""

from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ReplicaByReplica, State
from rnnlimits.architectures.kernels.positions import sinusoids
from rnnlimits.contracts import ArchitectureOptions

# Shape letters: B sequences, T time steps, I inputs, H hidden units, S steps seen so far, N heads, D = H / N.


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    layers: int = 2
    heads: int = 1
    positions: Literal["sinusoidal", "none"] = "sinusoidal"

    @property
    def tensors_kept(self) -> int:
        return 4 + 16 * self.layers

    def parameters(self, inputs: int, hidden: int) -> int:
        return hidden * (inputs + 1) + self.layers * (6 * hidden * (hidden + 1) + 4 * hidden)

    def problem(self, hidden: int, length: int) -> str | None:
        fits = min(self.layers, self.heads) >= 1 and hidden % self.heads == 0
        return None if fits else f"attention: {self}; 1 or more, and heads must divide hidden size {hidden}"


class Layer(nn.Module):
    def __init__(self, hidden: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(hidden)
        self.QKV = nn.Linear(hidden, 3 * hidden)
        self.O = nn.Linear(hidden, hidden)
        parts = nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden)
        self.alone = nn.Sequential(nn.LayerNorm(hidden), *parts)

    def forward(self, h_BTH: Tensor, K_BSH: Tensor, V_BSH: Tensor, last: bool) -> tuple[Tensor, State]:
        """With `last` the last y alone: keys and values are of all steps, what follows is of one."""
        Q_BTH, *new = self.QKV(self.norm(h_BTH)).chunk(3, -1)
        seen = [torch.cat(parts, 1) for parts in zip((K_BSH, V_BSH), new)] if K_BSH.shape[1] else new
        if last:
            h_BTH, Q_BTH = h_BTH[:, -1:], Q_BTH[:, -1:]
        Q, K, V = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (Q_BTH, *seen))
        T, S = Q.shape[2], K.shape[2]
        past_TS = torch.ones(T, S, dtype=torch.bool, device=Q.device).tril(S - T) if S > T else None
        found_BNTD = nn.functional.scaled_dot_product_attention(Q, K, V, past_TS, is_causal=S == T)
        a_BTH = h_BTH + self.O(found_BNTD.transpose(1, 2).flatten(2))
        return a_BTH + self.alone(a_BTH), tuple(seen)


class Attention(ReplicaByReplica):
    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        super().__init__(inputs, hidden, length, options)
        self.input = nn.Linear(inputs, hidden)
        self.layers = nn.ModuleList(Layer(hidden, options.heads) for _ in range(options.layers))

    def initial_state(self, batch: int) -> State:
        return tuple(self.zeros(batch, 0, self.hidden) for _ in range(2 * len(self.layers)))

    def forward(self, x_BTI: Tensor, state: State | None = None, last: bool = False) -> tuple[Tensor, State]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        h_BTH = self.input(x_BTI)
        if self.options.positions == "sinusoidal":
            h_BTH = h_BTH + sinusoids(state[0].shape[1], x_BTI.shape[1], self.input.bias)
        after: State = ()
        for layer, K_BSH, V_BSH in zip(self.layers, state[::2], state[1::2], strict=True):
            h_BTH, seen = layer(h_BTH, K_BSH, V_BSH, last and layer is self.layers[-1])
            after += seen
        return h_BTH, after

    def last_output(self, x_BTI: Tensor) -> Tensor:
        return cast(Tensor, self(x_BTI, last=True)[0])
