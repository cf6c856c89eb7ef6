"""A shard's task, and its model with fresh weights."""

import torch
from torch import nn

from rnnlimits import catalog
from rnnlimits.architectures._model import Model
from rnnlimits.contracts import ArchitectureOptions
from rnnlimits.planning.shard import Shard
from rnnlimits.tasks.base import Task, generator


def build_task(shard: Shard) -> Task:
    options = catalog.make(catalog.module("tasks", shard.task_page).Options, shard.task_options)
    return catalog.page_class("tasks", shard.task_page)(shard.length_steps, options)


def build_model(shard: Shard, task: Task, seed: int) -> Model:
    """A fresh model whose weights depend on (shard's architecture and sizes, seed) and on nothing else."""
    page = catalog.module("architectures", shard.architecture)
    options: ArchitectureOptions = catalog.make(page.Options, shard.architecture_options)
    embedding = task.options.embedding
    # nn.Linear and the pages draw from the global generator, so it is forked around one manual_seed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "init").initial_seed())
        encoder = nn.Embedding(task.inputs, embedding) if embedding else nn.Identity()
        layer = catalog.page_class("architectures", shard.architecture)
        architecture = layer(embedding or task.inputs, shard.hidden_size, shard.length_steps, options)
        readout = nn.Linear(shard.hidden_size, task.outputs)
        if options.readout_std:
            nn.init.normal_(readout.weight, 0, options.readout_std)
            nn.init.zeros_(readout.bias)
    return Model(encoder, architecture, readout, task.reads_last)
