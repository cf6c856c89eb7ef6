"""What one part of a claim finds in some rows, for the tests of claims."""

import dataclasses

from rnnlimits.analysis import claims, statistics
from rnnlimits.analysis.claims import questions
from rnnlimits.analysis.claims.selection import plan_of
from support.synthetic_rows import frame, probed, shard, validated

ERROR = {"split": "test", "metric": "mean_squared_error"}
SLOPE = {"stage": "initial", "metric": "gradient_slope"}


def findings(part, rows, planned=None):
    """One finding a cell; `planned` adds the shards of other rows to what was to run."""
    plan = plan_of(frame(rows + (planned or [])))
    found = frame(rows)
    asked = questions.of({"study": "memory", **part}, found, plan, statistics.CONFIDENCE)
    return [question.completed(question.answer(), found) for question in asked]


def verdict(part, rows, planned=None):
    return claims.combine([finding.verdict for finding in findings(part, rows, planned)])


def two(elman, lstm, metric="gradient_slope"):
    """One measurement of two variants."""
    return probed(shard(), metric, elman) + probed(shard(variant="lstm"), metric, lstm)


SOLVED = {"split": "test", "metric": "solved"}
STEPS = {"split": "validation", "stage": "final", "metric": "updates_to_solve"}
BUDGET = 1000  # updates


def times(variant, steps, unsolved="out_of_updates"):
    """Final validation rows: when each seed solved the task, None where it did not within the budget."""
    rows = []
    for row in validated(shard(variant=variant), [[0.3, 0.2]] * len(steps), every=BUDGET):
        took = steps[row.seed]
        status = "solved" if took else unsolved
        if row.metric == "updates_to_solve":
            row = dataclasses.replace(row, value=took, update=took or BUDGET)
        rows.append(dataclasses.replace(row, status=status))
    return rows
