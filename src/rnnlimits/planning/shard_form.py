"""What `rnnlimits train --spec` may say: pages that exist, with their options, and numbers in their ranges.

Snakemake passes what planning wrote; what a person types is checked here, before a page is imported by name.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from rnnlimits import catalog
from rnnlimits.planning import feasibility
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.config.messages import short, told
from rnnlimits.planning.config.options import Page, resolved
from rnnlimits.planning.config.values import LARGEST, Closed, Folds, Label, Rate, Seeds, Size
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Kind

Count = Annotated[int, Field(ge=0, le=LARGEST)]
# Rows are read from a file of this name: it must not lead into another folder.
ShardId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", max_length=200)]
Options = dict[str, Any]


class _Form(Closed):
    study: Label
    kind: Kind
    task: Label
    task_page: str
    task_options: Options
    variant: Label
    architecture: str
    architecture_options: Options
    hidden_size: Count
    length_steps: Count
    parameters: Count
    parameters_target: Size | None
    seeds: Seeds
    learning_rates: list[Rate]
    budget: dict[str, Any] | None
    probes: dict[Label, Options]
    folds: Folds | None
    needs: list[ShardId]


def read(text: str) -> Shard:
    """The shard that `rnnlimits plan --json` wrote as one line of JSON; anything else is a ValueError."""
    values = Shard.fields_of(text)
    told = list(_told("", _Form, values)) or list(_mistakes_of(_Form.model_validate(values)))
    if told:
        raise ValueError("\n".join(f"--spec: {line}" for line in told))
    return Shard.of(values)


def _mistakes_of(shard: _Form) -> Iterator[str]:
    """What the pages say, and what only a simulation or a refit may leave open."""
    if shard.kind == "simulation":
        if shard.budget is not None:
            yield f"budget: got {short(shard.budget)}; expected null, as a simulation trains nothing"
        yield from _page("task_options", "simulations", shard.task_page, shard.task_options)
        return
    yield from _page("task_options", "tasks", shard.task_page, shard.task_options)
    yield from _page("architecture_options", "architectures", shard.architecture, shard.architecture_options)
    for name, options in shard.probes.items():
        yield from _page(f"probes.{name}", "probes", name, options)
    if problem := feasibility.too_many_models(shard.folds or shard.seeds, len(shard.learning_rates)):
        yield f"learning_rates: {problem}"
    yield from _of_budget(shard)
    for name in ("length_steps", "learning_rates", *(() if shard.kind == "refit" else ("hidden_size",))):
        if not (came := getattr(shard, name)):
            yield f"{name}: got {came}; expected more for a shard of kind {shard.kind}"


def _of_budget(shard: _Form) -> Iterator[str]:
    wrong = list(_told("budget", Budget, shard.budget))
    yield from wrong
    if wrong or shard.architecture not in catalog.names("architectures"):
        return
    budget = Budget.model_validate(shard.budget)
    found = feasibility.without_matrix(budget, shard.architecture)
    for key, problem in (*found, *feasibility.too_many_steps(budget, max(1, shard.length_steps))):
        yield f"budget.{key}: {problem}"


def _page(place: str, kind: str, page: str, options: Options) -> Iterator[str]:
    if "page" in options:
        yield f"{place}: unknown key 'page'; remove it"
    else:
        yield from _told(place, Annotated[Page, resolved(kind)], {**options, "page": page})


def _told(place: str, form: Any, value: Any) -> Iterator[str]:
    try:
        TypeAdapter(form).validate_python(value)
    except ValidationError as error:
        for where, said in told(error, lambda where: list(Budget.model_fields)):
            # An option has a place of its own below this one; the page as a whole has not.
            yield f"{'.'.join(filter(None, (place, where)))}: {said}"
