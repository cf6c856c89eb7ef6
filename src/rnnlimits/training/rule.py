"""The rule by which a task chooses among weights and learning rates, in the words of rows/selection.py."""

from rnnlimits.rows.selection import Rule
from rnnlimits.tasks.base import Task


def rule_of(task: Task) -> Rule:
    """
    >>> from rnnlimits.tasks.adding import Adding, Options
    >>> rule_of(Adding(length=10, options=Options())).by
    'loss'
    """
    known = {"loss": task.chance.get("loss"), "score": task.chance.get(task.metric)}
    chance = {name: level for name, level in known.items() if level is not None}
    return Rule(by=task.chosen_by, higher_is_better=task.higher_is_better, chance=chance)
