"""What recurrent networks are used for: of each task on real data the answer, and who reaches what.

Real data are known by what stands beside the networks: a task whose page computes what other methods reach
on the same test part (table `references`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from rnnlimits.analysis.figures import base
from rnnlimits.analysis.report.answer import interval, number
from rnnlimits.analysis.report.display import Table
from rnnlimits.analysis.report.names import known

KEYS = ["study", "task"]
REFERENCE = "reference_"


@dataclass(frozen=True)
class Use:
    """A task, in sentences of which the first is the answer, and its table."""

    task: str
    sentences: list[str]
    table: Table


def uses(tables: base.Tables) -> list[Use]:
    """Every task on real data with several architectures at one length: what was measured last."""
    results, references = tables["test_results"], tables["references"]
    if results.empty or references.empty:
        return []
    references = references[references.metric.str.startswith(REFERENCE)]  # the others are of another metric
    found = []
    for (study, task), methods in base.groups(references):
        mine = base.hardest(results[(results.study == study) & (results.task == task)])
        scores = mine[mine.primary & mine["estimate"].notna()]
        if scores.variant.nunique() > 1:
            found.append(_use(tables, scores, _ranked(mine), methods))
    return found


def _ranked(results: pd.DataFrame) -> pd.DataFrame:
    """By the loss, of which less is better everywhere."""
    loss = results[(results.metric == "loss") & results["estimate"].notna()]
    return loss.sort_values(["estimate", "variant"])


def _use(tables: base.Tables, scores: pd.DataFrame, ranked: pd.DataFrame, methods: pd.DataFrame) -> Use:
    task, higher = str(scores.task.iloc[0]), higher_is_better(scores, ranked)
    scores = scores.sort_values(["estimate", "variant"], ascending=[not higher, True])
    methods = methods[methods.length_steps == scores.length_steps.iloc[0]]
    methods = methods.sort_values("value", ascending=not higher)
    reach = tables["reach"]
    if not reach.empty:
        cells = scores[base.CELL]
        reach = reach[reach["estimate"].notna()].merge(cells, on=base.CELL)
    sentences = [_answer(scores.iloc[0], methods.iloc[0], higher), *_needed(reach, scores.iloc[0])]
    return Use(base.words(task), sentences, _table(scores, methods, reach))


def higher_is_better(scores: pd.DataFrame, ranked: pd.DataFrame) -> bool:
    """Does a task's measure grow as its loss falls?  Told by the networks with the least and the most loss.

    >>> scores = pd.DataFrame({"variant": ["gru", "elman"], "estimate": [0.9, 0.4], "unit": "share"})
    >>> loss = pd.DataFrame({"variant": ["gru", "elman"]})
    >>> higher_is_better(scores, loss), higher_is_better(scores, loss[::-1])
    (True, False)
    """
    by_variant = scores.set_index("variant")["estimate"]
    order = [by_variant[variant] for variant in ranked.variant if variant in by_variant.index]
    if len(order) > 1 and order[0] != order[-1]:
        return bool(order[0] > order[-1])
    return bool((scores.unit == "share").all())


def _answer(best: pd.Series, method: pd.Series, higher: bool) -> str:
    """The best network beside the best other method; the other comes first where no network beats it."""
    low, high = (best.low, best.high) if pd.notna(best.low) else (best["estimate"],) * 2
    wins, loses = (low > method.value, high < method.value) if higher else (
        high < method.value, low > method.value,
    )  # fmt: skip
    network, other = known(best.architecture), _method(method.metric)
    measured = base.words(best.metric)
    here = interval(best["estimate"], best.low, best.high)
    if wins:
        return (
            f"The best network, {network}, reaches {measured} {here}; the best method without one, {other}, "
            f"{number(method.value)}."
        )
    than = "is better than every network" if loses else "does as well as the best network"
    return f"{other.capitalize()} {than}: {measured} {number(method.value)}; {network} reaches {here}."


def _needed(reach: pd.DataFrame, best: pd.Series) -> Iterator[str]:
    if reach.empty:
        return
    mine = reach[reach.variant == best.variant].set_index("quantity")["estimate"]
    if "context" in mine.index:
        order = f", and the order of the last {number(mine['order'])}" if "order" in mine.index else ""
        yield (
            f"To come within 5 % of its gain it needs the last {number(mine['context'])} of "
            f"{best.length_steps:,g} steps{order}."
        )


def _method(metric: str) -> str:
    return base.words(metric.removeprefix(REFERENCE))


def _table(scores: pd.DataFrame, methods: pd.DataFrame, reach: pd.DataFrame) -> Table:
    first = scores.iloc[0]
    rows = []
    for _, row in scores.iterrows():
        steps = _steps(reach, row.variant)
        rows.append(
            [row.variant, f"{row.hidden_size:,g}", interval(row["estimate"], row.low, row.high), *steps]
        )
    for _, method in methods.iterrows():
        rows.append([f"{_method(method.metric)} (no network)", "–", number(method.value), "–", "–"])
    note = f"{base.name(first.study, first.task)}, {base.setting(scores)}, {base.seeds(scores)}."
    headings = ["who", "units", base.words(first.metric), "steps needed", "steps until a hundredth is left"]
    return Table(f"use-{first.study}-{first.task}", base.words(str(first.task)), note, headings, rows,
                 [False, True, True, True, True])  # fmt: skip


def _steps(reach: pd.DataFrame, variant: str) -> list[str]:
    """How far back an architecture uses its input, and how far its gradient goes."""
    if reach.empty:
        return ["–", "–"]
    mine = reach[reach.variant == variant].set_index("quantity").to_dict("index")
    needed = number(mine["context"]["estimate"]) if "context" in mine else "–"
    for quantity in ("gradient", "input_sensitivity"):
        if row := mine.get(quantity):
            beyond = "more than " if row["n_beyond"] > row["n"] / 2 else ""
            return [needed, f"{beyond}{number(row['estimate'])}"]
    return [needed, "–"]
