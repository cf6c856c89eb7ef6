"""Where the time of a whole run goes, and what planning costs.

    python benchmarks/pipeline.py [--config config/smoke.yaml] [--cores 2]   # run it in a temporary folder
    python benchmarks/pipeline.py --results results                          # of a run that is finished
    python benchmarks/pipeline.py --planning                                 # of large grids, nothing trained

Seconds are those of one core: wall time x cores is what a run had, and every line is its part of that.
"""

import argparse
import json
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from rnnlimits import rows
from rnnlimits.planning.load import load

ROOT = Path(__file__).parents[1]
PARTS = ("training", "probing", "evaluation", "import")
GRID = {
    "kind": "training", "title": "a large grid", "tasks": {"adding": {}}, "seeds": 5,
    "architectures": {"elman": {}, "gru": {}, "lstm": {}, "irnn": {}},
    "learning_rates": [1e-3], "budget": {"updates": 1000},
}  # fmt: skip


def run(config: Path, cores: int, folder: Path) -> None:
    """Everything from the config to the report, in a folder of its own, and where its time went."""
    shutil.copytree(config.parent, folder / "config")
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    shutil.copy(ROOT / "environment.yml", folder)
    started = time.time()
    snakemake(folder, "--cores", str(cores), "--configfile", f"config/{config.name}")
    tell(folder, Path(load(config).results), cores, started, time.time())


def snakemake(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["snakemake", *arguments], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        sys.exit(f"snakemake {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout[-3000:]}")


def tell(folder: Path, results: Path, cores: int, started: float | None, ended: float | None) -> None:
    jobs = finished_jobs(folder, results)
    if not jobs:
        sys.exit(f"{folder / results}: Snakemake has no finished job on record there; run it first")
    first, last = min(job["starttime"] for job in jobs), max(job["endtime"] for job in jobs)
    wall = (ended or last) - (started or first)
    by_rule: Counter[str] = Counter()
    for job in jobs:
        by_rule[job["rule"]] += job["endtime"] - job["starttime"]
    inside = inside_shards(folder / results / "rows")
    lines = dict(inside)
    lines["start and end of their processes"] = by_rule.pop("train", 0.0) - sum(inside.values())
    lines |= dict(by_rule)
    if started and ended:
        lines["snakemake, before the first job and after the last"] = cores * (wall - (last - first))
    lines["no job on a core"] = cores * wall - sum(lines.values())
    print(f"{len(jobs)} jobs, wall time {wall:.1f} s on {cores} cores: {cores * wall:.1f} s of one core")
    for name, seconds in lines.items():
        print(f"{name:52} {seconds:8.1f} s {seconds / cores / wall:7.1%}")
    ratio = wall * cores / (inside["training"] + inside["probing"])
    print(f"wall time / ((training + probing) / cores) = {ratio:.2f}")


def finished_jobs(folder: Path, results: Path) -> list[dict[str, Any]]:
    """What Snakemake keeps of every output file, once for each job."""
    jobs = {}
    for path in (folder / ".snakemake" / "metadata").rglob("*"):
        job = json.loads(path.read_text()) if path.is_file() else {}
        if any(Path(log).parent == results / "logs" for log in job.get("log", [])):
            jobs[job["log"][0]] = job
    return list(jobs.values())


def inside_shards(folder: Path) -> dict[str, float]:
    """What the rows files say of the time in which they were made."""
    spent = dict.fromkeys([*PARTS, "simulations", "rest of the shards (data, provenance, rows)"], 0.0)
    *_, simulations, rest = spent
    for file in folder.glob("*.parquet"):
        for facts in rows.read_provenance(file)["shards"].values():
            known = {part: facts.get(f"seconds_{part}", 0.0) for part in PARTS}
            kind = rest if "seconds_training" in facts else simulations
            for part, seconds in (known | {kind: facts["seconds_total"] - sum(known.values())}).items():
                spent[part] += seconds
    return spent


def planning(folder: Path) -> None:
    """`rnnlimits plan` for 10,000 shards, and a dry run of Snakemake on 1,000."""
    config = large_config(folder, lengths=50, sizes=50)
    print(f"rnnlimits plan, 10,000 shards: {plan_s(config):.2f} s of processor time")
    large_config(folder, lengths=10, sizes=25)
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    shutil.copy(ROOT / "environment.yml", folder)
    profile = folder / "profile"
    command = [sys.executable, "-m", "cProfile", "-o", str(profile), shutil.which("snakemake") or "snakemake"]
    started = time.time()
    snakemake(folder, "--dry-run", "--quiet", "all")
    wall = time.time() - started
    subprocess.run([*command, "--dry-run", "--quiet", "all"], cwd=folder, check=True, capture_output=True)
    share = own_share(profile)
    print(f"snakemake --dry-run, 1,000 shards: {wall:.1f} s of wall time, {share:.0%} of it our code")


def large_config(folder: Path, lengths: int, sizes: int) -> Path:
    study = GRID | {"lengths": list(range(5, 5 + lengths)), "hidden_sizes": list(range(1, 1 + sizes))}
    path = folder / "config" / "config.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({"name": "large", "results": "results", "studies": {"large": study}}))
    return path


def plan_s(config: Path) -> float:
    before = os.times()
    subprocess.run(["rnnlimits", "plan", "--config", config], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def own_share(profile: Path) -> float:
    """The part of a profiled run that it spent in this package and in the rules, with all that they call."""
    found: Any = pstats.Stats(str(profile))

    def own(function: tuple[str, int, str]) -> bool:
        return any(place in function[0] for place in ("/rnnlimits/", ".smk", "/workflow/Snakefile"))

    # What calls from C ("~") was called by Python; only the Snakefile itself is run by Snakemake's `exec`.
    def enters(function: tuple[str, int, str], caller: tuple[str, int, str]) -> bool:
        return own(function) and (function[0].endswith("/Snakefile") if caller[0] == "~" else not own(caller))

    calls = [
        (function, caller, seconds)
        for function, (*_, callers) in found.stats.items()
        for caller, (*_, seconds) in callers.items()
    ]
    return sum(seconds for function, caller, seconds in calls if enters(function, caller)) / found.total_tt


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "smoke.yaml")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--results", type=Path, help="the results folder of a finished run, below here")
    parser.add_argument("--planning", action="store_true", help="time the planning of large grids")
    arguments = parser.parse_args()
    if arguments.results:
        return tell(Path(), arguments.results, arguments.cores, None, None)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.planning:
            return planning(Path(folder))
        return run(arguments.config, arguments.cores, Path(folder))


if __name__ == "__main__":
    main()
