"""The probes of a shard, taken on its models before training, on the way and after it."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from rnnlimits import catalog
from rnnlimits.architectures._model import Model
from rnnlimits.probes.base import Measurement
from rnnlimits.rows import Stage, Status
from rnnlimits.tasks.base import generator
from rnnlimits.training.build import Setup
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What the probes found on one model."""

    stage: Stage
    update: int  # updates before it
    seed: int
    learning_rate: float | None  # None where nothing was trained
    status: Status
    found: list[Measurement]


def untrained(setup: Setup) -> list[Probed]:
    """Every seed's model at its initial weights."""
    return [
        Probed(
            stage="initial", update=0, seed=seed, learning_rate=None, status="untrained",
            found=probe(setup, model, seed),
        )
        for seed, model in setup.models.items()
    ]  # fmt: skip


def trained(setup: Setup, replicas: Sequence[Replica]) -> list[Probed]:
    """The replicas with the weights that were kept on the way, if any, and then with their best ones.

    A seed's model in the setup is used for it, and has those weights afterwards.
    """
    return [
        Probed(
            stage=stage, update=update, seed=one.seed, learning_rate=one.learning_rate, status=one.status,
            found=probe(setup, Replicas([model]).copy_into(model, theta_P, 0), one.seed),
        )
        for stage, one, update, theta_P in kept(replicas)
        for model in [setup.models[one.seed]]
    ]  # fmt: skip


def kept(replicas: Sequence[Replica]) -> Iterator[tuple[Stage, Replica, int, Tensor]]:
    for one in replicas:
        if one.mid_training_update is not None:  # somebody asked for mid-training
            yield "mid_training", one, one.mid_training_update, one.mid_training_theta_P
    for one in replicas:
        yield "final", one, one.best_update, one.best_theta_P


def probe(setup: Setup, model: Model, seed: int) -> list[Measurement]:
    """Every probe of the shard, in float64, on a copy: a measurement moves nothing that is trained."""
    found: list[Measurement] = []
    for name, values in setup.shard.probes.items():
        page = catalog.module("probes", name)
        options = catalog.make(page.Options, values)
        watched = copy.deepcopy(model).double()
        found += page.measure(watched, setup.tasks[seed], options, generator(seed, "probe"))
    return found
