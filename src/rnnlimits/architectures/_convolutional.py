"""Causal convolutions, and what the pages that are made of them share; no page of its own."""

import os

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rnnlimits.architectures.base import Architecture, ReplicaByReplica, State
from rnnlimits.architectures.kernels import replay, taps

# Shape letters: R replicas, B sequences, T time steps, I inputs, H hidden units, O output channels, K taps,
# S remembered inputs.
# Up to so many hidden units, products of all replicas at once beat conv1d for one after another: by 2.3 to 4
# with 11 units where the last step is read, by 1.6 with 14 where each is, by little at the limit.
NARROW = 32


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

    def forward(self, x_BIT: Tensor, last_BIS: Tensor) -> tuple[Tensor, Tensor]:
        """The outputs, and what is to be remembered for those that follow."""
        x_BIT = torch.cat([last_BIS, x_BIT], -1)
        y_BOT = convolve(x_BIT, self.W_OIK, self.b_O, dilation=self.dilation)
        return y_BOT, x_BIT[..., x_BIT.shape[-1] - self.remembered_steps :]

    def thinned(self, x_BIT: Tensor, stride: int = 1) -> Tensor:
        """Every `stride`-th output up to the last, of every `dilation`-th input since the start."""
        unseen = (x_BIT.shape[-1] - 1) % stride
        x_BIT = nn.functional.pad(x_BIT, (self.kernel_size - 1 - unseen, 0))
        return convolve(x_BIT, self.W_OIK, self.b_O, stride=stride)


class Pointwise(nn.Conv1d):
    """y_t = W x_t + b, at every step."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 1)

    def forward(self, x_BIT: Tensor) -> Tensor:
        assert self.bias is not None
        return convolve(x_BIT, self.weight, self.bias)


class Affine(nn.Linear):
    """The same with time before the channels."""

    def forward(self, x_BTI: Tensor) -> Tensor:
        if self.weight.dim() == 2:
            return super().forward(x_BTI)
        return convolve(x_BTI.mT, self.weight[..., None], self.bias).mT


def convolve(x_BIT: Tensor, W_OIK: Tensor, b_O: Tensor, *, dilation: int = 1, stride: int = 1) -> Tensor:
    """Of one replica; or of R at once, if every tensor has an axis more in front."""
    if W_OIK.dim() == 4:
        return taps.convolve(x_BIT, W_OIK, b_O, dilation, stride)
    return nn.functional.conv1d(x_BIT, W_OIK, b_O, stride, dilation=dilation)


class Convolutional(ReplicaByReplica):
    """Made of causal convolutions; its state is what each of them remembers.

    vmap would make grouped convolutions of those of several replicas, up to a fifth slower on a CPU.
    """

    def initial_state(self, *batch: int) -> State:
        layers = [module for module in self.modules() if isinstance(module, CausalConvolution)]
        return tuple(self.zeros(*batch, layer.inputs, layer.remembered_steps) for layer in layers)

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
        assert isinstance(layer, Convolutional)
        narrow = layer.hidden <= NARROW and not x_RBTI.is_cuda
        if not narrow or os.environ.get("RNNLIMITS_BACKEND") == "torch":
            return super().forward_replicas(layer, tensors_R, x_RBTI, state_R, last=last)
        x_RBTI = taps.laid_out(x_RBTI.mT).mT
        if last and state_R is None:
            return replay.call(layer, "last_output", tensors_R, x_RBTI), ()
        start = layer.initial_state(*x_RBTI.shape[:2]) if state_R is None else state_R
        given = tuple(taps.laid_out(part.to(x_RBTI)) for part in start)
        y_RBTH, state = functional_call(layer, tensors_R, (x_RBTI, given))
        # A part of it is a view of all that its convolution saw, which would be kept with it.
        return y_RBTH[:, :, -1:] if last else y_RBTH, tuple(part.contiguous() for part in state)
