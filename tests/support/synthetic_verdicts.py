"""What `rnnlimits judge` writes, made up for the verdict page: a claim of each verdict, many checks."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.load import load

CONFIG = """
name: demonstration
results: results
studies:
  memory:
    title: How far back does each architecture learn to look?
    kind: training
    tasks: {adding: {}}
    architectures: {elman: {}, lstm: {}}
    lengths: [20]
    hidden_sizes: [32]
    seeds: 3
    learning_rates: [0.001]
    budget: {updates: 1000, batch_size: 64}
  larger:
    title: And with a GPU?
    kind: training
    device: cuda
    tasks: {adding: {}}
    architectures: {elman: {}, lstm: {}}
    lengths: [2000]
    hidden_sizes: [320]
    seeds: 3
    learning_rates: [0.001]
    budget: {updates: 100000, batch_size: 64}
"""
BROKEN = "<script>document.title = 'broken'</script> & more"
CLAIMS = """
- {id: C1, title: Gates beat a plain network, says: A gate helps., source: A (1997), place: figure 2,
   type: ordering, verdict: reproduced, scale: full, seeds: "5",
   training: "up to 1,000 updates of 64 sequences",
   reference: "A (1997), A paper", shards: s.a s.b, paper: 0.1 against 0.2, sensitivity: survives 5 of 5}
- {id: C2, title: Plain networks do not solve it, says: None solves it., source: B (2013), place: table 1,
   type: failure, verdict: contradicted, scale: "reduced: length_steps 20 of 1,000",
   reduced: Only short ones., disputes: Others could., tried: "Ten learning rates, five of them higher."}
- {id: C3, title: Guessing needs few sequences, source: C (2001), type: number, verdict: undecided,
   scale: not stated, place: BROKEN, says: BROKEN, measured: BROKEN, disputes: BROKEN, reference: BROKEN,
   paper: BROKEN, tried: BROKEN, reduced: BROKEN, sensitivity: BROKEN}
- {id: C4, title: It holds for longer sequences too, says: It holds., source: D (2018), place: section 4,
   type: ordering, verdict: not run, scale: full, measured: no rows of shard larger.adding.elman.h320.t2000,
   shards: larger.adding.elman.h320.t2000 larger.adding.lstm.h320.t2000}
- {id: C5, title: Some network grows, says: One is enough., source: E (2020), place: theorem 1, type: theory,
   verdict: reproduced, scale: full}
"""
COLUMNS = [
    "id", "title", "says", "source", "place", "type", "verdict", "scale", "measured", "bound", "seeds",
    "training", "disputes", "reference", "shards", "paper", "tried", "reduced", "sensitivity",
]  # fmt: skip
CLAIMS = pd.DataFrame(
    yaml.safe_load(CLAIMS.replace("BROKEN", f'"{BROKEN}"')), columns=COLUMNS, dtype=object
).fillna("")
FINDINGS = """
claim;part;finding;check;verdict;sentence;bound;why;estimate;low;high;bound_low;bound_high;n;positive_control
C1;1;1;ordering;reproduced;lstm is lower;lower by ≥ 0.01;above;0.1;0.08;0.12;0.01;;5;False
C1;2;1;ratio;reproduced;elman over lstm;≥ 2;within;900;300;1500;2;;5;True
C2;1;1;solved_share;contradicted;5 of 5 seeds;≤ 0.2;outside;1;0.57;1;;0.2;5;False
C3;1;1;at_most;undecided;BROKEN;≤ 30;BROKEN;20;3;9000;;30;4;False
C4;1;1;ordering;not run;no rows of a shard;;;;;;;;;False
C5;1;1;exists;reproduced;2 of 3 networks;at least one;one is enough;2;;;1;;3;False
"""
FINDINGS = pd.read_csv(io.StringIO(FINDINGS.replace("BROKEN", BROKEN)), sep=";")


PLACE = ("claim", "part", "finding", "side")
UNITS = {"mean_squared_error": "squared error", "updates_to_solve": "updates", "solved": "share"}


@dataclass(frozen=True)
class Verdicts:
    """The arguments of `verdicts.write`."""

    config: Config
    claims: Path
    details: Path


def make(folder: Path) -> Verdicts:
    """Everything that the page reads, under one folder."""
    (folder / "config.yaml").write_text(CONFIG)
    CLAIMS.to_csv(folder / "claims.csv", index=False)
    tables = {
        "findings": FINDINGS,
        "evidence": evidence(),
        "fairness": fairness(),
        "sensitivity": sensitivity(),
    }
    (folder / "details").mkdir()
    for name, table in tables.items():
        table.to_csv(folder / "details" / f"{name}.csv", index=False)
    return Verdicts(load(folder / "config.yaml"), folder / "claims.csv", folder / "details")


def evidence() -> pd.DataFrame:
    """Numbers of each seed; one is missing, some span decades."""
    cells = [
        (("C1", 1, 1, "one"), "lstm", "mean_squared_error", [0.05, 0.04, 0.06, 0.05, np.nan], 1 / 6),
        (("C1", 1, 1, "other"), "elman", "mean_squared_error", [0.16, 0.17, 0.15, 0.16, 0.16], 1 / 6),
        (("C1", 2, 1, "one"), "elman", "updates_to_solve", [9e3, 1e4, 8e3, 9e3, 1e4], np.nan),
        (("C1", 2, 1, "other"), "lstm", "updates_to_solve", [10, 12, 9, 30, 11], np.nan),
        (("C2", 1, 1, "one"), "elman", "solved", [1] * 5, np.nan),
        (("C3", 1, 1, "one"), "none", "sequences_to_solve", [3, 20, 400, 9000], np.nan),
        (("C5", 1, 1, "one"), "elman", "spectral_radius", [0.9, 1.1, 1.2], np.nan),
        (("C5", 1, 1, "one"), "elman", "transient_gain", [1e-3, 5, 1e6], np.nan),
    ]
    lines = [
        _line(variant, metric) | dict(zip(PLACE, place)) | _number(seed, value, chance)
        for place, variant, metric, values, chance in cells
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(lines)


def _number(seed: int, value: float, chance: float) -> dict:
    """10,000 was the budget."""
    return {
        "seed": seed,
        "value": value,
        "chance": chance,
        "status": "out_of_updates" if value == 1e4 else "solved",
    }


def _line(variant: str, metric: str) -> dict:
    """What a row says beside its number: of a network, or of a simulation, which has no size."""
    if variant == "none":
        task, measure, length, hidden = "guess", metric, 0, 0
        label = f"guess {metric}"
    else:
        task, measure, length, hidden = "adding", f"test {metric}", 20, 32
        label = f"{variant} on adding (h 32, T 20) {measure}"
    return {
        "label": label, "measure": measure, "study": "memory", "shard": f"memory.{variant}", "task": task,
        "variant": variant, "hidden_size": hidden, "length_steps": length, "metric": metric,
        "unit": UNITS.get(metric, "1"),
    }  # fmt: skip


def fairness() -> pd.DataFrame:
    columns = [
        "claim",
        "part",
        "finding",
        "side",
        "shard",
        "variant",
        "parameters",
        "updates_planned",
        "updates_taken",
        "sequences_seen",
        "trials",
        "learning_rate",
        "rate_edge",
        "seconds",
    ]
    return pd.DataFrame(
        [
            ("C1", 1, 1, "one", "memory.lstm", "lstm", 4500, 1000, 812.5, 52000, 5, 0.001, "largest", 31.25),
            ("C1", 1, 1, "other", "memory.elman", "elman", 4486, 1000, 1000, 64000, 5, 0.001, None, 17.5),
        ],
        columns=columns,
    )


def sensitivity() -> pd.DataFrame:
    columns = ["claim", "part", "finding", "change", "verdict", "estimate", "low", "high"]
    lines = [
        ("C1", 1, 1, "without seed 0", "reproduced", 0.11, 0.09, 0.13),
        ("C1", 1, 1, "another seed set", "undecided", None, None, None),
    ]
    return pd.DataFrame(lines, columns=columns)
