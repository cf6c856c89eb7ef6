"""Two runs side by side: what `rnnlimits compare` prints, and `rnnlimits merge` where shards contradict.

    shards in both ─► equal rows, or results with a difference and its interval
    claims.json of both ─► verdicts that turned          what is recorded ─► config, code, versions, machine

Nothing is judged or measured anew: the rows, and the verdicts that were made of them, are read.
"""

import dataclasses
from pathlib import Path
from typing import Any

from pandas import DataFrame, Series

from rnnlimits.analysis import tables
from rnnlimits.analysis.differences import made, results, run, turned
from rnnlimits.analysis.differences.run import Run
from rnnlimits.rows.places import Place

COLUMNS = ["what", "name", *results.COLUMNS, "shards"]


@dataclasses.dataclass(frozen=True)
class Differences:
    """All that differs between two runs."""

    first: Run
    second: Run
    shards: list[str]  # in both
    unequal: list[str]  # of these, with other rows
    results: DataFrame  # a line for each result that differs
    rows: dict[str, int]  # by split, how many differ
    made: list[made.Difference]
    verdicts: list[turned.Turned] | None  # None: one of the runs has none

    def only_in(self, one: Run) -> list[str]:
        """The shards that the other run lacks."""
        return sorted({*one.facts} - {*self.shards})

    @property
    def anything(self) -> bool:
        """Does a number or a verdict differ?  How the runs were made may differ without it."""
        return bool(self.unequal or self.only_in(self.first) or self.only_in(self.second) or self.verdicts)


def between(one: Place, other: Place) -> Differences:
    """Raises ValueError, one line, where the two have no shard in common."""
    first, second = run.read(one), run.read(other)
    shards = sorted(first.facts.keys() & second.facts.keys())
    if not shards:
        said = " and ".join(f"{side.label} has {_example(side)}" for side in (first, second))
        raise ValueError(f"compare: no shard is in both: {said}; give two runs of the same studies")
    unequal = [shard for shard in shards if first.digests.get(shard) != second.digests.get(shard)]
    verdicts = None
    if first.claims is not None and second.claims is not None:
        verdicts = turned.verdicts(first.claims, second.claims)
    return Differences(
        first, second, shards, unequal, results.of_shards(first, second, unequal),
        results.rows_by_split(first, second, unequal), made.differences(first, second, shards), verdicts,
    )  # fmt: skip


def write(found: Differences, out: Path) -> None:
    """Everything that differs, a line each, as a CSV file; `what` says what a line is about."""
    lines: list[dict[str, Any]] = [{"what": "result", **line} for line in results.records(found.results)]
    for what, side in (("only in first", found.first), ("only in second", found.second)):
        lines += [{"what": what, "shard": shard} for shard in found.only_in(side)]
    lines += [{"what": "rows", "name": split, "remark": f"{many} rows"} for split, many in found.rows.items()]
    for one in found.verdicts or ():
        lines.append({"what": "verdict", "name": one.claim, **one._asdict()})
    lines += [one._asdict() for one in found.made]
    table = DataFrame(lines, columns=COLUMNS)
    # Numbers and words share these columns, so that numbers are written as words with as many digits.
    for name in ("first", "second"):
        texts = [f"{one:.6g}" if isinstance(one, float) else one for one in table[name].astype(object)]
        table[name] = Series(texts, dtype=object).mask(table[name].isna())
    tables.to_csv(table.astype(dict.fromkeys(("n_first", "n_second", "shards"), "Int64")), out)


def _example(side: Run) -> str:
    return f"{len(side.facts)}, such as {min(side.facts)}" if side.facts else "none"
