"""All that is known of a run: its rows, what is recorded of them, their files, and what was planned."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pandas import DataFrame

from rnnlimits import rows as waist
from rnnlimits.analysis import tables
from rnnlimits.planning import grid
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.shard import Shard


@dataclasses.dataclass(frozen=True)
class Record:
    """Everything by the shard's id, but the rows, which name their shard."""

    config: Config
    rows: DataFrame
    provenance: dict[str, dict[str, Any]]
    files: dict[str, Path]
    plan: dict[str, Shard]  # of today's config


def read(config: Config, paths: Sequence[str | Path]) -> Record:
    """From one file a shard, or from an archive of many."""
    provenance: dict[str, dict[str, Any]] = {}
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        shards = waist.read_provenance(path)["shards"]
        provenance |= shards
        files |= dict.fromkeys(shards, path)
    plan = {shard.id: shard for shard in grid.shards(config)}
    return Record(config, tables.read(paths), provenance, files, plan)
