"""The recorded update of every page equals the eager one: gradients, losses, norms and the state carried on.

On a GPU the recording is a CUDA graph; on the CPU its imitation stands for it, with the same buffers.  A page
that cannot be recorded would train all the same, launch by launch; here it is told.
"""

from collections.abc import Iterator

import torch
from gpu_found import Found, guarded
from gpu_shards import shard_of
from gpu_values import NEEDS, relative
from torch import Tensor

from rnnlimits import catalog
from rnnlimits.planning.shard import Shard
from rnnlimits.training.build import set_up
from rnnlimits.training.cuda_graph import Imitation, Recording
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas, stack

BATCHES = 4
# The same operations on the same numbers; but a library may choose another of its routines while recorded.
TOLERANCE = 1e-5
TEXT = {"embedding": 5, "characters": 4000}
# What else an update may have: (page, task, the task's options, the budget).
MORE = {
    "a state carried on": ("gru", "character_language_model", TEXT, {}),
    "asked steps alone": ("lstm", "parity", {}, {}),
    "an answer at each step": ("gru", "copy_memory", {}, {}),
    "dropout": ("gru", "adding", {}, {"dropout": 0.3}),
    "a recipe with all": ("elman", "adding", {}, {
        "gradient_norm_penalty": 2.0, "not_finite": "shrink", "clip_value": 0.1,
    }),
}  # fmt: skip


def shards(length: int, hidden: int) -> Iterator[tuple[str, Shard]]:
    for page in catalog.names("architectures"):
        yield page, shard_of(page, "adding", length, hidden, options=NEEDS.get(page, {}))
    for name, (page, task, options, budget) in MORE.items():
        yield name, shard_of(page, task, length, hidden, task_options=options, **budget)


def arguments(training: ReplicaTraining, device: str) -> Iterator[tuple[Tensor | None, ...]]:
    """What the updates to come are given, without a state."""
    which = range(len(training.replicas))
    theta_RP = training.models.theta(which).detach().to(device)
    for _ in range(BATCHES):
        batch = stack([next(stream) for stream in training.streams.values()], theta_RP)
        masks = training.models.masks(training.dropout, list(training.streams), batch.x, theta_RP)
        frozen_RQ = training.models.frozen_RQ.to(device)
        yield theta_RP, frozen_RQ, batch.x, batch.target, batch.mask_BT, batch.asked_BA, *masks
        theta_RP = theta_RP * 0.99  # other weights, as after an update


def recorded(name: str, shard: Shard, device: str) -> Found:
    setup = set_up(shard)
    replicas = [Replica(seed, 1e-2) for seed in setup.tasks]
    models = Replicas(list(setup.models.values()))
    training = ReplicaTraining(models, replicas, setup.tasks, {}, setup.budget)
    batches = list(arguments(training, device))
    state: list[Tensor] = []
    if next(iter(setup.tasks.values())).options.embedding:  # a text's first batch has none
        _, _, *state = training.gradients(*batches[0])
    training.gradients(*batches[0], *state)  # traces and trials, which are no part of a recording
    recording = (Recording if device == "cuda" else Imitation)(training.gradients, (*batches[0], *state))
    largest, bits = 0.0, True
    for given in batches[1:]:
        eager = training.gradients(*given, *state)
        replayed = recording((*given, *state))
        for ours, theirs in zip(replayed, eager, strict=True):
            bits = bits and torch.equal(ours, theirs)
            if ours.numel():
                largest = max(largest, relative(ours.double(), theirs.double()))
        state = [part.clone() for part in replayed[2:]] if state else []
    return Found(
        check="recording", what=name, passed=largest <= TOLERANCE, measured=largest, bound=TOLERANCE,
        unit="relative", note="" if bits else "not the same bits",
    )  # fmt: skip


def checks(device: str, quick: bool) -> Iterator[Found]:
    for name, shard in shards(*((12, 4) if quick else (40, 32))):
        yield guarded("recording", name, lambda n=name, s=shard: recorded(n, s, device))
