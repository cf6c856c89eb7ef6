"""Shards that several runs have with different rows: by how much, in a line for each pair of runs."""

from collections.abc import Iterator, Mapping, Sequence

from rnnlimits.analysis.claims.finding import number
from rnnlimits.analysis.differences import results, run
from rnnlimits.analysis.explain.layout import count
from rnnlimits.rows.merging import Source
from rnnlimits.rows.places import Place

MOST = 3  # results of one shard


def lines(contradicted: Mapping[str, Sequence[Source]], places: Mapping[str, Place]) -> Iterator[str]:
    """Of each shard, the first run that has it against each other one."""
    runs = {
        label: run.read(places[label])
        for label in dict.fromkeys(source.label for them in contradicted.values() for source in them)
    }
    for shard, (first, *others) in contradicted.items():
        for other in others:
            if first.digests.get(shard) != other.digests.get(shard):
                yield f"{shard}: {_said(runs[first.label], runs[other.label], shard)}"


def _said(first: run.Run, second: run.Run, shard: str) -> str:
    found = results.of_shards(first, second, [shard])
    beyond = found[found.lies == results.BEYOND]
    rows = sum(results.rows_by_split(first, second, [shard]).values())
    results_ = f"{len(beyond)} of {count(results.count(first, [shard]), 'result')} beyond their intervals"
    told = [
        f"{line['metric']} {number(line['difference'])} [{number(line['low'])}, {number(line['high'])}]"
        for line in results.records(beyond.head(MOST))
    ]
    more = f": {', '.join(told)}{', ...' if len(beyond) > MOST else ''}" if told else ""
    return f"{second.label} against {first.label}: {count(rows, 'row')} different, {results_}{more}"
