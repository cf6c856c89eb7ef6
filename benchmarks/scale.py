"""What Snakemake costs for thousands of shards, whose training is replaced by a wait of known length.

    python benchmarks/scale.py [--shards 100 1000 10000] [--seconds 0.01] [--cores 2]

Everything but `rnnlimits train` is the real thing: planning, the rules, tables, verdicts, figures, report.  A
script in front of `rnnlimits` on PATH waits and copies a rows file that was made before the clock started.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline import ROOT, finished_jobs, large_config

from rnnlimits import rows
from rnnlimits.planning import grid, provenance
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard

SIZES = {40: (5, 2), 100: (5, 5), 1000: (10, 25), 10000: (50, 50)}  # lengths and sizes, times 4 architectures
HEAD = " shards | dry s        MB |  run s    own s      MB  jobs/s  ms extra  log MB |  again s     MB"
CURVE = 4  # validations of each replica
STUB = """#!/bin/sh
[ "$1" = train ] || exec {real} "$@"
while [ "$1" != --out ]; do shift; done
sleep {seconds}
cp {store}/"${{2##*/}}" "$2"
"""


@dataclass
class Call:
    """One call of Snakemake."""

    wall_s: float
    peak_mb: float  # of Snakemake's own process, as is the next
    processor_s: float
    printed_mb: float


def prepare(folder: Path, shards: int, seconds: float) -> None:
    """A folder with the workflow, a config of so many shards, the rows of each, and the script in front."""
    lengths, sizes = SIZES[shards]
    config = large_config(folder, lengths, sizes)
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    shutil.copy(ROOT / "environment.yml", folder)
    for shard in grid.shards(load(config)):
        made_by = {
            "config_hash": provenance.config_hash(shard), "code_fingerprint": provenance.fingerprint(shard)
        }  # fmt: skip
        rows.write(measured(shard), made_by, folder / "store" / f"{shard.id}.parquet")
    stub = folder / "bin" / "rnnlimits"
    stub.parent.mkdir()
    stub.write_text(STUB.format(real=shutil.which("rnnlimits"), seconds=seconds, store=folder / "store"))
    stub.chmod(0o755)


def measured(shard: Shard) -> list[rows.Row]:
    """As many rows as a short training writes; the numbers mean nothing."""
    same = {
        "metric": "mean_squared_error",
        "unit": "squared error",
        "chance": 1 / 6,
        "status": "out_of_updates",
    }
    same |= {"learning_rate": shard.learning_rates[0], "selected": True, "status": "out_of_updates"}
    found = []
    for seed in range(shard.seeds):
        value = 1 / (shard.hidden_size + seed + 1)
        for update in range(1, CURVE + 1):
            found.append(
                shard.row(seed=seed, split="validation", stage="training", update=update, value=value, **same)
            )
        found.append(shard.row(seed=seed, split="test", stage="final", update=CURVE, value=value, **same))
        solved = same | {"metric": "solved", "unit": "share", "chance": 0.0}
        found.append(shard.row(seed=seed, split="test", stage="final", update=CURVE, value=1.0, **solved))
    return found


def snakemake(folder: Path, *arguments: str) -> Call:
    """One call, with the memory of its process looked at while it runs."""
    environment = os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    printed = folder / "printed.txt"
    started = time.monotonic()
    with printed.open("wb") as out:
        process = subprocess.Popen(
            ["snakemake", *arguments], cwd=folder, env=environment, stdout=out, stderr=out
        )
        peak = spent = 0.0
        while process.poll() is None:
            peak, spent = max(peak, peak_mb(process.pid)), max(spent, processor_s(process.pid))
            time.sleep(0.1)
    wall = time.monotonic() - started
    if process.returncode:
        sys.exit(
            f"snakemake {' '.join(arguments)}: exit code {process.returncode}\n{printed.read_text()[-3000:]}"
        )
    return Call(wall, peak, spent, printed.stat().st_size / 2**20)


def peak_mb(pid: int) -> float:
    """The most memory that a process has had so far; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    try:
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0.0
    return int(line.split()[1]) / 1024


def processor_s(pid: int) -> float:
    """What a process itself has used so far; unlike the clock it says the same on a busy machine."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tell(folder: Path, shards: int, seconds: float, cores: int, subsample: list[str]) -> None:
    prepare(folder, shards, seconds)
    dry = snakemake(folder, "--dry-run", "--quiet", "all")
    whole = snakemake(folder, "--cores", str(cores), *subsample)
    again = snakemake(folder, "--cores", str(cores))
    jobs = finished_jobs(folder, Path("results"))
    trained = [job for job in jobs if job["rule"] == "train"]
    assert len(trained) == shards
    took = max(job["endtime"] for job in trained) - min(job["starttime"] for job in trained)
    extra_ms = 1000 * (took * cores / shards - seconds)
    cells = [
        f"{shards:7} | {dry.wall_s:7.1f} {dry.peak_mb:7.0f} ",
        f" {whole.wall_s:7.1f} {whole.processor_s:7.1f} {whole.peak_mb:7.0f} "
        f"{shards / took:7.1f} {extra_ms:9.0f} {whole.printed_mb:7.1f} ",
        f" {again.wall_s:7.1f} {again.peak_mb:7.0f}",
    ]
    print("|".join(cells))
    rest = {job["rule"]: job["endtime"] - job["starttime"] for job in jobs if job["rule"] != "train"}
    print("        ", ", ".join(f"{rule} {spent:.1f} s" for rule, spent in sorted(rest.items())))
    places = ("results/rows", "results/logs", ".snakemake/metadata")
    counts = {place: sum(path.is_file() for path in (folder / place).rglob("*")) for place in places}
    print("         files:", ", ".join(f"{place} {count}" for place, count in counts.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, nargs="+", choices=SIZES, default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=0.01, help="what a training takes")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="40 shards; the numbers mean nothing")
    parser.add_argument("--subsample", type=int, help="what to give to Snakemake's --scheduler-subsample")
    arguments = parser.parse_args()
    subsample = ["--scheduler-subsample", str(arguments.subsample)] if arguments.subsample else []
    print(f"{arguments.seconds} s a training, {arguments.cores} jobs at once")
    print(HEAD)
    for shards in [40] if arguments.quick else arguments.shards:
        with tempfile.TemporaryDirectory() as folder:
            tell(Path(folder), shards, arguments.seconds, arguments.cores, subsample)


if __name__ == "__main__":
    main()
