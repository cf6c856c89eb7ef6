"""What the Snakefile asks the package for: which config, and which jobs.

It is here and not in a .smk because here it is typed and tested.  Every refusal is plain lines and exit code
1: whatever else a Snakefile raises, Snakemake shows with a traceback of its own.
"""

import math
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rnnlimits import catalog
from rnnlimits.execution import gpu_slots, run_lock
from rnnlimits.planning import (
    duration,
    grid,
    memory,
    metric_loggers,
    origin,
    plan_table,
    planned,
    where,
    without_data,
)
from rnnlimits.planning.config.messages import ConfigError
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard

DEFAULT_CONFIG = Path("config/config.yaml")
MARGIN = 1.3  # the estimate is meant to be within 30 % of the peak
SNAKEMAKE_MB = 300  # of the Snakemake that runs inside a cluster's job
STARTING_MIN = 10  # Python, torch and the compiled loops from a slow file system
SLOWER = 3  # a shared core of a cluster than the one on which durations were measured
LONGEST_MIN = 24 * 60  # what most partitions allow; a job that is refused for asking more would never start


class Settings(Protocol):
    """The part of Snakemake's `workflow.config_settings` that matters here."""

    configfiles: Sequence[Path]  # --configfile
    config: Mapping[str, object]  # --config key=value


def plan(settings: Settings, first: bool = True) -> tuple[str, Config, dict[str, Shard]]:
    """The config's path as the commands get it, the config, and its shards by id, the long ones first.

    A cluster's job plans anew, not `first`, and has to come to the same.
    """
    path = config_file(settings)
    try:
        config = load(path)
    except ConfigError as error:
        sys.exit(str(error))
    try:
        jobs = here(config)
    except LookupError as error:
        sys.exit(f"{without_data.VARIABLE}: {error}")
    if not jobs:
        sys.exit(f"{path}: {nothing_to_do(config)}")
    try:
        planned.announce(config, jobs, first)
        if first:
            check_folder(Path.cwd())
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    return str(path), config, {shard.id: shard for shard in jobs}


def nothing_to_do(config: Config) -> str:
    """Why no job is left."""
    if told := without_data.said(grid.shards(config)):
        return f"no job is left; {told}"
    return f"every study waits for a GPU; {plan_table.remedy(config, grid.shards(config))}"


def check_folder(folder: Path) -> None:
    """A place where Snakemake would fail with a traceback of its own; a ValueError or an OSError."""
    if {*"{}"} & {*str(folder)}:
        raise ValueError(
            f"{folder}: got a folder with a brace in its name, which Snakemake takes for a wildcard; rename "
            "it, or clone into another one"
        )
    notes = folder / ".snakemake"
    try:
        notes.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=notes) as file:
            file.write(b"1")
    except OSError as error:
        why = os.strerror(error.errno or 0)
        remedy = "Snakemake keeps its notes there: make room, or make the folder writable"
        raise OSError(f"{notes}: cannot be written: {why}; {remedy}") from error


def here(config: Config) -> list[Shard]:
    """The jobs: what waits for a GPU, or whose data are not to be had, is none, unless its rows are there."""
    every = grid.shards(config)
    gone = {shard.id for shard in [*grid.waiting(config), *without_data.left_out(every)]}
    return [shard for shard in every if shard.id not in gone or rows_file(config, shard).exists()]


def rows_file(config: Config, shard: Shard) -> Path:
    return Path(config.results) / "rows" / f"{shard.id}.parquet"


def config_file(settings: Settings) -> Path:
    """The one file given with --configfile, relative to here: no output names a folder of this machine."""
    if settings.config:
        given = " ".join(f"{key}={value}" for key, value in settings.config.items())
        sys.exit(f"--config {given}: has no effect here; change a copy of the file, give it to --configfile")
    if len(settings.configfiles) > 1:
        given = " ".join(os.path.relpath(file) for file in settings.configfiles)
        sys.exit(f"--configfile {given}: files are never merged; give one")
    return Path(os.path.relpath(settings.configfiles[0])) if settings.configfiles else DEFAULT_CONFIG


def start(config: Config, lock: run_lock.RunLock, jobs_run_here: bool) -> None:
    """Called when jobs are about to start, and not for a dry run: refuses what all of them would fail of."""
    try:
        metric_loggers.check(config.log)
    except ValueError as error:
        sys.exit(str(error))
    lock.take()
    if told := origin.warning():
        print(told, file=sys.stderr)
    if jobs_run_here and needs_a_gpu(config) and gpu_slots.none_for_sure():
        sys.exit(
            "device: cuda: this machine offers no GPU; set `device: cpu` in the config, or run it elsewhere"
        )


def needs_a_gpu(config: Config) -> bool:
    """Is there a job for a GPU whose rows are not there?"""
    planned = {shard.id: shard for shard in here(config)}
    return any(
        gpus(config, planned, name) and not rows_file(config, shard).exists()
        for name, shard in planned.items()
    )


def gpus(config: Config, shards: dict[str, Shard], name: str) -> int:
    """How many GPUs one job takes: probes and simulations run on the CPU, whatever the device."""
    shard = shards[name]
    return int(config.device_of(shard.study) == "cuda" and shard.updates > 0)


def machine_options(config: Config, shards: dict[str, Shard], name: str) -> list[str]:
    """What the config says of the machine, as one job's command takes it."""
    return config.machine_options(shards[name].study)


def keep_weights(config: Config, shards: dict[str, Shard], name: str) -> str:
    """Of which replicas one job keeps the weights."""
    return config.keep_weights_of(shards[name].study)


def mem_mb(config: Config, shards: dict[str, Shard], name: str) -> int:
    """What to ask a cluster for, for one job: the estimate with a margin, and Snakemake's own share of it."""
    if config.device_of(shards[name].study) == "cuda":
        estimate = memory.beside_a_gpu(memory.sized(shards[name], shards))
    else:
        estimate = memory.peak_of(shards[name], shards, config.memory_mb)
    return math.ceil((MARGIN * estimate + SNAKEMAKE_MB) / 100) * 100


def runtime(config: Config, shards: dict[str, Shard], name: str, attempt: int = 1) -> int:
    """Minutes to ask a cluster for, more at each attempt; a wide margin: a job over its limit is killed."""
    device = config.device_of(shards[name].study)
    estimate = duration.seconds(memory.sized(shards[name], shards), device)
    return min(LONGEST_MIN, attempt * (STARTING_MIN + math.ceil(SLOWER * estimate / 60)))


def claims(config: Config) -> dict[str, dict[str, Any]]:
    """The claims to judge, by id."""
    return {claim["id"]: claim for claim in config.claims_content["claims"]}


def behind(config: Config, shards: dict[str, Shard], name: str) -> list[str]:
    """The ids of the jobs that one claim rests on."""
    entries = claims(config)
    try:
        claim = entries[catalog.pick(name, list(entries), noun="claim")]
    except LookupError as error:
        sys.exit(f"{config.claims_path}: {error}")
    planned = where.shards_of(claim, grid.shards(config))
    if found := [shard.id for shard in planned if shard.id in shards]:
        return found
    told = plan_table.waits(config, planned)
    sys.exit(f"{name}: {told}; {plan_table.remedy(config, planned)}")
