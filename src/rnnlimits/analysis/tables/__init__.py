"""Rows ─► tidy tables: every mean with its interval and its number of seeds.

Each table is one function from the frame of rows to a frame; `write` puts them all into a folder as CSV.  The
same rows give the same bytes in whatever order their files come; only `timings` reads what may differ between
equal runs.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from rnnlimits import rows as waist
from rnnlimits.analysis import statistics
from rnnlimits.analysis.tables.context import parameters, references, simulations, timings
from rnnlimits.analysis.tables.cross_validation import cross_validation
from rnnlimits.analysis.tables.gradients import (
    gradient_by_lag,
    gradient_slopes,
    jacobian_by_lag,
    probe_scalars,
)
from rnnlimits.analysis.tables.summary import Table
from rnnlimits.analysis.tables.training import learning_curves, learning_rate_search, replicas, test_results
from rnnlimits.storage.whole_files import renamed_when_complete

# From the rows alone: two equal runs give the same bytes.
TABLES: dict[str, Table] = {
    "test_results": test_results,
    "learning_curves": learning_curves,
    "replicas": replicas,
    "gradient_by_lag": gradient_by_lag,
    "gradient_slopes": gradient_slopes,
    "jacobian_by_lag": jacobian_by_lag,
    "probe_scalars": probe_scalars,
    "learning_rate_search": learning_rate_search,
    "cross_validation": cross_validation,
    "parameters": parameters,
    "simulations": simulations,
    "references": references,
}


def read(paths: Sequence[str | Path]) -> DataFrame:
    """The rows of several files (one a shard, or an archive of many) in one frame."""
    if not paths:
        raise ValueError("no rows files given: train some shards, or name an archive")
    frames = {Path(path): waist.table(path).to_pandas() for path in paths}
    seen: dict[str, Path] = {}
    for path, frame in frames.items():
        for shard in frame.shard.unique():
            if shard in seen:
                raise ValueError(f"{path}: shard {shard!r} is also in {seen[shard]}; give each shard once")
            seen[shard] = path
    # A shard's rows stay in the order in which they were measured; the files' order is made to not matter.
    return pd.concat(frames.values()).sort_values("shard", kind="stable", ignore_index=True)


def provenance(paths: Sequence[str | Path]) -> dict[str, dict]:
    """What is recorded of every shard beside its rows."""
    return {shard: facts for path in paths for shard, facts in waist.read_provenance(path)["shards"].items()}


def write(
    paths: Sequence[str | Path], out_dir: str | Path, confidence: float = statistics.CONFIDENCE
) -> list[Path]:
    """Every table as out_dir/NAME.csv."""
    rows = read(paths)
    tables = {name: table(rows, confidence) for name, table in TABLES.items()}
    tables["timings"] = timings(rows, provenance(paths))
    return [to_csv(table, Path(out_dir) / f"{name}.csv") for name, table in tables.items()]


def to_csv(table: DataFrame, path: Path) -> Path:
    """Six digits: more would record the order in which a machine happened to sum."""
    with renamed_when_complete(path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.6g", lineterminator="\n")
    return path
