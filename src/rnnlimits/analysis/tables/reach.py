"""The table `reach`: how many steps back a task asks for, and how many each architecture spans."""

import numpy as np
import pandas as pd
from pandas import DataFrame

from rnnlimits.analysis import statistics
from rnnlimits.analysis.tables.gradients import probed
from rnnlimits.analysis.tables.summary import finish, made_of

NEEDED = {"context_needed": "context", "order_needed": "order"}
FADING = {f"{what}_log10_median": what for what in ("gradient", "input_sensitivity")}
HUNDREDTH = 2.0  # decades
REPLICA = ["shard", "quantity", "seed"]


def _after_training(rows: DataFrame) -> DataFrame:
    found = probed(rows, *NEEDED, *FADING)
    return found[found.stage == "final"]


@made_of(_after_training)
def reach(rows: DataFrame, confidence: float) -> DataFrame:
    """Steps of context that are needed, and steps after which a hundredth of a gradient is left: medians.

    `context` and `order` are asked for by the task, as the trained network uses it (probe context_use).
    `gradient` and `input_sensitivity` tell how far the network reaches.  A seed whose curve does not fall so
    far counts with the longest lag that was seen, and in `n_beyond`.
    """
    needed = rows[rows.metric.isin(NEEDED)]
    needed = needed.assign(quantity=needed.metric.astype(str).map(NEEDED), steps=needed.value, beyond=False)
    curves = rows[rows.metric.isin(FADING) & rows.lag_steps.notna() & rows.value.notna()]
    columns = [*REPLICA, "steps", "beyond"]
    every = pd.concat([needed[columns], faded(curves)[columns]])
    table = DataFrame(
        [
            (*key, *statistics.median(part.steps.to_numpy(dtype=float), confidence), int(part.beyond.sum()))
            for key, part in every.groupby(REPLICA[:2])
        ],
        columns=[*REPLICA[:2], "estimate", "low", "high", "n", "estimator", "n_beyond"],
    )
    return finish(table, rows, ["quantity", "estimate", "estimator", "low", "high", "n", "n_beyond"])


def faded(curves: DataFrame) -> DataFrame:
    """Of every replica's curve, the first lag with a hundredth of what its nearest lag has.

    >>> curve = {"shard": "a", "metric": "gradient_log10_median", "seed": 0}
    >>> curves = DataFrame([curve | {"lag_steps": k, "value": -0.5 * k} for k in range(8)])
    >>> faded(curves)[["quantity", "steps", "beyond"]].values.tolist()
    [['gradient', 4.0, False]]
    >>> faded(curves[curves.lag_steps < 4])[["steps", "beyond"]].values.tolist()
    [[3.0, True]]

    The shorter curve is not seen to fall so far.
    """
    curves = curves.assign(
        quantity=curves.metric.astype(str).map(FADING), steps=curves.lag_steps.astype(float)
    )
    curves = curves.sort_values([*REPLICA, "steps"], kind="stable")
    near = curves.groupby(REPLICA, sort=False, observed=True).value.transform("first")
    seen = curves.groupby(REPLICA, sort=False, observed=True).steps.transform("max")
    low = curves.value <= near - HUNDREDTH
    curves = curves.assign(steps=np.where(low, curves.steps, seen), beyond=~low)
    return curves.sort_values([*REPLICA, "beyond", "steps"], kind="stable").drop_duplicates(REPLICA)
