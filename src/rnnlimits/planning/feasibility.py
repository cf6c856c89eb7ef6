"""What every key of a study allows alone, but not all of them together.

A length that a task cannot have, a size that an architecture cannot take, a task without a training set to
fold: each page says so in its own `Options.problem`; here they are asked for every cell of the grid.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from rnnlimits import catalog
from rnnlimits.contracts import ArchitectureOptions, TaskOptions
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.config.messages import Where
from rnnlimits.planning.config.values import LARGEST, MOST_MODELS, MOST_STEPS
from rnnlimits.planning.sizes import sizes


def problems(study: Any) -> Iterator[tuple[Where, str]]:
    """What each key allows alone, but not together."""
    wanted, other = "hidden_sizes", "parameters"
    if study.match == "parameters":
        wanted, other = other, wanted
    if not getattr(study, wanted):
        yield (wanted,), f"missing; `match: {study.match}` needs a list of {wanted}"
    if getattr(study, other):
        yield (other,), f"has no meaning with `match: {study.match}`; remove it, or change match"
    if study.budget.updates and "learning_rates" not in study.model_fields_set:
        yield ("learning_rates",), "missing; give the list to choose from, the same for every architecture"
    if not study.budget.updates and len(study.learning_rates) > 1:
        yield ("learning_rates",), "nothing is trained with `updates: 0`; remove the key or give one rate"
    if not study.budget.updates and not study.probes:
        yield ("probes",), "none, and nothing is trained with `updates: 0`: give a probe, or updates"
    if not study.budget.updates and study.keep_weights == "all":
        yield ("keep_weights",), "got all, and nothing is trained with `updates: 0`; remove the key"
    if problem := too_many_models(study.folds or study.seeds, len(study.learning_rates)):
        yield ("learning_rates",), problem
    for key, problem in too_many_steps(study.budget, max(study.lengths)):
        yield ("budget", key), problem
    for label, architecture in study.architectures.items():
        for key, problem in without_matrix(study.budget, architecture.page):
            yield ("budget", key), f"architecture {label!r}: {problem}"
    if study.budget.probe_at and not (study.probes and study.budget.updates):
        unwatched = "weights are kept, but no probe looks at them: give a probe"
        untrained = "half-trained weights need a training: give updates"
        yield ("budget", "probe_at"), unwatched if study.budget.updates else untrained
    if study.folds:
        yield from impossible_to_fold(study)
    unfit_lengths = list(impossible_lengths(study))
    yield from unfit_lengths
    if getattr(study, wanted) and not unfit_lengths:
        yield from impossible_sizes(study)


def too_many_models(runs: int, rates: int) -> str | None:
    """Of one job: so many seeds or folds, each at so many learning rates."""
    if runs * rates <= MOST_MODELS:
        return None
    return f"got {rates:,} for {runs:,} seeds or folds; expected at most {MOST_MODELS:,} models in one job"


def too_many_steps(budget: Budget, length: int) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) for sequences that no machine holds at once."""
    for key in ("batch_size", "validation_sequences", "test_sequences"):
        if (sequences := getattr(budget, key)) * length > MOST_STEPS:
            most = max(1, MOST_STEPS // length)
            yield key, f"got {sequences:,} sequences of {length:,} steps; expected at most {most:,}"


def without_matrix(budget: Budget, page: str) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) for what a budget asks of a recurrent matrix like elman's, and a page without."""
    able = [
        name
        for name in catalog.names("architectures")
        if catalog.constant("architectures", name, "trained_matrix")
    ]
    asked = {
        "gradient_norm_penalty": budget.gradient_norm_penalty,
        "not_finite": budget.not_finite == "shrink",
    }
    for key in [key for key, wanted in asked.items() if wanted and page not in able]:
        yield key, f"{page} has no recurrence f(W x + U h + b); pages that have: {', '.join(able)}"


def impossible_to_fold(study: Any) -> Iterator[tuple[Where, str]]:
    able = [name for name in catalog.names("tasks") if "fold" in catalog.methods("tasks", name)]
    for label, task in study.tasks.items():
        if task.page not in able:
            possible = ", ".join(able) or "none so far"
            yield (
                ("tasks", label),
                f"{task.page} has no fixed training set to fold; tasks that have: {possible}",
            )
        elif task.options.most_folds is not None and study.folds > task.options.most_folds:
            yield (
                ("folds",),
                f"task {label!r}: got {study.folds}; expected at most {task.options.most_folds} folds",
            )
    if not study.budget.updates:
        yield (
            ("budget", "updates"),
            "got 0; expected more updates, as a cross-validation compares trained models",
        )


def impossible_lengths(study: Any) -> Iterator[tuple[Where, str]]:
    for (label, task), (position, length) in itertools.product(study.tasks.items(), enumerate(study.lengths)):
        if problem := task.options.problem(length):
            yield ("lengths", position), f"task {label!r} cannot have length {length}: {problem}"


def impossible_sizes(study: Any) -> Iterator[tuple[Where, str]]:
    told = set()  # most problems are the same for every size and length: the first one stands for all
    for task, (label, architecture), length in itertools.product(
        study.tasks.values(), study.architectures.items(), study.lengths
    ):
        for cell, problem in _problems_of(study, task.options, architecture, length):
            if (label, problem) not in told:
                told.add((label, problem))
                yield ("architectures", label), f"{cell}{problem}"


def _problems_of(study: Any, task: TaskOptions, page: Any, length: int) -> Iterator[tuple[str, str]]:
    """(which cell, what is wrong with it) for one task, architecture and length."""
    architecture: ArchitectureOptions = page.options
    try:
        possible = sizes(study, task, architecture, length)
    except ValueError as error:
        yield "", str(error)
        return
    hiddens = [hidden for hidden, _, _ in possible]
    if len(set(hiddens)) < len(hiddens):
        yield "", f"several of the parameter counts give the same hidden size ({hiddens}); space them out"
    for hidden, count, _ in possible:
        if problem := architecture.problem(hidden, length):
            yield f"hidden size {hidden}, length {length}: ", problem
        elif catalog.has_recurrence(architecture.of or page.page):
            state = architecture.state_values(hidden)
            told = (probe.options.problem(state) for probe in study.probes.values())
            yield from ((f"hidden size {hidden}: ", problem) for problem in told if problem)
        if count > LARGEST:
            yield f"hidden size {hidden}: ", f"more than {LARGEST} parameters, the most that can be recorded"
