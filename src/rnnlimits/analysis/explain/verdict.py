"""A verdict: the sentence, each check with its arithmetic on the numbers by seed, and the rows behind it.

`rnnlimits judge --explain` stops before the rows and what made them, which `rnnlimits explain` adds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from pandas import DataFrame

from rnnlimits.analysis import claims
from rnnlimits.analysis.claims import Judgement, checks, fairness, questions
from rnnlimits.analysis.claims.finding import Change, Finding, number, spread
from rnnlimits.analysis.claims.selection import plan_of
from rnnlimits.analysis.explain import origin
from rnnlimits.analysis.explain.layout import by_seed, count, field, heading, words
from rnnlimits.analysis.explain.record import Record
from rnnlimits.planning import grid

OF_CELL = ["shard", "split", "stage", "metric", "lag_steps"]


def explain(record: Record, name: str) -> list[str]:
    """The whole of it, what is most worth knowing first."""
    lines, judgement, rows = judged(record, name)
    return lines + (origin.explain(record, rows) if len(rows) else _not_run(judgement))


def judged(record: Record, name: str) -> tuple[list[str], Judgement, DataFrame]:
    """The verdict with its arithmetic; and the rows that it rests on."""
    content = record.config.claims_content
    claim = next(claim for claim in content["claims"] if claim["id"] == name)
    plan = plan_of(record.rows, grid.shards(record.config))
    judgement = claims.weigh(claim, record.rows, plan, record.config.confidence)
    parts = [questions.behind(part, record.rows, plan) for part in claim["parts"]]
    rows = pd.concat(parts).loc[lambda found: ~found.index.duplicated()]
    line = claims.line(judgement, content["sources"])
    shown = {
        "sentence": line["says"],
        "source": f"{line['reference']}, {line['place']}",
        "paper": line["paper"],
        "verdict": f"{line['verdict']}: {_sum(judgement)}",
        "scale": "; ".join(filter(None, (line["scale"], line["reduced"]))),
        "training": line["training"],
        "sensitivity": line["sensitivity"],
        "disputes": line["disputes"],
        "tried": line["tried"],
        "rests on": origin.summary(record, rows),
    }
    lines = [f"claim {name}: {line['verdict']}", line["title"], ""]
    lines += [field(label, text) for label, text in shown.items() if text]
    return lines + arithmetic(judgement, parts, record), judgement, rows


def arithmetic(judgement: Judgement, parts: list[DataFrame], record: Record) -> list[str]:
    """Each check: what was measured, on which seeds, with which interval, against which bound, and so?"""
    lines = [heading("The arithmetic")]
    for place, (part, findings, rows) in enumerate(zip(judgement.claim["parts"], judgement.parts, parts), 1):
        limits = {
            key: value for key, value in part.items() if key not in ("check", "study", "where", "against")
        }
        lines += ["", f"Check {place}: {part['check']} {words(limits)}".rstrip()]
        lines.append(field("asks", checks.of(part).question))
        lines.append(field("looks at", words({"study": part["study"], **part["where"]})))
        if "against" in part:
            lines.append(field("against", f"the same with {words(part['against'])}"))
        for letter, finding in enumerate(findings, 1):
            lines += ["", *_finding(f"{place}.{letter}", finding), *_given(part, finding, record)]
        lines += _losers(findings, rows)
    return lines


def _finding(place: str, finding: Finding) -> Iterator[str]:
    yield field(place, finding.sentence)
    if finding.bound:
        yield field("holds if", finding.bound)
    yield field("so it is", f"{finding.verdict}: {finding.why}" if finding.why else finding.verdict)
    for cell in finding.rows:
        for _, rows in cell.groupby(OF_CELL, dropna=False):
            first = rows.iloc[0]
            at = "" if pd.isna(first.lag_steps) else f" at lag {first.lag_steps:.0f}"
            what = f"{first.split} {first.stage} {first.metric}{at}"
            yield field("rows", f"{first.shard}: {what}, {count(len(rows), 'row')}; by seed")
            for _, one in rows.groupby("update" if rows.seed.duplicated().any() else "split"):
                yield field("", by_seed(one))

    if finding.changes:
        made = [f"{one.change}: {one.verdict}{_measured(one)}" for one in finding.changes]
        yield field("and then", "; ".join(made))


def _measured(one: Change) -> str:
    return f", {spread(one.interval)}" if one.interval.n else ""


def _given(part: Mapping[str, Any], finding: Finding, record: Record) -> Iterator[str]:
    """What each side was given; of networks that nothing trained, how large they are."""
    compares = checks.of(part).options.looks_at == "pair"
    for side in fairness.sides(finding, compares, record.rows, record.provenance):
        text = f"{side['shard']}: {count(side['parameters'], 'parameter')}"
        if side["trials"]:
            text += (
                f"; {number(side['updates_taken'])} of {number(side['updates_planned'])} updates in the mean"
            )
            text += f", {number(side['sequences_seen'])} sequences; {count(side['trials'], 'trial')}"
            text += f", learning rate {side['learning_rate']:g}"
        if side["seconds"] is not None:
            text += f"; {number(side['seconds'])} s"
        yield field("given", text)


def _losers(findings: list[Finding], rows: DataFrame) -> Iterator[str]:
    """Shards that were looked at and of which no finding speaks: of a side's variants the best one does."""
    spoken = {shard for finding in findings for cell in finding.rows for shard in cell.shard}
    if others := sorted(set(rows.shard.unique()) - spoken):
        yield field("not best", f"and so not compared: {', '.join(others)}")


def _sum(judgement: Judgement) -> str:
    """
    >>> found = [Finding("reproduced", "", ""), Finding("undecided", "", "")]
    >>> _sum(Judgement({"parts": [{}]}, [found], DataFrame()))
    'of 2 findings 1 undecided, 1 reproduced; the first of these decides'
    """
    found = [finding.verdict for finding in judgement.findings]
    counts = [f"{found.count(one)} {one}" for one in claims.WEIGHT if one in found]
    decides = "; the first of these decides" if len(counts) > 1 else ""
    if judgement.verdict not in found:
        decides = "; a positive control that fails contradicts nothing, and leaves a failure undecided"
    return f"of {count(len(found), 'finding')} {', '.join(counts)}{decides}"


def _not_run(judgement: Judgement) -> list[str]:
    planned = ", ".join(sorted(judgement.shards.shard)) or "none"
    return ["", field("planned", f"no rows to trace; shards that it speaks of: {planned}")]
