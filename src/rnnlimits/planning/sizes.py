"""How large a model is: trainable numbers, counted with the pages' formulas and so without torch."""

import functools
from collections.abc import Callable

from rnnlimits.contracts import ArchitectureOptions, TaskOptions
from rnnlimits.planning.config.schema import GridStudy

LARGEST_HIDDEN_SIZE = 2**20


def sizes(
    study: GridStudy, task: TaskOptions, architecture: ArchitectureOptions, length: int
) -> list[tuple[int, int, int | None]]:
    """(hidden size, parameters, what was aimed at) for one task, one architecture and one length."""
    count = functools.partial(parameters, task, architecture, length)
    if study.match == "parameters":
        matched = [(matched_hidden_size(count, budget), budget) for budget in study.parameters or []]
        return [(hidden, count(hidden), budget) for hidden, budget in matched]
    return [(hidden, count(hidden), None) for hidden in study.hidden_sizes or []]


@functools.cache
def parameters(task: TaskOptions, architecture: ArchitectureOptions, length: int, hidden: int) -> int:
    """Trainable numbers of the whole model: embedding where the task has one, architecture, read-out."""
    inputs, outputs = task.widths(length)
    encoder = inputs * task.embedding
    inputs = task.embedding or inputs
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
