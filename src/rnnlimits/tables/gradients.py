"""Tables of what the probes measured: gradients and Jacobians by time lag, and every number without a lag.

Values by lag are log10, as the probe writes them; a gradient that is exactly zero has no logarithm: no value.
"""

import numpy as np
import pandas as pd
from pandas import DataFrame

from rnnlimits import statistics
from rnnlimits.tables.summary import finish, one_each, summarise, trained, widen

QUANTITIES = ("gradient", "input_sensitivity")


def _probed(rows: DataFrame) -> DataFrame:
    return trained(rows[rows.split == "probe"])


def gradient_by_lag(rows: DataFrame, confidence: float = statistics.CONFIDENCE) -> DataFrame:
    """log10 of the gradient's norm k steps back: the mean over seeds of each seed's median over sequences.

    low and high are the interval of that mean; p10 and p90 are the spread over sequences, a mean over seeds.
    """
    probed = _probed(rows)
    probed = probed[probed.lag_steps.notna()]
    by = ["shard", "stage", "lag_steps"]
    tables = []
    for quantity in QUANTITIES:
        middle = probed[probed.metric == f"{quantity}_log10_median"]
        table = summarise(middle, by, confidence).rename(columns={"mean": "median"})
        spread = widen(probed, by, {f"{quantity}_log10_{share}": share for share in ("p10", "p90")})
        tables.append(table.merge(spread, on=by, how="left").assign(quantity=quantity))
    columns = ["stage", "quantity", "lag_steps", "median", "low", "high", "p10", "p90", "n"]
    return finish(pd.concat(tables), rows, columns)


def gradient_slopes(rows: DataFrame, confidence: float = statistics.CONFIDENCE) -> DataFrame:
    """Nats that the gradient loses per step back in time, and the steps in which it falls by a factor e.

    The time constant is -1/slope of the mean slope; a gradient that does not fall has none.
    """
    probed = _probed(rows)
    probed = probed[probed.metric.isin([f"{quantity}_slope" for quantity in QUANTITIES])]
    table = summarise(probed, ["shard", "stage", "metric"], confidence).rename(columns={"mean": "slope"})
    table["quantity"] = table.metric.str.removesuffix("_slope")
    table["time_constant"] = -1 / table.slope.where(table.slope < 0, np.nan)
    return finish(table, rows, ["stage", "quantity", "slope", "low", "high", "time_constant", "n"])


def jacobian_by_lag(rows: DataFrame, confidence: float = statistics.CONFIDENCE) -> DataFrame:
    """log10 of the singular values of the Jacobian's product over k steps, and the bound on the largest."""
    probed = _probed(rows)
    by = ["shard", "stage", "lag_steps"]
    largest = probed[probed.metric == "jacobian_log10_largest"]
    table = summarise(largest, by, confidence).rename(columns={"mean": "largest"})
    others = {f"jacobian_log10_{which}": which for which in ("median", "smallest", "bound")}
    table = table.merge(widen(probed, by, others), on=by, how="left")
    return finish(
        table, rows, ["stage", "lag_steps", "largest", "low", "high", "median", "smallest", "bound", "n"]
    )


def probe_scalars(rows: DataFrame, confidence: float = statistics.CONFIDENCE) -> DataFrame:
    """Everything that a probe measured once per network, not by lag."""
    probed = _probed(rows)
    probed = probed[probed.lag_steps.isna()]
    by = ["shard", "stage", "metric"]
    table = summarise(probed, by, confidence).set_index(by)
    table["unit"] = one_each(probed, by, "unit")
    return finish(table.reset_index(), rows, ["stage", "metric", "unit", "mean", "low", "high", "n"])
