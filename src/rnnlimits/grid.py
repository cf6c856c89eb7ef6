"""From a config to shards: one shard is one job, with all its seeds and learning rates trained together.

    study sequence_length: 2 tasks x 3 architectures x 4 lengths x 1 hidden size  ->  24 shards

A shard is plain data and travels as one line of JSON: through Snakemake's `params`, through a shell, into the
provenance of its rows.  Planning counts trainable numbers with the pages' formulas, so it never loads torch.
"""

import dataclasses
import functools
import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rnnlimits.catalog import pick
from rnnlimits.rows import COLUMNS, Kind, Row

if TYPE_CHECKING:
    from rnnlimits.config import Config, GridStudy, Study
    from rnnlimits.pages import Page

LARGEST_HIDDEN_SIZE = 2**20
GPU_VARIABLE = "RNNLIMITS_GPU"  # 1: the studies that ask for a GPU of their own run too
UNKNOWN_PARAMETERS = 10_000  # of a refit, whose size is not yet chosen when jobs are put into order


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """Everything that decides the numbers of one job."""

    study: str
    kind: Kind
    task: str  # the label in the config
    task_page: str  # the file in tasks/, or in simulations/
    task_options: dict[str, Any]
    variant: str  # the label of the architecture in the config
    architecture: str  # the file in architectures/; "none" for a simulation
    architecture_options: dict[str, Any]
    hidden_size: int  # 0 where it is chosen from other shards' rows (refit)
    length_steps: int
    parameters: int  # trainable, of the whole model
    parameters_budget: int | None  # what `match: parameters` aimed at
    seeds: int  # replicas have seeds 0 .. seeds - 1
    learning_rates: list[float]
    budget: dict[str, Any]
    probes: dict[str, dict[str, Any]]
    folds: int | None  # of a cross-validation
    needs: list[str]  # ids of the shards whose rows this one reads (refit only)

    @property
    def id(self) -> str:
        """The name of the rows file, of the job and of the row's column `shard`."""
        if self.kind == "simulation":
            return f"{self.study}.{self.task}.simulation"
        size = "chosen" if self.kind == "refit" else f"h{self.hidden_size}"
        return f"{self.study}.{self.task}.{self.variant}.{size}.t{self.length_steps}"

    @property
    def replicas(self) -> int:
        """How many models this job trains side by side."""
        if self.kind == "simulation":
            return self.seeds
        per_rate = self.folds if self.kind == "cross_validation" and self.folds else self.seeds
        # A refit finds its learning rate already chosen.
        return per_rate * (1 if self.kind == "refit" else len(self.learning_rates))

    @property
    def cost(self) -> float:
        """A rough measure of the work, in additions and multiplications: long jobs should start first."""
        if self.kind == "simulation":
            return 0.0
        # A fold is as urgent as itself and the refit, which has to wait for it.
        models = self.replicas + (self.seeds if self.kind == "cross_validation" else 0)
        per_step = self.budget["batch"] * models * (self.parameters or UNKNOWN_PARAMETERS)
        # A time step costs some 100 us whatever its size; probing alone costs as much as some updates.
        return max(self.budget["steps"], 20) * self.length_steps * (200_000 + per_step)

    def row(self, **measured: Any) -> Row:
        """A row of this shard: the columns that say which shard it is are filled in."""
        same = {name: getattr(self, name) for name in _COMMON}
        return Row(shard=self.id, **(same | measured))

    def to_json(self) -> str:
        """One line with sorted keys: equal shards give equal text."""
        return json.dumps(vars(self), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Shard":
        """The shard that `to_json` wrote; other keys are refused, the values are shard_form.py's business."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # also a number of 5,000 digits, a thousand brackets
            raise ValueError(f"--spec: not JSON ({error}); take it from `rnnlimits plan --json`") from error
        known = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(values, dict):
            raise ValueError(
                f"--spec: {type(values).__name__} came; a shard is a mapping of {', '.join(known)}"
            )
        try:
            for key in values:
                pick(key, known, noun="field of a shard")
        except LookupError as error:
            raise ValueError(f"--spec: {error}") from error
        if missing := [name for name in known if name not in values]:
            raise ValueError(f"--spec: these fields of a shard are missing: {', '.join(missing)}")
        return cls(**values)


_COMMON = set(COLUMNS) & {field.name for field in dataclasses.fields(Shard)}


def shards(config: "Config") -> list[Shard]:
    """Every job of a config, the long ones first."""
    planned = itertools.chain.from_iterable(_study(label, study) for label, study in config.studies.items())
    return sorted(planned, key=lambda shard: (-shard.cost, shard.id))


def for_a_gpu(config: "Config") -> list[Shard]:
    """The shards of studies that ask for a GPU in a config that otherwise needs none."""
    asking = {
        label for label in config.studies if (config.device, config.device_of(label)) == ("cpu", "cuda")
    }
    return [shard for shard in shards(config) if shard.study in asking]


def waiting(config: "Config") -> list[Shard]:
    """Those of them that are planned, but are no jobs as long as nobody says that there is a GPU."""
    return [] if os.environ.get(GPU_VARIABLE) == "1" else for_a_gpu(config)


def _study(label: str, study: "Study") -> Iterator[Shard]:
    if study.kind == "simulation":
        for task, page in study.simulations.items():
            yield _simulation(label, task, page, study.seeds)
        return
    cells = itertools.product(study.tasks.items(), study.architectures.items(), study.lengths)
    for (task, task_page), (variant, architecture), length in cells:
        blank = _blank(label, study, task, task_page, variant, architecture, length)
        sized = [
            dataclasses.replace(blank, hidden_size=hidden, parameters=parameters, parameters_budget=budget)
            for hidden, parameters, budget in sizes(study, task_page.options, architecture.options, length)
        ]
        if study.kind == "training":
            yield from sized
        else:
            yield from (dataclasses.replace(shard, probes={}) for shard in sized)
            yield dataclasses.replace(blank, kind="refit", needs=[shard.id for shard in sized])


def _blank(
    label: str,
    study: "GridStudy",
    task: str,
    task_page: "Page",
    variant: str,
    architecture: "Page",
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
        parameters_budget=None,
        seeds=study.seeds,
        learning_rates=list(study.learning_rates),
        budget=study.budget.model_dump(),
        probes={name: probe.values for name, probe in study.probes.items()},
        folds=study.folds,
        needs=[],
    )


def _simulation(label: str, task: str, page: "Page", seeds: int) -> Shard:
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
        parameters_budget=None,
        seeds=seeds,
        learning_rates=[],
        budget={},
        probes={},
        folds=None,
        needs=[],
    )


def sizes(study: "GridStudy", task: Any, architecture: Any, length: int) -> list[tuple[int, int, int | None]]:
    """(hidden size, parameters, what was aimed at) for one task, one architecture and one length."""
    count = functools.partial(parameters, task, architecture, length)
    if study.match == "parameters":
        matched = [(matched_hidden_size(count, budget), budget) for budget in study.parameters or []]
        return [(hidden, count(hidden), budget) for hidden, budget in matched]
    return [(hidden, count(hidden), None) for hidden in study.hidden_sizes or []]


@functools.cache
def parameters(task: Any, architecture: Any, length: int, hidden: int) -> int:
    """Trainable numbers of the whole model: embedding where the task has one, architecture, read-out."""
    inputs, outputs = task.widths(length)
    if embedding := getattr(task, "embedding", 0):
        encoder, inputs = inputs * embedding, embedding
    else:
        encoder = 0
    return encoder + architecture.parameters(inputs, hidden) + hidden * outputs + outputs


def matched_hidden_size(count: Callable[[int], int], budget: int) -> int:
    """The hidden size whose parameter count comes nearest to a budget; of two equally near, the smaller.

    >>> matched_hidden_size(lambda hidden: hidden * hidden, budget=90)
    9
    >>> matched_hidden_size(lambda hidden: 10 * hidden, budget=15)
    1
    """
    above = _first_reaching(count, budget)
    # A formula may stand still (groups, heads), so of equal counts the first is looked for.
    below = _first_reaching(count, count(above - 1)) if above > 1 else above
    return min(below, above, key=lambda hidden: (abs(count(hidden) - budget), hidden))


def _first_reaching(count: Callable[[int], int], target: int) -> int:
    """The smallest hidden size with at least `target` parameters; `count` never falls."""
    high = 1
    while count(high) < target:
        if high >= LARGEST_HIDDEN_SIZE:
            raise ValueError(f"even a hidden size of {high} has only {count(high)} parameters, not {target}")
        high *= 2
    low = high // 2  # count(low) < target, or low is 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    return high
