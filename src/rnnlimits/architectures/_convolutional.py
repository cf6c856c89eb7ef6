"""Causal convolutions, and what the pages that are made of them share; no page of its own."""

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import ReplicaByReplica, State

# Shape letters: B sequences, T time steps, I inputs, O output channels, K taps, S remembered inputs.


class CausalConvolution(nn.Module):
    """y_t = b + sum_k W_k x_{t - (K-1-k) dilation}, for k = 0..K-1; W_{K-1} meets the newest input.

    Weights N(0, 2 / (K I)) keep the mean square of a signal through a ReLU (He et al. 2015).
    Time is the last axis here, as in torch.nn.functional.conv1d.

    >>> layer = CausalConvolution(1, 1, kernel_size=2, dilation=3)
    >>> _ = nn.init.ones_(layer.W_OIK)
    >>> y_BOT, last_BIS = layer(torch.tensor([[[1.0, 2.0, 4.0, 8.0, 16.0]]]), torch.zeros(1, 1, 3))
    >>> y_BOT.tolist(), last_BIS.tolist()
    ([[[1.0, 2.0, 4.0, 9.0, 18.0]]], [[[4.0, 8.0, 16.0]]])
    """

    def __init__(self, inputs: int, outputs: int, kernel_size: int, dilation: int = 1):
        super().__init__()
        self.inputs = inputs
        self.dilation = dilation
        self.kernel_size = kernel_size
        self.remembered_steps = (kernel_size - 1) * dilation
        self.W_OIK = nn.Parameter(torch.empty(outputs, inputs, kernel_size))
        nn.init.normal_(self.W_OIK, 0, (2 / (inputs * kernel_size)) ** 0.5)
        self.b_O = nn.Parameter(torch.zeros(outputs))

    def forward(self, x_BIT: Tensor, last_BIS: Tensor | None) -> tuple[Tensor, Tensor]:
        """Without `last_BIS` x starts after zeros, and only every `dilation`-th step of it is there."""
        if last_BIS is None:
            x_BIT = nn.functional.pad(x_BIT, (self.kernel_size - 1, 0))
            return nn.functional.conv1d(x_BIT, self.W_OIK, self.b_O), x_BIT[..., :0]
        x_BIT = torch.cat([last_BIS, x_BIT], -1)
        y_BOT = nn.functional.conv1d(x_BIT, self.W_OIK, self.b_O, dilation=self.dilation)
        return y_BOT, x_BIT[..., x_BIT.shape[-1] - self.remembered_steps :]


class Convolutional(ReplicaByReplica):
    """Made of causal convolutions; its state is what each of them remembers.

    vmap would make grouped convolutions of those of several replicas, up to a fifth slower on a CPU.
    """

    def initial_state(self, batch: int) -> State:
        layers = [module for module in self.modules() if isinstance(module, CausalConvolution)]
        return tuple(self.zeros(batch, layer.inputs, layer.remembered_steps) for layer in layers)
