"""Small models in float64 for the tests of the probes, and readers of what a probe returns."""

import math

import torch
from torch import Tensor, nn

from rnnlimits import catalog
from rnnlimits.architectures._model import Model
from rnnlimits.probes.base import Measurement
from rnnlimits.tasks.base import Task


def a_task(name: str = "adding", length: int = 30, **options) -> Task:
    page = catalog.module("tasks", name)
    return catalog.page_class("tasks", name)(length, page.Options(**options))


def a_model(architecture: str, task: Task, hidden: int = 4, seed: int = 0, **options) -> Model:
    page = catalog.module("architectures", architecture)
    embedding = task.options.embedding
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = nn.Embedding(task.inputs, embedding) if embedding else nn.Identity()
        layer = catalog.page_class("architectures", architecture)(
            embedding or task.inputs, hidden, task.length, page.Options(**options)
        )
        readout = nn.Linear(hidden, task.outputs)
    return Model(encoder, layer, readout, task.reads_last).double()


def linear(U_HH: Tensor, task: Task) -> Model:
    """h' = W x + U h."""
    model = a_model("elman", task, hidden=len(U_HH), nonlinearity="identity", initialisation="glorot")
    model.architecture.U_HH.data = U_HH.double()
    return model


def only_a_forget_gate(task: Task, forget: float, hidden: int = 3) -> Model:
    """An LSTM with c' = forget * c and h' = tanh(c') / 2, whatever x and h: the carousel alone."""
    model = a_model("lstm", task, hidden=hidden)
    for weight in (model.architecture.W_GI, model.architecture.U_GH):
        weight.data.zero_()
    # sigmoid(-100) = 4e-44, and sigmoid(100) is 1 in float64
    b_i, b_f, b_g, b_o = -100.0, math.log(forget / (1 - forget)) if forget < 1 else 100.0, 0.0, 0.0
    b_4 = torch.tensor([b_i, b_f, b_g, b_o], dtype=torch.float64)
    model.architecture.b_G.data = b_4.repeat_interleave(hidden)
    return model


def orthogonal(size: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64)).Q


def scalars(found: list[Measurement]) -> dict[str, float]:
    return {one.metric: one.value for one in found if one.lag is None}


def curve(found: list[Measurement], metric: str) -> dict[int, float]:
    return {one.lag: one.value for one in found if one.metric == metric}
