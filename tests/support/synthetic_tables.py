"""Tables with plausible numbers and the columns of a real run, for the tests of figures and report.

Nothing here was measured: forgetting is one number per variant (nats per step), and every other number
follows from it, so that a test can say which variant must come out on top.
"""

from pathlib import Path

import numpy as np
import pandas as pd

ID = ["study", "task", "architecture", "variant", "hidden_size", "length_steps", "parameters",
      "parameters_target"]  # fmt: skip
# Forgetting in nats per step: elman forgets fastest.
FORGETS = {
    "elman": 0.35, "gru": 0.12, "lstm": 0.06, "temporal_convolution": 0.02, "irnn": 0.004,
    "lstm_chrono": 0.015, "elman_orthogonal": 0.05, "feed_forward": 0.5, "convolution": 0.4,
    "echo_state": 0.2,
}  # fmt: skip
PAGES = {"lstm_chrono": "lstm", "elman_orthogonal": "elman"}
PRIMARY = {
    "adding": ("mean_squared_error", "squared error", 1 / 6),
    "copy_memory": ("recall_accuracy", "share", 1 / 8),
    "sequential_digits": ("accuracy", "share", 1 / 10),
    "language": ("bits_per_character", "bits per character", np.nan),
}
COLUMNS = {
    "test_results": [
        *ID, "learning_rate", "metric", "primary", "unit", "estimate", "estimator", "low", "high", "n",
        "n_diverged", "n_not_trained", "n_validation_only", "rate_edge", "low_group", "high_group",
        "n_low_group", "chance",
    ],
    "learning_curves": [
        *ID, "learning_rate", "split", "metric", "unit", "group", "update", "estimate", "estimator", "low",
        "high", "n", "chance",
    ],
    "replicas": [
        *ID, "seed", "learning_rate", "status",
        "updates_to_solve", "best_update", "stop_update", "best_value",
    ],
    "gradient_by_lag": [*ID, "stage", "quantity", "lag_steps", "median", "low", "high", "p10", "p90", "n"],
    "gradient_slopes": [*ID, "stage", "quantity", "slope", "low", "high", "time_constant", "n"],
    "jacobian_by_lag": [
        *ID, "stage", "lag_steps", "largest", "low", "high", "median", "smallest", "bound", "n",
    ],
    "context_by_lag": [
        *ID, "stage", "quantity", "lag_steps", "unit", "estimate", "estimator", "low", "high", "n", "full",
        "chance",
    ],
    "probe_scalars": [*ID, "stage", "metric", "unit", "estimate", "estimator", "low", "high", "n"],
    "reach": [*ID, "quantity", "estimate", "estimator", "low", "high", "n", "n_beyond"],
    "learning_rate_search": [
        *ID, "learning_rate", "metric", "estimate", "estimator", "low", "high", "n", "n_diverged", "selected",
        "edge",
    ],
    "cross_validation": [
        "study", "task", "variant", "architecture", "hidden_size", "parameters", "learning_rate",
        "rate_edge", "metric", "mean", "standard_error", "n", "n_diverged", "best", "chosen", "size_edge",
        "test_value", "test_low", "test_high",
    ],
    "parameters": [*ID, "deviation_percent"],
    "simulations": ["study", "task", "metric", "unit", "estimate", "estimator", "median", "low", "high", "n"],
    "references": ["study", "task", "length_steps", "metric", "unit", "value"],
    "timings": [
        "shard", *ID, "seconds_total", "seconds_training", "seconds_probing", "seconds_import", "updates_run",
        "replicas", "peak_memory_mb", "host", "device",
    ],
}  # fmt: skip


def empty() -> dict[str, pd.DataFrame]:
    """Every table with its columns and no row: a run that measured nothing."""
    return {name: pd.DataFrame(columns=columns) for name, columns in COLUMNS.items()}


def build(variants=("elman", "lstm", "gru", "irnn"), lengths=(20, 50, 100, 200), sizes=(32, 64), seeds=3):
    """All tables of one run: two tasks in the study `memory`, text, and one choice of the hidden size."""
    tables = {name: [] for name in COLUMNS}
    cells = [
        (task, v, h, t)
        for task in ("adding", "copy_memory")
        for v in variants
        for h in sizes
        for t in lengths
    ]
    for task, variant, size, length in cells:
        cell = _id("memory", task, variant, size, length)
        _results(tables, cell, seeds)
        if length == max(lengths) and size == max(sizes):
            _probes(tables, cell, seeds)
            _reach(tables, cell, seeds)
    for variant in variants:
        cell = _id("text", "language", variant, max(sizes), 64)
        _results(tables, cell, seeds)
        _reach(tables, cell, seeds)
        _folds(tables, variant, sizes)
        _laboratory(tables, _id("laboratory", "adding", variant, max(sizes), max(lengths)), seeds)
    for name, value in (("bigram", 3.45), ("five_gram", 2.31)):
        tables["references"].append(
            ("text", "language", 64, f"reference_{name}", "bits per character", value)
        )
    tables["simulations"].append(
        (
            "theory",
            "random_guessing",
            "sequences_to_solve",
            "sequences",
            2400.0,
            "geometric mean",
            2224.0,
            600.0,
            5100.0,
            10,
        )
    )
    return {name: pd.DataFrame(rows, columns=COLUMNS[name]) for name, rows in tables.items()}


def write(tables: dict[str, pd.DataFrame], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")
    return folder


def _id(study, task, variant, size, length):
    page = PAGES.get(variant, variant)
    gates = {"lstm": 4, "gru": 3}.get(page, 1)
    return (study, task, page, variant, size, length, gates * size * (size + 4) + size, np.nan)


def _solves(variant: str, size: int, length: int) -> float:
    """Between 0 and 1: long sequences are hard, forgetting makes them harder, units help a little."""
    return float(1 / (1 + np.exp(4 * (FORGETS[variant] * length / (3 + size / 16) - 1))))


def _results(tables, cell, seeds):
    _, task, _, variant, size, length = cell[:6]
    metric, unit, chance = PRIMARY[task]
    good = _solves(variant, size, length)
    perfect = {"adding": 0.002, "copy_memory": 1.0, "language": 2.0}[task]
    guess = {"adding": 1 / 6, "copy_memory": 1 / 8, "language": 3.2}[task]
    value = guess + (perfect - guess) * good
    solved = round(good * seeds)
    spread = 0.03 * value + 0.002
    shared = (seeds, 0, 0, 0, None, np.nan, np.nan, np.nan, chance)
    tables["test_results"] += [
        (*cell, 3e-3, metric, True, unit, value, "mean", value - spread, value + spread, *shared),
        (*cell, 3e-3, "loss", False, "nats", value * 0.7, "geometric mean", value * 0.6, value * 0.8,
         *shared),
        (*cell, 3e-3, "solved", False, "share", solved / seeds, "share", max(0, solved / seeds - 0.3),
         min(1, solved / seeds + 0.3), seeds, 0, 0, 0, None, np.nan, np.nan, np.nan, np.nan),
    ]  # fmt: skip
    for seed in range(seeds):
        steps = 300.0 * (1 + seed) if seed < solved else np.nan
        tables["replicas"].append(
            (*cell, seed, 3e-3, "solved" if seed < solved else "out_of_updates", steps, 800, 1000, value)
        )
    for step in range(0, 1001, 100):
        now = guess + (value - guess) * (1 - np.exp(-step / 250))
        over = 0.0 if step < 800 or task != "language" else (step - 800) / 2000
        later = now + over
        curves = (
            ("validation", metric, later),
            ("validation", "loss", later * 0.69),
            ("train", "loss", now * 0.66),
        )
        for split, name, y in curves:
            kind = unit if name == metric else "nats"
            tables["learning_curves"].append(
                (*cell, 3e-3, split, name, kind, "all", step, y, "mean", y * 0.97, y * 1.03, seeds, chance)
            )
    for rate, best in ((1e-3, value * 1.1), (3e-3, value)):
        tables["learning_rate_search"].append(
            (*cell, rate, metric, best, "mean", best * 0.95, best * 1.05, seeds, 0, rate == 3e-3, None)
        )
    tables["parameters"].append((*cell, np.nan))
    shard = f"{cell[0]}.{task}.{variant}.h{size}.t{length}"
    seconds = (0.02 * length + 0.3 * size) * (1 + 10 * FORGETS[variant])
    tables["timings"].append(
        (shard, *cell, seconds + 6, seconds, 1.5, 4.0, 1000, 2 * seeds, 400.0, "laptop", "cpu")
    )


def _probes(tables, cell, seeds):
    variant, length = cell[3], cell[5]
    lags = [0, 1, 2, 3, 5, 8, 10, *range(15, length, max(1, length // 25))]
    for stage, factor in (("initial", 1.0), ("final", 0.6)):
        rate = FORGETS[variant] * factor
        for lag in lags:
            y = -1 - rate * lag / np.log(10)
            for quantity in ("gradient", "input_sensitivity"):
                # A feed-forward window has no state and sees nothing beyond its window.
                if variant == "feed_forward" and (quantity == "gradient" or lag > 10):
                    continue
                tables["gradient_by_lag"].append(
                    (*cell, stage, quantity, lag, y, y - 0.1, y + 0.1, y - 0.5, y + 0.4, seeds)
                )
            if variant.startswith(("elman", "irnn")):
                top = -rate * lag / np.log(10)
                bound = 0.05 * lag
                tables["jacobian_by_lag"].append(
                    (*cell, stage, lag, top, top - 0.1, top + 0.1, top * 1.6, top * 3, bound, seeds)
                )
        tables["gradient_slopes"].append(
            (*cell, stage, "gradient", -rate, -rate * 1.1, -rate * 0.9, 1 / rate, seeds)
        )
        tables["probe_scalars"].append(
            (*cell, stage, "spectral_radius", "1", 1.02, "mean", 0.98, 1.06, seeds)
        )


def _reach(tables, cell, seeds):
    """The task asks for half of its steps, a third of them in order; some do not fade."""
    variant, length = cell[3], cell[5]
    steps = round(np.log(100) / FORGETS[variant])
    found = {"context": (length / 2, 0), "order": (length / 6, 0)}
    found["input_sensitivity" if variant == "feed_forward" else "gradient"] = (
        min(steps, length - 1), seeds if steps >= length else 0,
    )  # fmt: skip
    for quantity, (value, beyond) in found.items():
        tables["reach"].append((*cell, quantity, value, "median", value * 0.9, value * 1.1, seeds, beyond))


def _laboratory(tables, cell, seeds):
    """Gradients at three moments, of which training makes the later ones reach further."""
    variant, length = cell[3], cell[5]
    for stage, factor in (("initial", 1.0), ("mid_training", 0.8), ("final", 0.6)):
        for quantity, more in (("gradient", 1.0), ("parameter_gradient", 1.2), ("gradient_output_only", 2.0)):
            if variant == "feed_forward" or (quantity == "gradient_output_only" and cell[2] != "lstm"):
                continue
            for lag in sorted({*range(11), *range(15, length, max(1, length // 25)), length - 1}):
                y = -1 - more * factor * FORGETS[variant] * lag / np.log(10)
                if lag == length - 1 and quantity == "parameter_gradient":
                    y = np.nan
                tables["gradient_by_lag"].append(
                    (
                        *cell,
                        stage,
                        quantity,
                        lag,
                        y,
                        y - 0.1,
                        y + 0.1,
                        y - 0.5,
                        y + 0.4,
                        seeds if y < 0 else 0,
                    )
                )


def _folds(tables, variant, sizes):
    sizes = sorted({*sizes, 8, 16})
    means = [0.95 - 0.8 / size - FORGETS[variant] / 10 for size in sizes]
    best, error = int(np.argmax(means)), 0.02
    chosen = next(i for i, mean in enumerate(means) if mean >= means[best] - error)
    for i, size in enumerate(sizes):
        test = (0.93, 0.91, 0.95) if i == chosen else (np.nan,) * 3
        tables["cross_validation"].append(
            ("size", "sequential_digits", variant, PAGES.get(variant, variant), size, size * (size + 4), 3e-3,
             None, "accuracy", means[i], error, 5, 0, i == best, i == chosen, None, *test)
        )  # fmt: skip
