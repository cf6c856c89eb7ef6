"""What differs between two runs, as a short page of text."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isnan

from pandas import DataFrame

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.finding import number
from rnnlimits.analysis.differences import Differences, made, results
from rnnlimits.analysis.differences.run import Run
from rnnlimits.analysis.explain.layout import count, field

MOST, MOST_OF_A_KIND = 20, 6  # results, and ways in which the runs were made: a CSV file has them all
HEADINGS = ("shard", "stage", "metric", "first", "second", "second - first", "seeds", "interval of")


def lines(found: Differences) -> Iterator[str]:
    """One line where neither a number nor anything that is recorded differs."""
    if not found.anything:
        yield _nothing(found)
        yield from _made(found.made)
        return
    yield from (
        field(name, _whole(side)) for name, side in (("first", found.first), ("second", found.second))
    )
    yield from _shards(found)
    yield from of_results(found.results, results.count(found.first, found.shards))
    yield from _verdicts(found)
    yield from _made(found.made)


def of_results(lines: DataFrame, compared: int) -> Iterator[str]:
    """How many results differ, and those that differ most surely, as a table."""
    beyond = int((lines.lies == results.BEYOND).sum())
    said = f"{len(lines):,} of {compared:,} differ, {beyond:,} of them beyond their {_percent()} interval"
    if beyond:
        said += f"; by chance alone {(1 - statistics.CONFIDENCE) * len(lines):,.1f} would"
    yield field("results", said)
    order = lines.lies.map({results.BEYOND: 0, results.WITHIN: 1, results.UNKNOWN: 2})
    first = lines.assign(order=order).sort_values(["order", "shard", "stage", "metric"], kind="stable")
    yield from _table([_cells(line) for line in results.records(first.head(MOST))])
    if len(lines) > MOST:
        yield f"  ... and {len(lines) - MOST:,} more: --out FILE.csv has them all"


def _nothing(found: Differences) -> str:
    judged = f", {count(len(found.first.claims or ()), 'verdict')}"
    judged = "; verdicts were not compared" if found.verdicts is None else judged
    rows = count(len(found.first.rows), "row")
    return f"no number differs: {count(len(found.shards), 'shard')}, {rows}{judged}"


def _whole(side: Run) -> str:
    return f"{side.label}: {count(len(side.facts), 'shard')}, {count(len(side.rows), 'row')}"


def _shards(found: Differences) -> Iterator[str]:
    same = len(found.shards) - len(found.unequal)
    yield field("shards", f"{len(found.shards):,} in both, {same:,} of them with equal rows")
    for label, side in (("only first", found.first), ("only second", found.second)):
        if only := found.only_in(side):
            yield field(label, f"{count(len(only), 'shard')}: {_some(only)}")
    if found.unequal:
        said = ", ".join(f"{many:,} of {split}" for split, many in found.rows.items())
        yield field("rows", f"differ: {said or 'none in its number or status'}")


def _verdicts(found: Differences) -> Iterator[str]:
    if found.verdicts is None:
        yield from (
            field("verdicts", f"not compared: {one.unjudged}")
            for one in (found.first, found.second)
            if one.claims is None
        )
        return
    judged = len({*(found.first.claims or ()), *(found.second.claims or ())})
    yield field("verdicts", f"{len(found.verdicts)} of {judged} turned")
    for one in found.verdicts:
        remark = f"; {one.remark}" if one.remark else ""
        yield field("", f"{one.claim}: {one.first} -> {one.second}{remark}")


def _made(lines: Sequence[made.Difference]) -> Iterator[str]:
    for what, group in groupby(lines, key=lambda one: one.what):
        alike = list(group)
        for one in alike[:MOST_OF_A_KIND]:
            shards = "" if one.shards is None else f" ({count(one.shards, 'shard')})"
            yield field(what, f"{one.name}: {one.first} -> {one.second}{shards}")
        if (more := len(alike) - MOST_OF_A_KIND) > 0:
            yield field("", f"... and {more:,} more: --out FILE.csv has them all")


def _cells(line: dict[str, object]) -> list[str]:
    ends = "" if isnan(float(str(line["low"]))) else f" [{_number(line['low'])}, {_number(line['high'])}]"
    seeds = f"{line['n_first']}, {line['n_second']}"
    told = f"{line['method']}{'; ' if line['remark'] else ''}{line['remark']}"
    star = "* " if line["lies"] == results.BEYOND else "  "
    return [
        star + str(line["shard"]), str(line["stage"]), str(line["metric"]), _number(line["first"]),
        _number(line["second"]), _number(line["difference"]) + ends, seeds, told,
    ]  # fmt: skip


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """
    >>> print(*_table([["* a", "final", "test loss", "1", "2", "1 [0, 2]", "3, 3", "Welch"]]), sep="\\n")
      shard  stage  metric     first  second  second - first  seeds  interval of
    * a      final  test loss  1      2       1 [0, 2]        3, 3   Welch
    """
    if not rows:
        return
    whole = [["  shard", *HEADINGS[1:]], *rows]
    width = [max(len(row[column]) for row in whole) for column in range(len(HEADINGS))]
    yield from ("  ".join(f"{cell:{size}}" for cell, size in zip(row, width)).rstrip() for row in whole)


def _number(value: object) -> str:
    found = float(str(value))
    return "none" if isnan(found) else number(found)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if names[3:] else "")


def _percent() -> str:
    return f"{100 * statistics.CONFIDENCE:g} %"
