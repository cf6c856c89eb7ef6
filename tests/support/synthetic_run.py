"""A run for the tests of the report: a config, rows of all shards but one, tables, figures and verdicts."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rnnlimits import rows
from rnnlimits.analysis import figures
from rnnlimits.planning import grid
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.load import load
from support import synthetic_tables

CONFIG = """
name: demonstration
results: results
studies:
  memory:
    title: How far back does each architecture learn to look?
    kind: training
    tasks: {adding: {}, copy_memory: {}}
    architectures: {elman: {}, lstm: {}, gru: {}, irnn: {}}
    lengths: [20, 200]
    hidden_sizes: [32, 64]
    seeds: 3
    learning_rates: [0.001, 0.003]
    budget: {updates: 1000, batch_size: 64}
"""
COLUMNS = [
    "id", "title", "says", "source", "place", "type", "verdict", "scale", "measured", "bound", "seeds",
    "training", "disputes", "reference",
]  # fmt: skip
# As in results/claims.csv: one claim of each verdict, and one whose sentence tries to be a part of the page.
CLAIMS = pd.DataFrame(
    [
        ("bound", "Jacobians keep to the bound", "The norm never exceeds (γ σ)^k.",
         "Pascanu et al. (2013)", "section 2.1", "T", "reproduced", "full", "0 of 248 lags exceed it", "none",
         "3", "0 updates", "", "Pascanu, Mikolov & Bengio (2013)"),
        ("images", "Convolutions are for images", "They do not suit sequences.",
         "a textbook", "chapter 9", "O", "contradicted", "reduced: length_steps 64 of 1,000",
         "convolution 0.98 [0.97, 0.99] > lstm 0.68 [0.66, 0.71]", "< 0",
         "3", "1,000 updates of 64", "Depends on the receptive field.", "A textbook"),
        ("early", "Early stopping helps", "It keeps a model from over-fitting.",
         "Prechelt (1998)", "abstract", "O", "undecided", "not stated", "gap 0.01 [−0.02, 0.04]", "> 0",
         "2", "", "", "Prechelt (1998)"),
        ("chaos", "Chaos begins at a gain of 1", "<script>document.title = 'broken'</script> & more",
         "Sompolinsky et al. (1988)", "fig. 1", "T", "not run", "", "no rows of study chaos", "",
         "0", "", "", "Sompolinsky et al. (1988)"),
    ],
    columns=COLUMNS,
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The arguments of `report.build`."""

    config: Config
    tables: Path
    figures: Path
    claims: Path
    rows: list[Path]


def make(folder: Path, tables=None, missing: int = 1) -> Run:
    """Everything that a report reads, under one folder."""
    (folder / "config.yaml").write_text(CONFIG)
    config = load(folder / "config.yaml")
    shards = sorted(grid.shards(config), key=lambda shard: shard.id)
    paths = [folder / "rows" / f"{shard.id}.parquet" for shard in shards[: len(shards) - missing]]
    for shard, path in zip(shards, paths):
        row = shard.row(
            split="test", stage="final", update=1, metric="loss", unit="nats", status="out_of_updates"
        )
        rows.write([row], provenance(shard), path)
    tables = synthetic_tables.write(synthetic_tables.build() if tables is None else tables, folder / "tables")
    figures.plot_all(tables, folder / "figures")
    CLAIMS.to_csv(folder / "claims.csv", index=False)
    return Run(config, tables, folder / "figures", folder / "claims.csv", paths)


def provenance(shard):
    return {
        "git_commit": "0123456789abcdef0123", "git_clean": True,
        "versions": {"python": "3.11.2", "rnnlimits": "0.1.0", "torch": "2.13.0"}, "host": "laptop",
        "device": "cpu: a processor", "started": "2026-01-02T03:04:05+00:00", "seconds_total": 30.0,
        "peak_memory_mb": 400.0, "backend": "kernels", "facts": {f"{shard.task}_sha256": "0a1b2c"},
    }  # fmt: skip
