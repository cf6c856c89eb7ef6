"""Tables of what the probes measured: gradients and Jacobians by time lag, and every number without a lag.

Values by lag are log10, as the probe writes them; a gradient that is exactly zero has no logarithm: no value.
"""

import numpy as np
import pandas as pd
from pandas import DataFrame

from rnnlimits.analysis.tables.summary import finish, made_of, one_each, summarise, trained, widen
from rnnlimits.rows import marks

# What a probe calls QUANTITY_log10_median and QUANTITY_slope.
QUANTITIES = ("gradient", "input_sensitivity", "parameter_gradient")
CURVES = (*QUANTITIES, "gradient_output_only")  # its slope stands in probe_scalars


def probed(rows: DataFrame, *metrics: str) -> DataFrame:
    """What probes measured; of a network that diverged, what was measured before its training alone."""
    found: DataFrame = trained(rows[rows.split == "probe"])
    found = found[~marks.probe_of_a_diverged_replica(found)]
    return found[found.metric.isin(metrics)] if metrics else found


def _by_lag(rows: DataFrame) -> DataFrame:
    shares = ("median", "p10", "p90")
    found = probed(rows, *(f"{quantity}_log10_{share}" for quantity in CURVES for share in shares))
    return found[found.lag_steps.notna()]


@made_of(_by_lag)
def gradient_by_lag(probed: DataFrame, confidence: float) -> DataFrame:
    """log10 of a gradient's norm k steps back: the mean over seeds of each seed's median over sequences.

    low and high are the interval of that mean; p10 and p90 are the spread over sequences, a mean over seeds.
    """
    by = ["shard", "stage", "lag_steps"]
    tables = []
    for quantity in CURVES:
        middle = probed[probed.metric == f"{quantity}_log10_median"]
        table = summarise(middle, by, confidence).rename(columns={"estimate": "median"})
        spread = widen(probed, by, {f"{quantity}_log10_{share}": share for share in ("p10", "p90")})
        tables.append(table.merge(spread, on=by, how="left").assign(quantity=quantity))
    columns = ["stage", "quantity", "lag_steps", "median", "low", "high", "p10", "p90", "n"]
    return finish(pd.concat(tables), probed, columns)


@made_of(lambda rows: probed(rows, *(f"{quantity}_slope" for quantity in QUANTITIES)))
def gradient_slopes(probed: DataFrame, confidence: float) -> DataFrame:
    """Nats that the gradient loses per step back in time, and the steps in which it falls by a factor e.

    The time constant is -1/slope of the mean slope; a gradient that does not fall has none.
    """
    table = summarise(probed, ["shard", "stage", "metric"], confidence).rename(columns={"estimate": "slope"})
    table["quantity"] = table.metric.str.removesuffix("_slope")
    table["time_constant"] = -1 / table.slope.where(table.slope < 0, np.nan)
    return finish(table, probed, ["stage", "quantity", "slope", "low", "high", "time_constant", "n"])


JACOBIAN = {f"jacobian_log10_{which}": which for which in ("largest", "median", "smallest", "bound")}


@made_of(lambda rows: probed(rows, *JACOBIAN))
def jacobian_by_lag(probed: DataFrame, confidence: float) -> DataFrame:
    """log10 of the singular values of the Jacobian's product over k steps, and the bound on the largest."""
    by = ["shard", "stage", "lag_steps"]
    largest = probed[probed.metric == "jacobian_log10_largest"]
    table = summarise(largest, by, confidence).rename(columns={"estimate": "largest"})
    others = {metric: which for metric, which in JACOBIAN.items() if which != "largest"}
    table = table.merge(widen(probed, by, others), on=by, how="left")
    return finish(
        table, probed, ["stage", "lag_steps", "largest", "low", "high", "median", "smallest", "bound", "n"]
    )


def _scalars(rows: DataFrame) -> DataFrame:
    found = probed(rows)
    return found[found.lag_steps.isna()]


@made_of(_scalars)
def probe_scalars(probed: DataFrame, confidence: float) -> DataFrame:
    """Everything that a probe measured once per network, not by lag."""
    by = ["shard", "stage", "metric"]
    table = summarise(probed, by, confidence).set_index(by)
    table["unit"] = one_each(probed, by, "unit")
    return finish(
        table.reset_index(), probed, ["stage", "metric", "unit", "estimate", "estimator", "low", "high", "n"]
    )
