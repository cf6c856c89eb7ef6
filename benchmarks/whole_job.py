"""A slice of the default grid both ways: `rnnlimits train`, and a process for every seed and learning rate.

    python benchmarks/whole_job.py [--seeds 5] [--updates 400] [--jobs 2] [--quick]

The adding problem, elman, lstm and gru of 4,500 parameters, two lengths and two learning rates, with a
budget shorter than the default's. Ours is one process for each architecture and length, as Snakemake starts
it; the alternative, benchmarks/alternative.py, is Lightning and torch.nn with the same data, initial
distribution, budget and rules, one process for each run. Each runs once: what is summed is the processor
time of whole processes, imports and all. Then the results of both, as they are compared in a paper: mean
test error and solved share at the rate that validation chose, with intervals over seeds.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import yaml
from measuring import machine, parser

from rnnlimits.analysis import statistics
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from rnnlimits.rows.selection import Ended, Rule, Validated, best_learning_rate
from rnnlimits.tasks.base import stream_seed

SOLVED_BELOW = 0.01
RATES = [3e-3, 1e-2]
Cell = tuple[str, int]  # architecture, length


def slice_of_the_grid(folder: Path, lengths: list[int], seeds: int, updates: int) -> list[Shard]:
    study = {
        "title": "A slice", "kind": "training", "tasks": {"adding": {}}, "lengths": lengths, "seeds": seeds,
        "architectures": {"elman": {}, "lstm": {}, "gru": {}}, "match": "parameters", "parameters": [4500],
        "learning_rates": RATES, "budget": {"updates": updates},
    }  # fmt: skip
    path = folder / "slice.yaml"
    path.write_text(yaml.safe_dump({"name": "slice", "results": "results", "studies": {"slice": study}}))
    return grid.shards(load(path))


def processor_seconds(command: list[str]) -> tuple[float, str]:
    """Of one process from its start to its end, and what it printed."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=one_thread) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{shlex.join(command)}: ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, printed


def ours(shard: Shard, folder: Path) -> tuple[float, list[float]]:
    """Processor seconds, and the test error of each seed."""
    rows = folder / f"{shard.id}.parquet"
    entry = "from rnnlimits.cli import main; main()"  # what the command `rnnlimits` runs
    train = [sys.executable, "-c", entry, "train", "--spec", shard.to_json(), "--out", str(rows)]
    used, _ = processor_seconds(train)
    wanted = [("split", "==", "test"), ("metric", "==", "mean_squared_error")]
    return used, [row["value"] for row in parquet.read_table(rows, filters=wanted).to_pylist()]


def theirs(shard: Shard, rate: float, seed: int) -> tuple[float, dict]:
    budget = {name: getattr(shard.budget, name) for name in ("updates", "batch_size", "validate_every")}
    sizes = {"length": shard.length_steps, "hidden": shard.hidden_size, "rate": rate, **budget}
    more = {name: getattr(shard.budget, name) for name in ("validation_sequences", "test_sequences")}
    command = [sys.executable, str(Path(__file__).with_name("alternative.py"))]
    command += ["--architecture", shard.architecture]
    for name, value in (sizes | more).items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    streams = [str(stream_seed(seed, use)) for use in ("data", "init", "validation", "test")]
    used, printed = processor_seconds([*command, "--streams", *streams])
    return used, json.loads(printed.splitlines()[-1])


def chosen(runs: dict[float, list[dict]]) -> list[float]:
    """Test errors at the rate that validation chooses, by the rule that ours follows."""
    rule = Rule(by="loss", higher_is_better=False)
    seeds_at = {rate: [ended(run) for run in found] for rate, found in runs.items()}
    return [run["test"] for run in runs[best_learning_rate(seeds_at, rule)]]


def ended(run: dict) -> Ended:
    best = Validated(score=run["validation"], loss=run["validation"], solved=run["solved"])
    return Ended(best=best, updates_to_solve=run["updates"] if run["solved"] else None)


def intervals(errors: list[float]) -> tuple[statistics.Interval, statistics.Interval]:
    """Mean test error (bootstrap) and share of seeds that solve the task (Wilson)."""
    share = statistics.share(sum(error < SOLVED_BELOW for error in errors), len(errors))
    return statistics.mean(np.array(errors)), share


def overlap(a: statistics.Interval, b: statistics.Interval) -> bool:
    return a.low <= b.high and b.low <= a.high


def shown(interval: statistics.Interval) -> str:
    return "{:.4f} [{:.4f}, {:.4f}]".format(*interval)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5, help="of each cell (default: %(default)s)")
    options.add_argument("--updates", type=int, default=400, help="budget of updates (default: %(default)s)")
    options.add_argument("--lengths", type=int, nargs="+", default=[10, 30])
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="at once (default: all cores)")
    given = options.parse_args()
    if given.quick:
        given.seeds, given.updates, given.lengths = 2, 4, [6]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(given.jobs) as pool:
        shards = slice_of_the_grid(Path(name), given.lengths, given.seeds, given.updates)
        cells = {(shard.architecture, shard.length_steps): shard for shard in shards}
        our_runs = dict(zip(cells, pool.map(lambda shard: ours(shard, Path(name)), cells.values())))
        jobs = [(cell, rate, seed) for cell in cells for rate in RATES for seed in range(given.seeds)]
        their_runs = dict(zip(jobs, pool.map(lambda job: theirs(cells[job[0]], *job[1:]), jobs)))
    print(
        f"{len(cells)} cells, {given.seeds} seeds, {len(RATES)} rates, {given.updates} updates; each run once"
    )
    print(machine())
    print("architecture    T | ours s  alternative s  ratio | test error: ours | alternative | overlap")
    total_ours = total_theirs = 0.0
    for (architecture, T), (our_s, our_errors) in sorted(our_runs.items()):
        mine = {job: run for job, run in their_runs.items() if job[0] == (architecture, T)}
        their_s = sum(used for used, _ in mine.values())
        by_rate = {rate: [run for job, (_, run) in mine.items() if job[1] == rate] for rate in RATES}
        (error, share), (their_error, their_share) = intervals(our_errors), intervals(chosen(by_rate))
        same = "yes" if overlap(error, their_error) and overlap(share, their_share) else "NO"
        results = [(error, share), (their_error, their_share)]
        shares = " | ".join(f"{shown(mean)}, solved {solved.estimate:.0%}" for mean, solved in results)
        print(
            f"{architecture:<12} {T:>4} | {our_s:6.1f} {their_s:14.1f} {their_s / our_s:5.1f}x |"
            f" {shares} | {same}"
        )
        total_ours, total_theirs = total_ours + our_s, total_theirs + their_s
    print(f"all               | {total_ours:6.1f} {total_theirs:14.1f} {total_theirs / total_ours:5.1f}x")


if __name__ == "__main__":
    main()
