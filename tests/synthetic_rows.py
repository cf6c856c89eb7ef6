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


def scored(cell, values, solved=None, learning_rate=1e-3, status="budget"):
    """Final test rows, one value a seed; None is a replica that diverged."""
    metric, unit, chance = PRIMARY[cell["task"]]
    rows = []
    for seed, value in enumerate(values):
        shared = {
            **cell, "seed": seed, "learning_rate": learning_rate, "selected": True, "split": "test",
            "stage": "final", "step": 100, "status": "diverged" if value is None else status,
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
            "unit": unit, "status": "diverged" if seed in diverged else "stopped",
        }  # fmt: skip
        for reading, value in enumerate(curve):
            step = reading * every
            rows.append(Row(**shared, stage="training", step=step, metric=metric, value=value, chance=chance))
        known = [value for value in curve if value is not None]
        best = max(known, key=lambda value: sign * value)
        stop = {**shared, "stage": "final", "step": every * (len(curve) - 1)}
        rows += [
            Row(**stop, metric="steps_to_solve"),
            Row(**stop, metric="best_step", value=float(every * curve.index(best))),
            Row(**stop, metric=f"best_{metric}", value=None if seed in diverged else best, chance=chance),
        ]
    return rows


def probed(cell, metric, values, stage="initial", lag_steps=None, unit="nats per step", status="untrained"):
    """One measurement of a probe, one value a seed."""
    return [
        Row(
            **cell, seed=seed, selected=True, split="probe", stage=stage, step=0, metric=metric,
            lag_steps=lag_steps, value=value, unit=unit, status=status,
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip


def simulated(study, task, metric, values, unit="sequences"):
    cell = shard(study, task, "none", hidden_size=0, length_steps=0, kind="simulation")
    cell |= {"architecture": "none", "parameters": 0}
    return [
        Row(
            **cell, seed=seed, selected=True, split="simulation", stage="final", step=0, metric=metric,
            value=value, unit=unit, status="measured",
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip
