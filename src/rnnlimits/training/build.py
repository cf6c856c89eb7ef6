"""A shard's task, and its models with fresh weights."""

from dataclasses import dataclass, replace

import torch
from torch import nn

from rnnlimits import catalog
from rnnlimits.architectures._model import Model
from rnnlimits.contracts import ArchitectureOptions, TaskOptions
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.shard import Shard
from rnnlimits.tasks.base import Task, generator


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A shard that is ready to be trained and measured."""

    shard: Shard  # with the number of parameters that its models have
    budget: Budget  # the shard's
    task: Task
    tasks: dict[int, Task]  # of each seed; in a cross-validation seed k holds fold k out
    models: dict[int, Model]  # of each seed, with fresh weights


def set_up(shard: Shard) -> Setup:
    budget = shard.budget
    assert budget is not None, "a simulation has no models"
    task = build_task(shard)
    seeds = range(shard.folds or shard.seeds)
    tasks = {seed: task.fold(seed, shard.folds) if shard.folds else task for seed in seeds}
    models = {seed: build_model(shard, tasks[seed], seed) for seed in seeds}
    count = sum(weight.numel() for weight in models[0].parameters())
    shard = replace(shard, parameters=count)
    return Setup(shard=shard, budget=budget, task=task, tasks=tasks, models=models)


def build_task(shard: Shard) -> Task:
    options = catalog.make(catalog.module("tasks", shard.task_page).Options, shard.task_options)
    task: Task = catalog.page_class("tasks", shard.task_page)(shard.length_steps, options)
    return task


def build_model(shard: Shard, task: Task, seed: int) -> Model:
    """A fresh model whose weights depend on (shard's architecture and sizes, seed) and on nothing else."""
    return model_of(shard, task.options, task.reads_last, seed)


def model_of(shard: Shard, task: TaskOptions, reads_last: bool, seed: int) -> Model:
    """The same by what the page of the task says without its data."""
    page = catalog.module("architectures", shard.architecture)
    options: ArchitectureOptions = catalog.make(page.Options, shard.architecture_options)
    embedding, (inputs, outputs) = task.embedding, task.widths(shard.length_steps)
    # nn.Linear and the pages draw from the global generator, so it is forked around one manual_seed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "init").initial_seed())
        encoder = nn.Embedding(inputs, embedding) if embedding else nn.Identity()
        layer = catalog.page_class("architectures", shard.architecture)
        architecture = layer(embedding or inputs, shard.hidden_size, shard.length_steps, options)
        readout = nn.Linear(shard.hidden_size, outputs)
        if options.readout_std:
            nn.init.normal_(readout.weight, 0, options.readout_std)
            nn.init.zeros_(readout.bias)
    return Model(encoder, architecture, readout, reads_last)
