"""A shard of a few tiny replicas, trained as the trainer would."""

import dataclasses
from pathlib import Path

import torch

from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.job import Job
from rnnlimits.planning.shard import Shard
from rnnlimits.tasks.base import generator
from rnnlimits.training.build import build_model, build_task
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas
from rnnlimits.training.trainer import fit

BUDGET = {
    "updates": 50,
    "batch_size": 4,
    "optimiser": "adam",
    "clip_norm": 0.5,
    "validate_every": 10,
    "patience": None,
    "validation_sequences": 8,
    "test_sequences": 8,
}


def a_shard(architecture: str = "elman", task: str = "adding", length: int = 12, **changes) -> Shard:
    fields = {
        "study": "s", "kind": "training", "task": task, "task_page": task, "task_options": {},
        "variant": architecture, "architecture": architecture, "architecture_options": {},
        "hidden_size": 6, "length_steps": length, "parameters": 0, "parameters_target": None,
        "seeds": 3, "learning_rates": [1e-2],
        "budget": dict(BUDGET), "probes": {}, "folds": None, "needs": [],
    }  # fmt: skip
    return Shard.of(fields | changes)


def budgeted(shard: Shard, **changes) -> Shard:
    """The shard with another budget."""
    return dataclasses.replace(shard, budget=shard.budget.model_copy(update=changes))


def a_job(shard: Shard, **means) -> Job:
    """Of which nothing writes the rows."""
    return Job(shard=shard, **{"out": Path("rows.parquet")} | means)


def train(shard: Shard, replicas: list[Replica], budget: dict | None = None) -> ReplicaTraining:
    budget = Budget(**BUDGET | (budget or {}))
    task = build_task(shard)
    tasks = {replica.seed: task for replica in replicas}
    models = [build_model(shard, task, replica.seed).double() for replica in replicas]
    validation = {seed: task.evaluation("validation", 8, generator(seed, "validation")) for seed in tasks}
    module = ReplicaTraining(Replicas(models), replicas, tasks, validation, budget)
    fit(module, "cpu", None)
    return module


def weights(module: ReplicaTraining, r: int) -> torch.Tensor:
    return module.models.rows[r].detach()
