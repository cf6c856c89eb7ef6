"""The answer in sentences, computed from the tables.  Intervals stand here, or in the table above them.

A question that this run did not measure says so; nothing here is written by hand about a result.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from rnnlimits.analysis.figures import base
from rnnlimits.analysis.report import reach

NOT_MEASURED = "Not measured in this run."
VERDICTS = ("reproduced", "contradicted", "undecided", "not run")
MOST_NAMED = 4


@dataclass(frozen=True)
class Answer:
    """One question of the page's opening, and the figure that shows it."""

    question: str
    sentences: list[str]
    figure: str | None = None


def answers(tables: base.Tables, claims: pd.DataFrame, shown: reach.Reach) -> list[Answer]:
    """The four questions of the project, answered as far as they were measured."""
    asked = [
        (
            "How far back does the gradient reach, and what is learned?",
            reach.sentences(shown),
            "gradient_by_lag",
        ),
        ("What does the hidden size change?", _size(tables), "size_length_map"),
        ("What does that mean for language modelling?", _text(tables), "language_model"),
        ("Which published sentences hold?", _verdicts(claims), None),
    ]
    found = [(question, list(said), figure) for question, said, figure in asked]
    return [Answer(*entry) if entry[1] else Answer(entry[0], [NOT_MEASURED]) for entry in found]


def number(value: float) -> str:
    """
    >>> number(0.016449), number(-3.0), number(12345.6), number(float("nan"))
    ('0.0164', '−3', '12,346', 'not defined')
    """
    if pd.isna(value):
        return "not defined"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")


def interval(value: float, low: float, high: float) -> str:
    """
    >>> interval(0.5, 0.25, 0.75)
    '0.5 [0.25, 0.75]'
    """
    return f"{number(value)} [{number(low)}, {number(high)}]" if pd.notna(low) else number(value)


def _mean(row: pd.Series) -> str:
    return interval(row["estimate"], row.low, row.high)


def _size(tables: base.Tables) -> Iterator[str]:
    results, folds = tables["test_results"], tables["cross_validation"]
    if not results.empty:
        up, down, cells = base.size_effect(
            results[(results.metric == "solved") & results["estimate"].notna()]
        )
        if cells:
            yield (
                f"From the smallest to the largest size, the share of seeds that solve the task rises in "
                f"{up} of {cells} cells (task, architecture, length) and falls in {down}."
            )
    chosen = folds if folds.empty else folds[folds.chosen.astype(bool)]
    for (study, task), part in base.groups(chosen) if len(chosen) else []:
        said = [
            f"{row.variant} {row.hidden_size:g} units ({_at_the_edge(row.size_edge)}test "
            f"{base.words(row.metric)} {interval(row.test_value, row.test_low, row.test_high)})"
            for _, row in part.sort_values("variant").iterrows()
        ]
        yield f"Cross-validation chooses on {base.name(study, task)}: {'; '.join(said)}."


def _at_the_edge(edge: str | None) -> str:
    """
    >>> _at_the_edge("largest"), _at_the_edge(None)
    ('the largest tried; ', '')
    """
    return "" if pd.isna(edge) else f"the {edge} tried; "


def _text(tables: base.Tables) -> Iterator[str]:
    table, references = tables["test_results"], tables["references"]
    if table.empty:
        return
    table = base.hardest(table[(table.metric == "bits_per_character") & table["estimate"].notna()])
    for (study, task), part in base.groups(table):
        ranked = part.sort_values("estimate")
        said = ", ".join(f"{row.variant} {_mean(row)}" for _, row in ranked.iterrows())
        beside = ""
        if not references.empty:
            own = references[(references.study == study) & (references.task == task)]
            values = own.groupby("metric").value.mean().sort_values()
            beside = ", ".join(f"{_counted(str(name))} {number(value)}" for name, value in values.items())
        yield (
            f"{base.name(study, task)}, {base.seeds(part)}: bits per character on the test text (fewer are "
            f"better) are {said}" + (f"; of models that only count, {beside}." if beside else ".")
        )


def _counted(metric: str) -> str:
    return base.words(metric.removeprefix("reference_"))


def _verdicts(claims: pd.DataFrame) -> Iterator[str]:
    if claims.empty:
        return
    counts = claims.verdict.value_counts()
    said = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in VERDICTS)
    yield f"Of {len(claims)} published sentences: {said}."
    for verdict in VERDICTS[1:]:
        titles = claims[claims.verdict == verdict].title
        # Many are better read in the table of verdicts, which follows.
        if 0 < len(titles) <= MOST_NAMED:
            yield f"{verdict.capitalize()}: {'; '.join(titles)}."
