"""encoder ─► architecture ─► read-out: the model of one replica.

Tokens pass an embedding, real inputs pass unchanged; the architecture is causal in time; the read-out
is y_t = W h_t + b, at the last step only where the task asks for one answer a sequence.
"""

import torch
from torch import Tensor, nn

from rnnlimits import catalog
from rnnlimits.architectures.base import Architecture
from rnnlimits.grid import Shard
from rnnlimits.tasks.base import Task, generator

# Shape letters: B sequences, T time steps, I inputs, H hidden units, O outputs.
State = tuple[Tensor, ...] | None


class Model(nn.Module):
    def __init__(self, encoder: nn.Module, architecture: Architecture, readout: nn.Linear, reads_last: bool):
        super().__init__()
        self.encoder = encoder
        self.architecture = architecture
        self.readout = readout
        self.task_reads_last = reads_last

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """x is (B, T, I) real or (B, T) tokens; the output is (B, T, O), or (B, 1, O) of the last step."""
        y_BTH, state = self.architecture(self.encoder(x[:, self.first_step(state) :]), state)
        return self.readout(y_BTH[:, -1:] if self.task_reads_last else y_BTH), state

    def first_step(self, state: State) -> int | None:
        """Where the last answer's inputs begin: what a window network cannot see need not be computed."""
        window = self.architecture.receptive_field
        return -window if window and self.task_reads_last and state is None else None


def build_task(shard: Shard) -> Task:
    options = catalog.make(catalog.module("tasks", shard.task_page).Options, shard.task_options)
    return catalog.page_class("tasks", shard.task_page)(shard.length_steps, options)


def build_model(shard: Shard, task: Task, seed: int) -> Model:
    """A fresh model whose weights depend on (shard's architecture and sizes, seed) and on nothing else."""
    page = catalog.module("architectures", shard.architecture)
    options = catalog.make(page.Options, shard.architecture_options)
    embedding = getattr(task.options, "embedding", 0)
    # nn.Linear and the pages draw from the global generator, so it is forked around one manual_seed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "init").initial_seed())
        encoder = nn.Embedding(task.inputs, embedding) if embedding else nn.Identity()
        layer = catalog.page_class("architectures", shard.architecture)
        architecture = layer(embedding or task.inputs, shard.hidden_size, shard.length_steps, options)
        readout = nn.Linear(shard.hidden_size, task.outputs)
        if std := getattr(options, "readout_std", 0):
            nn.init.normal_(readout.weight, 0, std)
            nn.init.zeros_(readout.bias)
    return Model(encoder, architecture, readout, task.reads_last)
