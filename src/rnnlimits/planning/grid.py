"""From a config to shards.

study sequence_length: 2 tasks x 3 architectures x 4 lengths x 1 hidden size  ->  24 shards
"""

import dataclasses
import itertools
import os
from collections.abc import Iterator

from rnnlimits.planning.config.options import Page
from rnnlimits.planning.config.schema import Config, GridStudy, Study
from rnnlimits.planning.shard import Shard
from rnnlimits.planning.sizes import sizes

GPU_VARIABLE = "RNNLIMITS_GPU"  # 1: the studies that ask for a GPU of their own run too


def shards(config: Config) -> list[Shard]:
    """Every job of a config, the long ones first."""
    planned = itertools.chain.from_iterable(_study(label, study) for label, study in config.studies.items())
    return sorted(planned, key=lambda shard: (-shard.cost, shard.id))


def for_a_gpu(config: Config) -> list[Shard]:
    """The shards of studies that ask for a GPU in a config that otherwise needs none."""
    asking = {
        label for label in config.studies if (config.device, config.device_of(label)) == ("cpu", "cuda")
    }
    return [shard for shard in shards(config) if shard.study in asking]


def waiting(config: Config) -> list[Shard]:
    """Those of them that are planned, but are no jobs as long as nobody says that there is a GPU."""
    return [] if os.environ.get(GPU_VARIABLE) == "1" else for_a_gpu(config)


def _study(label: str, study: Study) -> Iterator[Shard]:
    if study.kind == "simulation":
        for task, page in study.simulations.items():
            yield _simulation(label, task, page, study.seeds)
        return
    cells = itertools.product(study.tasks.items(), study.architectures.items(), study.lengths)
    for (task, task_page), (variant, architecture), length in cells:
        blank = _blank(label, study, task, task_page, variant, architecture, length)
        sized = [
            dataclasses.replace(blank, hidden_size=hidden, parameters=parameters, parameters_target=budget)
            for hidden, parameters, budget in sizes(study, task_page.options, architecture.options, length)
        ]
        if study.kind == "training":
            yield from sized
        else:
            yield from (dataclasses.replace(shard, probes={}) for shard in sized)
            yield dataclasses.replace(blank, kind="refit", needs=[shard.id for shard in sized])


def _blank(
    label: str,
    study: GridStudy,
    task: str,
    task_page: Page,
    variant: str,
    architecture: Page,
    length: int,
) -> Shard:
    """A shard of which the hidden size is still open."""
    return Shard(
        study=label,
        kind=study.kind,
        task=task,
        task_page=task_page.page,
        task_options=task_page.values,
        variant=variant,
        architecture=architecture.page,
        architecture_options=architecture.values,
        hidden_size=0,
        length_steps=length,
        parameters=0,
        parameters_target=None,
        seeds=study.seeds,
        learning_rates=list(study.learning_rates),
        budget=study.budget,
        probes={name: probe.values for name, probe in study.probes.items()},
        folds=study.folds,
        needs=[],
    )


def _simulation(label: str, task: str, page: Page, seeds: int) -> Shard:
    return Shard(
        study=label,
        kind="simulation",
        task=task,
        task_page=page.page,
        task_options=page.values,
        variant="none",
        architecture="none",
        architecture_options={},
        hidden_size=0,
        length_steps=0,
        parameters=0,
        parameters_target=None,
        seeds=seeds,
        learning_rates=[],
        budget=None,
        probes={},
        folds=None,
        needs=[],
    )
