"""A name on the page ─► its rows ─► where these come from: what `rnnlimits explain NAME` prints.

    verdict ─► checks, their arithmetic ─┐
    figure ─► tables ────────────────────┴► rows of shards ─► config, code, commit, versions, host, time

A verdict is worked out here by the code that judges, and a table says itself which rows it is made of.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from rnnlimits import catalog
from rnnlimits.analysis import tables
from rnnlimits.analysis.explain import names, shown, single, verdict
from rnnlimits.analysis.explain.record import Record, read
from rnnlimits.planning.config.schema import Config

KINDS: dict[str, Callable[[Record, str], list[str]]] = {
    "claim": verdict.explain,
    "figure": shown.figure,
    "table": shown.table,
    "shard": single.explain,
}


def explain(name: str, config: Config, rows_paths: Sequence[str | Path]) -> str:
    """The chain behind a claim's id, a figure, a table, a shard, or the unique beginning of one."""
    record = read(config, rows_paths)
    found = names.find(name, known(record))
    return "\n\n".join("\n".join(KINDS[kind](record, whole)) for kind, whole in found) + "\n"


def arithmetic(claim: str, config: Config, rows_paths: Sequence[str | Path]) -> str:
    """How a verdict comes about, without what made its rows."""
    record = read(config, rows_paths)
    found = names.find(claim, {"claim": known(record)["claim"]})
    return "\n\n".join("\n".join(verdict.judged(record, whole)[0]) for _, whole in found) + "\n"


def known(record: Record) -> dict[str, list[str]]:
    """All that can be asked for, by kind; the shards that were planned and those that have rows."""
    return {
        "claim": [claim["id"] for claim in record.config.claims_content["claims"]],
        "figure": catalog.names("figures"),
        "table": [*tables.TABLES, shown.TIMINGS],
        "shard": sorted(record.plan.keys() | record.provenance.keys()),
    }
