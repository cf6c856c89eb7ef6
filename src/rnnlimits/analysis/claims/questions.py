"""What the parts of a claim ask: a check, and the cells that it is asked of, before any of them is judged."""

import dataclasses
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import pandas as pd
from pandas import DataFrame

from rnnlimits.analysis.claims import checks, power, sensitivity
from rnnlimits.analysis.claims.finding import NOT_RUN, Finding
from rnnlimits.analysis.claims.selection import Cell, NotRunError, Where, cells, networks, pairs, rows_of
from rnnlimits.planning import where as rule


@dataclasses.dataclass(frozen=True)
class Question:
    """One finding to be made: what a check looks at, and all rows behind it."""

    check: checks.Check
    cells: tuple[Cell, ...] = ()  # of a comparison, `where` and then `against`
    table: DataFrame | None = None  # of networks that are asked several things at once
    rows: tuple[DataFrame, ...] = ()
    missing: str = ""  # what is not there, so that nothing can be found

    def answer(self, parts: int = 1) -> Finding:
        """The finding, if this is one of so many parts of which each could contradict the claim."""
        if self.missing:
            return Finding(NOT_RUN, self.missing, "")
        return self.check.one_of(parts)(*self._looked_at(parts))._replace(cells=self.cells, rows=self.rows)

    def _looked_at(self, parts: int) -> tuple[Any, ...]:
        if self.table is not None:
            return (self.table,)
        stricter = tuple(cell.one_of(parts) for cell in self.cells)
        return (stricter,) if self.check.options.looks_at == "cells" else stricter

    def completed(self, finding: Finding, rows: DataFrame, parts: int = 1) -> Finding:
        """The finding with the seeds that would decide it, and what one change makes of a comparison."""
        if self.missing or not self.cells:
            return finding
        one, other = (cell.one_of(parts) for cell in (self.cells[0], self.cells[-1]))
        finding = finding._replace(seeds_to_decide=power.seeds_to_decide(finding, one.confidence))
        if self.check.options.looks_at != "pair":
            return finding
        changes = sensitivity.changes(self.check.one_of(parts), one, other, rows)
        return finding._replace(changes=tuple(changes))


def of(part: Where, rows: DataFrame, plan: DataFrame, confidence: float) -> Iterator[Question]:
    """A question for each shard, or pair of shards, that fits a part."""
    check = checks.of(part)
    try:
        if check.options.looks_at == "networks":
            table = networks(rows, plan, part, list(part["conditions"]))
            yield Question(check, table=table, rows=(behind(part, rows, plan),))
        else:
            found = [cells(rows, plan, part, where, confidence) for where in rule.selections(part)]
            for group in _grouped(check, part, found):
                yield Question(check, tuple(group), rows=tuple(cell.rows for cell in group))
    except NotRunError as missing:
        yield Question(check, missing=str(missing))


def _grouped(check: checks.Check, part: Where, found: Sequence[list[Cell]]) -> Iterator[Sequence[Cell]]:
    """What is looked at together: one cell, all of them, or a pair."""
    if check.options.looks_at == "cells":
        yield found[0]
    elif check.options.looks_at == "cell":
        yield from ((cell,) for cell in found[0])
    else:
        one, other = found
        if part.get("pick") == "best":
            one, other = best(one, part["direction"]), best(other, part["direction"])
        yield from list(pairs(one, other, part["against"]))


def behind(part: Where, rows: DataFrame, plan: DataFrame) -> DataFrame:
    """All rows that one part looks at, with the losers of `pick: best`; none where some are missing."""
    asked = {"metric": list(part["conditions"])} if "conditions" in part else {}
    try:
        found = [rows_of(rows, plan, part, where | asked) for where in rule.selections(part)]
    except NotRunError:
        return rows.head(0)
    return pd.concat(found).loc[lambda both: ~both.index.duplicated()]


def best(found: Sequence[Cell], direction: str) -> list[Cell]:
    """Of the variants on the same task and length, the one with the best mean: each side its champion."""
    sign = 1 if direction == "higher" else -1
    champions: dict[tuple[Any, ...], Cell] = {}
    for cell in sorted(found, key=lambda cell: sign * cell.value.fillna(-sign * inf).mean()):
        # The last one stays.
        champions[cell.names["study"], cell.names["task"], cell.names["length_steps"]] = cell
    return list(champions.values())
