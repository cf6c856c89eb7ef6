"""Does the verdict on a comparison survive without a seed, on half of the seeds, at another learning rate?

Test sequences are read at the chosen learning rate only, so another rate is judged by what every rate has:
the best validation value of each replica, and whether and when it solved the task.  Both sides take the same
rate.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from pandas import DataFrame

from rnnlimits.analysis.claims.bounds import FEWEST_SEEDS, TO_SOLVE
from rnnlimits.analysis.claims.checks import Check
from rnnlimits.analysis.claims.finding import NOT_RUN, Change, Finding
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import NOTHING

FEWEST_FOR_HALVES = 2 * FEWEST_SEEDS
KINDS = {"seed": "without one seed", "half": "each half of the seeds", "rate": "other learning rates"}


def changes(check: Check, one: Cell, other: Cell, rows: DataFrame) -> Iterator[Change]:
    """The same check, each time with one thing changed."""
    seeds = sorted(set(one.value.index) & set(other.value.index))

    def of(kept: Sequence[Any]) -> Finding:
        # Fewer seeds than the claim asks for are the point here.
        sides = [_only(cell, kept) for cell in (one, other)]
        fewer = dataclasses.replace(check.options, seeds=max(1, min(check.options.seeds, len(kept))))
        return check(*sides, options=fewer)

    for left_out in seeds:
        kept = [seed for seed in seeds if seed != left_out]
        yield _change("seed", f"without seed {left_out:.0f}", of(kept))
    if len(seeds) < FEWEST_FOR_HALVES:
        yield _impossible("half", f"needs {FEWEST_FOR_HALVES} seeds")
    else:
        half = len(seeds) // 2
        for kept in (seeds[:half], seeds[half:]):
            yield _change("half", f"seeds {kept[0]:.0f} to {kept[-1]:.0f} alone", of(kept))
    yield from _rates(check, one, other, rows)


def in_words(findings: Sequence[Finding]) -> str:
    """
    >>> kept, lost = Finding("reproduced", "", ""), Finding("undecided", "", "")
    >>> made = (_change("seed", "", kept), _change("seed", "", lost), _impossible("half", "needs 6 seeds"))
    >>> in_words([kept._replace(changes=made)])
    'without one seed: 1 of 2 verdicts the same; each half of the seeds: needs 6 seeds'
    """
    said = []
    for kind, words in KINDS.items():
        made = [(one, found) for found in findings for one in found.changes if one.kind == kind]
        tried = [one.verdict == found.verdict for one, found in made if one.verdict != NOT_RUN]
        reasons = dict.fromkeys(one.why for one, _ in made if one.verdict == NOT_RUN)
        if tried:
            said.append(f"{words}: {sum(tried)} of {len(tried)} verdicts the same")
        elif made:
            said.append(f"{words}: {', '.join(reasons)}")
    return "; ".join(said)


def _rates(check: Check, one: Cell, other: Cell, rows: DataFrame) -> Iterator[Change]:
    metrics = [_at_every_rate(cell) for cell in (one, other)]
    ends = rows[(rows.split == "validation") & (rows.stage == "final") & rows.learning_rate.notna()]
    sides = [
        ends[(ends.shard == cell.names["shard"]) & (ends.metric == metric)]
        for cell, metric in zip((one, other), metrics)
    ]
    if any(side.empty for side in sides):
        trained = one.rows.learning_rate.notna().any()
        yield _impossible("rate", "it was not read at others" if trained else "nothing was trained")
        return
    chosen = {rate for side in sides for rate in side[side.selected].learning_rate}
    common = sorted(set(sides[0].learning_rate) & set(sides[1].learning_rate))
    others = [rate for rate in common if chosen != {rate}]
    if not others:
        yield _impossible("rate", "no other was tried on both sides")
    for rate in others:
        cells = [_at_rate(cell, side, rate) for cell, side in zip((one, other), sides)]
        yield _change("rate", f"learning rate {rate:g} on both sides, by validation", check(*cells))


def _at_every_rate(cell: Cell) -> str:
    """What validation has in place of a cell's numbers: nothing for a probe, or for what no training made."""
    metric, first = cell.raw_metric, cell.rows.iloc[0] if len(cell.rows) else None
    if first is None or first.stage != "final" or first.split not in ("validation", "test"):
        return ""
    return TO_SOLVE if metric in ("solved", TO_SOLVE) else f"best_{metric.removeprefix('best_')}"


def _at_rate(cell: Cell, ends: DataFrame, rate: float) -> Cell:
    mine = ends[ends.learning_rate == rate].set_index("seed").sort_index()
    value = mine.value.astype(float)
    if cell.raw_metric == "solved":
        value = value.notna().astype(float)
    return dataclasses.replace(cell, value=value, status=mine.status)


def _only(cell: Cell, seeds: Sequence[Any]) -> Cell:
    return dataclasses.replace(cell, value=cell.value.loc[seeds], status=cell.status.loc[seeds])


def _change(kind: str, words: str, found: Finding) -> Change:
    return Change(kind, words, found.verdict, found.interval)


def _impossible(kind: str, why: str) -> Change:
    return Change(kind, f"{KINDS[kind]}: {why}", NOT_RUN, NOTHING, why)
