"""A traced step against vmap over the step: same values and gradients, and out of the way where it is not."""

import copy

import pytest
import torch
from torch import nn

from rnnlimits.architectures.base import Architecture, Recurrent
from rnnlimits.architectures.kernels import replay

# Shape letters: R replicas, B sequences, T time steps, I inputs, H hidden units.
R, B, T, INPUTS, H = 3, 4, 5, 2, 6


class Gated(Recurrent):
    """Two linear layers and a cat: what a newcomer's page looks like."""

    def __init__(self):
        super().__init__(INPUTS, H, T, None)
        self.gate = nn.Linear(INPUTS + H, H)
        self.candidate = nn.Linear(INPUTS + H, H, bias=False)
        self.register_buffer("scale_H", torch.rand(H))

    def step(self, x_BI, state):
        (h_BH,) = state
        f_BH = torch.sigmoid(self.gate(torch.cat([x_BI, h_BH], -1)))
        n_BH = torch.tanh(self.candidate(torch.cat([x_BI, f_BH * h_BH], -1)))
        h_BH = self.scale_H * ((1 - f_BH) * h_BH + f_BH * n_BH)
        return h_BH.square(), (h_BH,)


class Spike(torch.autograd.Function):
    """A step function with a gradient of its own, as spiking networks have."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return (x > 0).to(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, d):
        (x,) = ctx.saved_tensors
        return d / (1 + x.square())


class Spiking(Gated):
    def step(self, x_BI, state):
        y_BH, (h_BH,) = super().step(x_BI, state)
        return Spike.apply(y_BH - 0.1), (h_BH,)


class SecondState(Gated):
    """Writes in place, forgets the gradient of a part, carries two parts."""

    def initial_state(self, batch):
        return self.zeros(batch, H), self.zeros(batch, 1)

    def step(self, x_BI, state):
        y_BH, (h_BH,) = super().step(x_BI, state[:1])
        total_B1 = state[1] + y_BH.detach().sum(1, keepdim=True)
        y_BH = y_BH.clone()
        y_BH.mul_(2)
        return y_BH, (h_BH, total_B1)


def stacked(page, dtype=torch.float64):
    torch.manual_seed(0)
    layers = [page().to(dtype) for _ in range(R)]
    tensors_R = {
        name: torch.stack([layer.state_dict()[name] for layer in layers]).requires_grad_()
        for name in layers[0].state_dict()
    }
    return layers[0], tensors_R


def everything(forward, layer, tensors_R, x_RBTI, state):
    y_RBTH, state = forward(layer, tensors_R, x_RBTI, state)
    wave_RBTH = torch.arange(y_RBTH.numel(), dtype=y_RBTH.dtype).sin().view(y_RBTH.shape)
    loss = (wave_RBTH * y_RBTH).sum() + sum(part.square().sum() for part in state)
    return [y_RBTH, *state, *torch.autograd.grad(loss, list(tensors_R.values()))]


def under_vmap(layer, *more):
    return Architecture.forward_replicas.__func__(type(layer), layer, *more)


def replayed(layer):
    return [step is not None for step in replay.TRACES.get(layer, {}).values()]


@pytest.mark.parametrize(("page", "takes_part"), [(Gated, True), (SecondState, True), (Spiking, False)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_replay_equals_vmap_and_steps_aside_where_it_would_not(page, takes_part, dtype):
    layer, tensors_R = stacked(page, dtype)
    x_RBTI = torch.randn(R, B, T, INPUTS, dtype=dtype)
    ours = everything(layer.forward_replicas, layer, tensors_R, x_RBTI, None)
    theirs = everything(under_vmap, layer, tensors_R, x_RBTI, None)
    assert replayed(layer) == [takes_part]
    tolerance = 1e-10 if dtype == torch.float64 else 1e-5
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def test_two_halves_with_the_state_handed_over_equal_the_whole():
    layer, tensors_R = stacked(SecondState)
    x_RBTI = torch.randn(R, B, T, INPUTS, dtype=torch.float64)
    whole_RBTH, last = layer.forward_replicas(layer, tensors_R, x_RBTI, None)
    first_RBTH, state = layer.forward_replicas(layer, tensors_R, x_RBTI[:, :, :2], None)
    rest_RBTH, state = layer.forward_replicas(layer, tensors_R, x_RBTI[:, :, 2:], state)
    torch.testing.assert_close(torch.cat([first_RBTH, rest_RBTH], 2), whole_RBTH)
    torch.testing.assert_close(state, last)
    assert replayed(layer) == [True]  # the number of steps is no part of a step's shapes


def test_the_last_output_alone_is_the_last_of_all():
    layer, tensors_R = stacked(SecondState)
    x_RBTI = torch.randn(R, B, T, INPUTS, dtype=torch.float64)
    all_RBTH, _ = layer.forward_replicas(layer, tensors_R, x_RBTI, None)
    last_RB1H, _ = layer.forward_replicas(layer, tensors_R, x_RBTI, None, last=True)
    torch.testing.assert_close(last_RB1H, all_RBTH[:, :, -1:])


def test_fewer_replicas_and_another_batch_are_traced_anew():
    layer, tensors_R = stacked(Gated)
    for replicas, batch in ((3, 4), (2, 4), (2, 7)):
        some_R = {name: tensor[:replicas] for name, tensor in tensors_R.items()}
        x_RBTI = torch.randn(replicas, batch, T, INPUTS, dtype=torch.float64)
        torch.testing.assert_close(
            layer.forward_replicas(layer, some_R, x_RBTI, None), under_vmap(layer, some_R, x_RBTI, None)
        )
    assert replayed(layer) == [True] * 3


def test_a_replica_among_others_is_the_replica_alone():
    layer, tensors_R = stacked(Gated)
    x_RBTI = torch.randn(R, B, T, INPUTS, dtype=torch.float64)
    together = everything(layer.forward_replicas, layer, tensors_R, x_RBTI, None)[0]
    for r in range(R):
        alone_R = {name: tensor[r : r + 1] for name, tensor in tensors_R.items()}
        y_RBTH, _ = layer.forward_replicas(layer, alone_R, x_RBTI[r : r + 1], None)
        torch.testing.assert_close(y_RBTH[0], together[r], rtol=1e-9, atol=1e-9)


def test_a_page_with_a_forward_of_its_own_is_not_replayed():
    class Doubled(Gated):
        def forward(self, x_BTI, state=None):
            y_BTH, state = super().forward(x_BTI, state)
            return 2 * y_BTH, state

    layer, tensors_R = stacked(Doubled)
    x_RBTI = torch.randn(R, B, T, INPUTS, dtype=torch.float64)
    ours, _ = layer.forward_replicas(layer, tensors_R, x_RBTI, None)
    torch.testing.assert_close(ours, under_vmap(layer, tensors_R, x_RBTI, None)[0])
    assert replayed(layer) == []


def test_the_traces_of_a_layer_end_with_it():
    layer, tensors_R = stacked(Gated)
    layer.forward_replicas(layer, tensors_R, torch.randn(R, B, T, INPUTS, dtype=torch.float64), None)
    before = len(replay.TRACES)
    twin = copy.deepcopy(layer)
    assert replayed(twin) == []
    del layer
    assert len(replay.TRACES) == before - 1
