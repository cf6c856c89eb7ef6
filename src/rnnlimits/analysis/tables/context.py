"""Tables beside the results: parameter counts, simulations, reference values, and where the time went."""

from typing import Any

from pandas import DataFrame

from rnnlimits.analysis.tables.summary import (
    ID,
    finish,
    made_of,
    made_of_provenance,
    one_each,
    summarise,
    trained,
)

TIMES = ["seconds_total", "seconds_training", "seconds_probing", "seconds_import"]
MACHINE = ["updates_run", "replicas", "peak_memory_mb", "host", "device"]


@made_of(lambda rows: rows[rows.kind != "simulation"])
def parameters(rows: DataFrame, confidence: float) -> DataFrame:
    """Trainable weights of every network, and how far they are from the budget that they were matched to."""
    table = rows[ID].drop_duplicates()
    deviation = 100 * (table.parameters - table.parameters_target) / table.parameters_target
    return finish(table.assign(deviation_percent=deviation), rows, ["deviation_percent"])


@made_of(lambda rows: rows[rows.split == "simulation"])
def simulations(simulated: DataFrame, confidence: float) -> DataFrame:
    """What was computed without training; the interval is that of the mean over seeds."""
    by = ["study", "task", "metric"]
    table = summarise(simulated, by, confidence).set_index(by)
    table["unit"] = one_each(simulated, by, "unit")
    table["median"] = simulated.groupby(by).value.median()
    columns = ["metric", "unit", "estimate", "estimator", "median", "low", "high", "n"]
    return finish(table.reset_index(), simulated, columns, ["study", "task"])


@made_of(lambda rows: trained(rows[rows.split == "reference"]))
def references(rows: DataFrame, confidence: float) -> DataFrame:
    """Scores of simple models on the same data, such as a bigram; every shard of a task repeats them."""
    identity = ["study", "task", "length_steps"]
    table = rows[[*identity, "metric", "unit", "value"]].drop_duplicates([*identity, "metric"])
    return finish(table, rows, ["metric", "unit", "value"], identity)


@made_of_provenance
def timings(rows: DataFrame, provenance: dict[str, dict[str, Any]]) -> DataFrame:
    """Seconds and memory of every shard.  The only table that differs between two equal runs."""
    facts = [
        {"shard": shard, **{name: provenance.get(shard, {}).get(name) for name in TIMES + MACHINE}}
        for shard in sorted(rows.shard.unique())
    ]
    table = DataFrame(facts, columns=["shard", *TIMES, *MACHINE])
    table = table.merge(rows[["shard", *ID]].drop_duplicates(), on="shard")
    return finish(table.rename(columns={"shard": "name"}), rows, TIMES + MACHINE, ["name", *ID]).rename(
        columns={"name": "shard"}
    )
