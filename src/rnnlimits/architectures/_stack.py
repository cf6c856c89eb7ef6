"""Layers with a recurrence, one upon another; no page of its own: page `stacked` says which ones."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from rnnlimits.architectures.base import Architecture, Recurrent, State

# Shape letters: B sequences, T time steps, I inputs, H hidden units, R replicas, L layers but the first;
# N what a normalisation has, a gain and a bias.
Call = Callable[[Tensor, Any], tuple[Tensor, State]]


class Stack(Recurrent):
    """y_1 = layer_1(x), y_l = layer_l(y_{l-1}); the state is that of the first layer, of the second ...

    `residual` "plain": y_l = y_{l-1} + layer_l(y_{l-1}); "pre_norm": ... + layer_l(norm_l(y_{l-1})).
    """

    def __init__(
        self, inputs: int, hidden: int, length: int, options: Any, layers: Sequence[Recurrent], residual: str
    ):
        super().__init__(inputs, hidden, length, options)
        self.layers = nn.ModuleList(layers)
        self.residual = residual
        norms_LNH = torch.stack([torch.ones(hidden), torch.zeros(hidden)]).repeat(len(layers) - 1, 1, 1)
        self.norms_LNH = nn.Parameter(norms_LNH) if residual == "pre_norm" else None
        self.parts = len(layers[0].initial_state(1))  # of the state of one layer
        self.recurrent_weights = tuple(
            f"layers.{number}.{name}"
            for number, layer in enumerate(layers)
            for name in layer.recurrent_weights
        )
        # What runs the time loop of one layer, for the provenance.
        self.kernel, self.kernel_arguments = layers[0].kernel, layers[0].kernel_arguments

    def initial_state(self, batch: int) -> State:
        layers = cast(Sequence[Recurrent], self.layers)
        return tuple(part for layer in layers for part in layer.initial_state(batch))

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        layers = cast(Sequence[Recurrent], self.layers)
        return self.through([layer.step for layer in layers], self.norms_LNH, x_BI, state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self.through(list(self.layers), self.norms_LNH, x_BTI, state or ())

    @classmethod
    def forward_replicas(
        cls,
        layer: Architecture,
        tensors_R: dict[str, Tensor],
        x_RBTI: Tensor,
        state_R: State | None = None,
        *,
        last: bool = False,
    ) -> tuple[Tensor, State]:
        """Each layer as it does it best: by its own compiled loop, its own scan."""
        stack = cast(Stack, layer)
        calls = [
            stack.replicas_of(number, tensors_R, last and number == len(stack.layers) - 1)
            for number in range(len(stack.layers))
        ]
        norms_RLNH = tensors_R.get("norms_LNH")
        norms = None if norms_RLNH is None else norms_RLNH.movedim(0, 2)[:, :, :, None, None]
        return stack.through(calls, norms, x_RBTI, state_R or ())

    def replicas_of(self, number: int, tensors_R: dict[str, Tensor], last: bool) -> Call:
        """`forward_replicas` of one layer with its own weights."""
        prefix, layer = f"layers.{number}.", cast(Recurrent, self.layers[number])
        own_R = {
            key.removeprefix(prefix): tensor for key, tensor in tensors_R.items() if key.startswith(prefix)
        }
        return lambda x_RBTI, state_R: type(layer).forward_replicas(layer, own_R, x_RBTI, state_R, last=last)

    def through(
        self, calls: Sequence[Call], norms: Tensor | None, x: Tensor, state: State
    ) -> tuple[Tensor, State]:
        """From layer to layer; a call gets its layer's part of the state, or None where there is none yet."""
        after: list[Tensor] = []
        for number, call in enumerate(calls):
            given = x if norms is None or not number else normalised(x, norms[number - 1])
            y, own = call(given, state[number * self.parts : (number + 1) * self.parts] or None)
            after += own
            # Of the last layer there may be the last step alone; in a step the axis is that of the batch.
            x = y if self.residual == "none" or not number else x[..., -y.shape[-2] :, :] + y
        return x, tuple(after)


def normalised(x: Tensor, gain_and_bias: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the units, then a gain and a bias for each (Ba, Kiros & Hinton 2016)."""
    gain, bias = gain_and_bias
    y: Tensor = layer_norm(x, x.shape[-1:]) * gain + bias
    return y
