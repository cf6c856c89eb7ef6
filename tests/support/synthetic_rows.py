"""Rows as the trainer and the probes write them, with chosen numbers, for the tests of tables and claims."""

import dataclasses

import pandas as pd

from rnnlimits.rows import COLUMNS, Row

PRIMARY = {
    "adding": ("mean_squared_error", "squared error", 1 / 6),
    "copy_memory": ("recall_accuracy", "share", 1 / 8),
    "temporal_order": ("accuracy", "share", 1 / 4),
    "sequential_digits": ("accuracy", "share", 1 / 10),
    "character_language_model": ("bits_per_character", "bits per character", None),
}


def frame(rows):
    return pd.DataFrame([dataclasses.asdict(row) for row in rows], columns=list(COLUMNS))


def shard(
    study="memory", task="adding", variant="elman", hidden_size=8, length_steps=20, kind="training", **columns
):
    """The columns that all rows of one shard share."""
    size = "chosen" if kind == "refit" else f"h{hidden_size}"
    end = "simulation" if kind == "simulation" else f"{variant}.{size}.t{length_steps}"
    return {
        "shard": f"{study}.{task}.{end}", "study": study, "kind": kind, "task": task, "variant": variant,
        "architecture": variant.split("_")[0], "hidden_size": hidden_size, "length_steps": length_steps,
        "parameters": 10 * hidden_size, **columns,
    }  # fmt: skip


def scored(cell, values, solved=None, learning_rate=1e-3, status="out_of_updates"):
    """Final test rows, one value a seed; None is a replica that diverged."""
    metric, unit, chance = PRIMARY[cell["task"]]
    rows = []
    for seed, value in enumerate(values):
        shared = {
            **cell, "seed": seed, "learning_rate": learning_rate, "selected": True, "split": "test",
            "stage": "final", "update": 100, "status": "diverged" if value is None else status,
        }  # fmt: skip
        done = 0.0 if solved is None or value is None else float(solved[seed])
        rows += [
            Row(**shared, metric=metric, value=value, unit=unit, chance=chance),
            Row(**shared, metric="solved", value=done, unit="share"),
        ]
    return rows


def validated(cell, curves, learning_rate=1e-3, selected=True, every=10, sign=-1, diverged=()):
    """Validation rows of training, one curve a seed, and the final rows that summarise them."""
    metric, unit, chance = PRIMARY[cell["task"]]
    rows = []
    for seed, curve in enumerate(curves):
        shared = {
            **cell, "seed": seed, "learning_rate": learning_rate, "selected": selected, "split": "validation",
            "unit": unit, "status": "diverged" if seed in diverged else "early_stopped",
        }  # fmt: skip
        for reading, value in enumerate(curve):
            step = reading * every
            rows.append(
                Row(**shared, stage="training", update=step, metric=metric, value=value, chance=chance)
            )
        known = [value for value in curve if value is not None]
        best = max(known, key=lambda value: sign * value)
        stop = {**shared, "stage": "final", "update": every * (len(curve) - 1)}
        rows += [
            Row(**stop, metric="updates_to_solve"),
            Row(**stop, metric="best_update", value=float(every * curve.index(best))),
            Row(**stop, metric=f"best_{metric}", value=None if seed in diverged else best, chance=chance),
        ]
    return rows


def probed(cell, metric, values, stage="initial", lag_steps=None, unit="nats per step", status="untrained"):
    """One measurement of a probe, one value a seed."""
    return [
        Row(
            **cell, seed=seed, selected=True, split="probe", stage=stage, update=0, metric=metric,
            lag_steps=lag_steps, value=value, unit=unit, status=status,
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip


def simulated(study, task, metric, values, unit="sequences"):
    cell = shard(study, task, "none", hidden_size=0, length_steps=0, kind="simulation")
    cell |= {"architecture": "none", "parameters": 0}
    return [
        Row(
            **cell, seed=seed, selected=True, split="simulation", stage="final", update=0, metric=metric,
            value=value, unit=unit, status="measured",
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip


def example():
    """Two architectures, one with a diverged seed; probes, cross-validation and refit, a simulation."""
    elman, lstm = shard(variant="elman"), shard(variant="lstm", parameters_target=100)
    rows = scored(elman, [0.2, None, 0.1], [0, 0, 1]) + scored(lstm, [0.004, 0.005, 0.006], [1, 1, 1])
    rows += validated(elman, [[0.3, 0.2], [0.3, None], [0.3, 0.2, 0.1]], diverged=[1])
    rows += validated(lstm, [[0.3, 0.004]] * 3) + validated(lstm, [[0.3, 0.1]] * 3, 1e-2, selected=False)
    rows += probed(elman, "context_score_full", [0.8, 0.8, 0.9], unit="share")
    rows += probed(elman, "context_score_chance", [0.25] * 3, unit="share")
    for lag, medians in ((1, [-1.0, -2.0, -3.0]), (2, [-4.0, None, -6.0])):
        rows += probed(elman, "gradient_log10_median", medians, lag_steps=lag)
        rows += probed(elman, "gradient_log10_p10", [value and value - 1 for value in medians], lag_steps=lag)
        rows += probed(elman, "gradient_log10_p90", [value and value + 1 for value in medians], lag_steps=lag)
        rows += probed(elman, "input_sensitivity_log10_median", medians, lag_steps=lag)
        rows += probed(elman, "context_score", [0.5, 0.6, 0.7], lag_steps=lag, unit="share")
        rows += probed(elman, "context_score_shuffled", [0.4, 0.5, 0.6], lag_steps=lag, unit="share")
        rows += probed(elman, "jacobian_log10_largest", medians, lag_steps=lag)
        rows += probed(elman, "jacobian_log10_bound", [0.0, 0.0, 0.0], lag_steps=lag)
    rows += probed(lstm, "context_needed", [4, 5, 6], "final", unit="steps")
    for lag, medians in ((1, [-1.0, -2.0, -3.0]), (3, [-4.0, -4.5, -5.5])):
        rows += probed(lstm, "gradient_log10_median", medians, "final", lag_steps=lag)
        rows += probed(lstm, "input_sensitivity_log10_median", medians, "final", lag_steps=lag)
    rows += probed(elman, "gradient_slope", [-0.5, -0.5, -0.5])
    rows += probed(lstm, "gradient_slope", [0.1, 0.1, 0.1])
    rows += probed(elman, "bound_violations", [0.0, 0.0, 0.0], unit="lags")
    for size, ends in ((8, [0.80, 0.80, 0.86]), (16, [0.84, 0.86, 0.88]), (32, [0.85, 0.86, 0.90])):
        cell = shard("digits", "sequential_digits", "gru", size, 64, "cross_validation")
        rows += validated(cell, [[0.1, end] for end in ends], sign=1)
    rows += scored(shard("digits", "sequential_digits", "gru", 16, 64, "refit"), [0.9, 0.8, 0.7])
    rows += simulated("guessing", "random_guessing", "sequences_to_solve", [10.0, 20.0, 90.0])
    rows += [
        Row(**elman, split="reference", stage="final", update=0, metric="reference_bigram", value=3.5,
            unit="bits per character", status="measured")
    ]  # fmt: skip
    return rows


BASE = Row(
    shard="lengths.adding.gru.h8.t10", study="lengths", kind="training", task="adding", architecture="gru",
    variant="gru", hidden_size=8, length_steps=10, parameters=300, seed=0, learning_rate=1e-3, selected=True,
    split="test", stage="final", update=100, metric="mean_squared_error", value=0.1, unit="squared error",
    chance=1 / 6, status="out_of_updates",
)  # fmt: skip


def some(shard: str = BASE.shard, count: int = 3) -> list[Row]:
    return [dataclasses.replace(BASE, shard=shard, seed=seed, value=seed / 7) for seed in range(count)]
