"""Of k parts one is enough to contradict a claim, so each must do so at a stricter level.

A claim is *reproduced* only if all its parts are, which needs no correction.  It is *contradicted* if one of
k is: with eleven parts whose true values lie at their bounds, 95 % intervals would contradict it in 24 % of
the cases.  So a first part must contradict it with an error of (1 - confidence) / k, a second one with
(1 - confidence) / (k - 1), and so on as long as there are any (Holm, 1979): the claim errs in at most
1 - confidence of the cases, and the parts that contradict it are named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pandas import DataFrame

from rnnlimits.analysis.claims.finding import CONTRADICTED, UNDECIDED, Finding
from rnnlimits.analysis.claims.questions import Question


def answered(
    asked: Sequence[Sequence[Question]], parts: Sequence[Mapping[str, Any]], rows: DataFrame
) -> list[list[Finding]]:
    """The findings of each part, contradictions judged for all parts together.

    A positive control contradicts nothing, so it is not counted.
    """
    together = [
        question
        for part, questions in zip(parts, asked)
        for question in questions
        if not part.get("positive_control")
    ]
    alone = {id(question): question.answer() for part in asked for question in part}
    # Who does not contradict it alone does not do so as one of several.
    accusing = [question for question in together if alone[id(question)].verdict == CONTRADICTED]
    level = dict.fromkeys(map(id, together), holm(accusing, len(together)))
    return [
        [_answer(question, alone[id(question)], level.get(id(question), 1), rows) for question in part]
        for part in asked
    ]


def holm(accusing: Sequence[Question], together: int) -> int:
    """By what the error of each part is divided in the end, so that Holm's parts contradict and no others."""
    for contradicted in range(together):
        level = together - contradicted
        if sum(question.answer(level).verdict == CONTRADICTED for question in accusing) <= contradicted:
            return level if contradicted == 0 else level + 1
    return 1


def _answer(question: Question, found: Finding, parts: int, rows: DataFrame) -> Finding:
    """What one part has found alone, unless it contradicts: then what it finds as one of several."""
    if parts == 1 or found.verdict != CONTRADICTED:
        return question.completed(found, rows)
    strict = question.answer(parts)
    if strict.verdict == CONTRADICTED:
        return question.completed(strict, rows, parts)
    why = f"{found.why}; but alone of {parts} parts it must do so with an error of 1 in {parts} of the usual"
    return question.completed(found._replace(verdict=UNDECIDED, why=why), rows, parts)
