"""From a config to shards.

study sequence_length: 2 tasks x 3 architectures x 4 lengths x 1 hidden size  ->  24 shards
"""

import dataclasses
import itertools
from collections.abc import Iterator

from rnnlimits.planning import gpu, where
from rnnlimits.planning.config.options import Page
from rnnlimits.planning.config.schema import Config, GridStudy, Study
from rnnlimits.planning.shard import Shard
from rnnlimits.planning.sizes import sizes


def shards(config: Config) -> list[Shard]:
    """Every job of a config, the long ones first; with `only_claims`, what those read."""
    planned = everything(config)
    if config.only_claims:
        claims = config.claims_content["claims"]
        read = {shard.id: shard for claim in claims for shard in where.shards_of(claim, planned)}
        wanted = {*read, *(need for shard in read.values() for need in shard.needs)}
        planned = [shard for shard in planned if shard.id in wanted]
    return planned


def everything(config: Config) -> list[Shard]:
    """Every cell of every study."""
    planned = itertools.chain.from_iterable(_study(label, study) for label, study in config.studies.items())
    return sorted(planned, key=lambda shard: (-shard.cost, shard.id))


def for_a_gpu(config: Config) -> list[Shard]:
    """The shards of studies that ask for a GPU, or can use one, in a config that otherwise needs none."""
    return [
        shard
        for shard in shards(config)
        if config.device == "cpu" and config.asked_for(shard.study) in ("cuda", "any")
    ]


def waiting(config: Config) -> list[Shard]:
    """Those of them that are planned, but are no jobs as long as nobody says whether there is a GPU."""
    if gpu.there_is_one():
        return []
    asking = ("cuda",) if gpu.said_none() else ("cuda", "any")
    return [shard for shard in for_a_gpu(config) if config.asked_for(shard.study) in asking]


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
