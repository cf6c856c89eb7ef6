"""The shards that benchmarks/gpu_check.py trains: one for each way in which a page runs on a GPU."""

from typing import Any

from rnnlimits.execution.speed_trial import VALIDATE_EVERY
from rnnlimits.planning.shard import Shard

UPDATES = 8
SEEDS, LEARNING_RATES = 3, [1e-3, 1e-2]
# The way -> (page, task, the task's options).
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "fused cells": ("lstm", "adding", {}),
    "batched loop, each step read": ("elman", "copy_memory", {}),
    "asked steps": ("gru", "parity", {}),
    "text, state carried on": ("gru", "character_language_model", {"embedding": 16, "characters": 20_000}),
    "a replayed step": ("leaky", "adding", {}),
    "an own time loop": ("orthogonal", "adding", {}),
    "blocks of steps": ("diagonal_state_space", "adding", {}),
    "a scan in rounds": ("linear_recurrent_unit", "adding", {}),
    "complex numbers": ("unitary", "adding", {}),
    "a window": ("temporal_convolution", "adding", {}),
    "attention": ("attention", "adding", {}),
}


def shard_of(
    page: str, task: str, length: int, hidden: int, *, options: dict[str, Any] | None = None,
    task_options: dict[str, Any] | None = None, **budget: Any,
) -> Shard:  # fmt: skip
    """As planning would make it, but for the number of parameters, which a job counts."""
    fields = {
        "study": "gpu_check", "kind": "training", "task": task, "task_page": task,
        "task_options": task_options or {}, "variant": page, "architecture": page,
        "architecture_options": options or {}, "hidden_size": hidden, "length_steps": length,
        "parameters": 0, "parameters_target": None, "seeds": SEEDS, "learning_rates": LEARNING_RATES,
        "budget": {
            "updates": UPDATES, "batch_size": 4, "validate_every": VALIDATE_EVERY, "patience": None,
            "validation_sequences": 8, "test_sequences": 8, **budget,
        },
        "probes": {}, "folds": None, "needs": [],
    }  # fmt: skip
    return Shard.of(fields)


def kinds(quick: bool) -> dict[str, Shard]:
    """The way -> a shard; tiny ones where the check itself is tried."""
    if quick:
        few = {name: KINDS[name] for name in ("fused cells", "text, state carried on", "a window")}
        return {
            name: shard_of(page, task, 12, 4, task_options=options)
            for name, (page, task, options) in few.items()
        }
    large = {"batch_size": 64, "validation_sequences": 200, "test_sequences": 200}
    return {
        name: shard_of(page, task, 60, 64, task_options=options, **large)
        for name, (page, task, options) in KINDS.items()
    }
