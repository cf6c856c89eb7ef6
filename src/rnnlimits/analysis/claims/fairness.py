"""What each side of a comparison was given: weights, updates, sequences, trials, seconds."""

from collections.abc import Iterator, Mapping
from typing import Any

from pandas import DataFrame

from rnnlimits.analysis.claims.finding import Finding
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.rows import marks

COLUMNS = [
    "side", "shard", "variant", "parameters", "updates_planned", "updates_taken", "sequences_seen", "trials",
    "learning_rate", "rate_edge", "seconds",
]  # fmt: skip


def sides(
    finding: Finding, compares: bool, rows: DataFrame, provenance: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """A line for each cell of networks; a shard that is compared with itself has one."""
    seen = set()
    for number, cell in enumerate(finding.cells):
        shard = cell.names["shard"]
        if cell.names["kind"] == "simulation" or shard in seen:
            continue
        seen.add(shard)
        side = "other" if compares and number else "one"
        seconds = provenance.get(shard, {}).get("seconds_total")
        yield {"side": side, **given(cell, rows), "seconds": seconds}


def given(cell: Cell, rows: DataFrame) -> dict[str, Any]:
    """Updates and sequences are means over the seeds of the chosen learning rate; trials are of all rates."""
    shard = rows[rows.shard == cell.names["shard"]]
    ends = shard[(shard.split == "validation") & (shard.stage == "final")]
    replicas = ends[["learning_rate", "seed", "selected", "update"]].drop_duplicates(
        ["learning_rate", "seed"]
    )
    chosen = replicas[replicas.selected]
    rate = chosen.learning_rate.max()
    taken = chosen["update"].mean() if len(chosen) else 0
    return {
        "shard": cell.names["shard"],
        "variant": cell.names["variant"],
        "parameters": int(shard.parameters.max()) if len(shard) else cell.names["parameters"],
        "updates_planned": cell.names["updates"],
        "updates_taken": taken,
        "sequences_seen": taken * cell.names["batch_size"],
        "trials": len(replicas),
        "learning_rate": rate,
        "rate_edge": marks.edge(rate, list(replicas.learning_rate)) if len(chosen) else None,
    }
