"""From what `rnnlimits judge --details` wrote to the lines of a figure: a line for each side of each finding.

A panel is a part of a claim, and of networks that were asked several things at once, one of the things: all
its numbers share an axis.  A line is called by what tells it apart in its panel; the rest is said in the
title.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

import numpy as np
import pandas as pd

from rnnlimits import catalog
from rnnlimits.analysis import statistics
from rnnlimits.analysis.figures import base
from rnnlimits.analysis.statistics import NOTHING, Interval, mixtures, scales
from rnnlimits.contracts import CheckOptions

# What a cell is called by, in this order, where it differs; and how a number of it is written.
NAMES = {"variant": "{}", "task": "{}", "length_steps": "T {:g}", "hidden_size": "h {:g}", "measure": "{}"}
FAR_OF, TIMES_WIDER = 11, 4  # one number of so many may lie far off; far is what makes an axis so much wider
DECADES = 100.0  # a span of more than two decades is drawn on a logarithmic axis


@dataclass(frozen=True)
class Line:
    """One cell's numbers."""

    label: str
    look: str  # the variant, or the simulation, whose look it is drawn with
    values: list[float]  # of each seed that has one
    cut_off: list[bool]  # of these: did its budget end before it got there?
    seeds: int
    interval: Interval
    chance: float

    @property
    def missing(self) -> int:
        return self.seeds - len(self.values)


@dataclass(frozen=True)
class Judged:
    """One finding: its lines, and what was held against the bound."""

    verdict: str
    lines: list[Line]
    interval: Interval
    bound: tuple[float, float]  # where the claim holds


@dataclass(frozen=True)
class Panel:
    """Findings that share an axis."""

    title: str
    bound: str  # in words
    measure: str
    check: str
    share: bool  # are its numbers shares, which lie between 0 and 1?
    findings: list[Judged] = field(default_factory=list)

    @property
    def compares(self) -> bool:
        """Is what was judged a comparison of two sides, on a scale of its own?"""
        return self.form.looks_at == "pair"

    @property
    def form(self) -> type[CheckOptions]:
        """What the check says of itself."""
        return catalog.check(self.check)

    @property
    def lines(self) -> list[Line]:
        return [line for finding in self.findings for line in finding.lines]


TO_SOLVE = "updates_to_solve"  # of a run that never solved its task, the whole budget stands for it


def panels(findings: pd.DataFrame, evidence: pd.DataFrame) -> list[Panel]:
    """The panels of one claim; a finding without numbers has no line.

    Two parts that ask something of the same numbers, in the same words, share a panel.
    """
    found: dict[tuple[str, ...], Panel] = {}
    for panel in _panels(findings, evidence):
        verdicts = [finding.verdict for finding in panel.findings]
        # By their texts: a number that is none does not equal itself.
        found.setdefault((panel.title, panel.bound, panel.measure, repr(panel.lines), *verdicts), panel)
    return list(found.values())


def _panels(findings: pd.DataFrame, evidence: pd.DataFrame) -> Iterator[Panel]:
    measures = evidence.measure.map(base.words)
    for part, behind in evidence.assign(measure=measures).groupby("part"):
        found = findings[findings.part == part]
        by_number = {line["finding"]: line for line in found.to_dict("records")}
        check = str(found.check.iloc[0])
        sides = (
            [behind]
            if catalog.check(check).looks_at == "pair"
            else [cut for _, cut in behind.groupby("metric", sort=False)]
        )
        for cells in sides:
            measure, short = shared(list(cells.measure.unique()))
            cells = cells.assign(measure=cells.measure.map(short))
            told = [column for column in NAMES if cells[column].nunique(dropna=False) > 1]
            if cells.groupby(["part", *told], dropna=False).study.nunique().max() > 1:
                told = ["study", *told]  # the same cell under two budgets
            told = told or ["variant" if _worth(cells.iloc[0], "variant") else "task"]
            yield Panel(
                title=_said(cells.iloc[0], [column for column in NAMES if column not in (*told, "measure")]),
                bound=", ".join(found.bound.dropna().astype(str).unique()),
                measure=measure,
                check=check,
                share=bool((cells.unit == "share").all()),
                findings=[_judged(by_number[key], cut, told) for key, cut in cells.groupby("finding")],
            )


def shared(measures: list[str]) -> tuple[str, dict[str, str]]:
    """What measures have in common, for the axis, and what tells each apart, for the lines.

    >>> shared(["train loss at the end", "validation loss at the end"])
    ('… loss at the end', {'train loss at the end': 'train', 'validation loss at the end': 'validation'})
    >>> shared(["test loss", "best test loss"])[1]
    {'test loss': 'test', 'best test loss': 'best test'}
    >>> shared(["slope", "exponent"])[0], shared(["slope"])
    ('slope / exponent', ('slope', {'slope': 'slope'}))
    """
    words = [measure.split() for measure in measures]
    before, after = _agreeing(words), _agreeing([part[::-1] for part in words])
    shortest = min(map(len, words))
    # Something must be left of each, or a line would have no name.
    after = max(0, min(after, shortest - before - 1))
    if len(measures) == 1 or not before + after:
        return " / ".join(measures), {measure: measure for measure in measures}
    before = min(before, shortest - after - 1)
    if all(part[before].isdigit() for part in words):
        before = max(0, before - 1)  # "lag 119" says more than "119"
    first = words[0]
    common = [*first[:before], "…", *first[len(first) - after :]]
    apart = [" ".join(part[before : len(part) - after]) for part in words]
    return " ".join(common), dict(zip(measures, apart))


def _agreeing(words: list[list[str]]) -> int:
    """With how many words all of them begin alike."""
    return next((i for i, column in enumerate(zip(*words)) if len(set(column)) > 1), min(map(len, words)))


def _judged(finding: Mapping[Any, Any], behind: pd.DataFrame, told: list[str]) -> Judged:
    own = Interval(finding["estimate"], finding["low"], finding["high"], 0)
    cells = [cut for _, cut in behind.groupby(["side", "label"], sort=False)]
    looks_at = catalog.check(finding["check"]).looks_at
    if looks_at in ("cells", "networks"):  # each for itself: nothing is averaged
        judged: Interval | None = NOTHING
    else:
        judged = own if len(cells) == 1 and looks_at != "pair" else None
    low, high = finding["bound_low"], finding["bound_high"]
    return Judged(
        verdict=str(finding["verdict"]),
        lines=[_line(cell, told, judged) for cell in cells],
        interval=own,
        bound=(-inf if pd.isna(low) else low, inf if pd.isna(high) else high),
    )


def _line(cell: pd.DataFrame, told: list[str], judged: Interval | None) -> Line:
    first = cell.iloc[0]
    there = cell[np.isfinite(cell.value.astype(float))]
    values = there.value.to_numpy(dtype=float)
    return Line(
        label=_said(first, told),
        look=str(first.variant if first.variant != "none" else first.task),
        values=[float(value) for value in values],
        cut_off=list((there.metric == TO_SOLVE) & (there.status != "solved")),
        seeds=len(cell),
        # What was judged, be it a mean, a median or a share; of a side of a comparison, its mean.
        interval=judged or _mean(there),
        chance=float(first.chance),
    )


def _mean(cell: pd.DataFrame) -> Interval:
    """On the scale of the quantity; where seeds fall into two groups their dots alone say where they lie."""
    values = cell.value.to_numpy(dtype=float)
    scale = scales.of(str(cell.unit.iloc[0]) if len(cell) else None, values)
    one_group = len(values) and mixtures.groups(values, scale=scale) is None
    return statistics.mean(values, scale=scale) if one_group else NOTHING


def _said(cell: pd.Series, columns: list[str]) -> str:
    """
    >>> cell = {"variant": "gru_0_5", "task": "adding", "length_steps": 200, "hidden_size": 37}
    >>> _said(pd.Series(cell), ["variant", "length_steps", "hidden_size"])
    'gru_0_5, T 200, h 37'
    """
    return ", ".join(
        NAMES.get(column, "{}").format(cell[column]) for column in columns if _worth(cell, column)
    )


def _worth(cell: pd.Series, column: str) -> bool:
    """A simulation has no variant, no length and no size."""
    return not pd.isna(cell[column]) and cell[column] not in ("none", 0)


def near(numbers: list[float]) -> list[float]:
    """The numbers without the few that lie so far off that the others would fall together.

    >>> near([0.15, 0.16, 0.17, 0.18, 0.17, 0.16, 0.17, 0.16, 0.15, 0.17, 2.3])[-1], near([1, 2, 3])
    (0.18, [1, 2, 3])
    """
    known = sorted(number for number in numbers if isfinite(number))
    few = len(known) // FAR_OF
    if logarithmic(known):
        return known  # that axis has room for all
    for low, high in ((0, few), (few, 0)):
        inner = known[low : len(known) - high]
        if few and inner[-1] - inner[0] < (known[-1] - known[0]) / TIMES_WIDER:
            return inner
    return known


def logarithmic(numbers: list[float]) -> bool:
    """
    >>> logarithmic([213, 813, 27_380]), logarithmic([0.1, 5]), logarithmic([0, 500])
    (True, False, False)
    """
    known = [number for number in numbers if isfinite(number)]
    return bool(known) and min(known) > 0 and max(known) / min(known) > DECADES
