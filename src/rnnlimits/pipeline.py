"""What the Snakefile asks the package for: which config, and which jobs.

It is here and not in a .smk because here it is typed and tested.  Every refusal is plain lines and exit code
1: whatever else a Snakefile raises, Snakemake shows with a traceback of its own.
"""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rnnlimits import duration, gpu_slots, grid, memory, run_lock
from rnnlimits.config import Config, ConfigError, load

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


def plan(settings: Settings) -> tuple[str, Config, dict[str, grid.Shard]]:
    """The config's path as the commands get it, the config, and its shards by id, the long ones first."""
    path = config_file(settings)
    try:
        config = load(path)
    except ConfigError as error:
        sys.exit(str(error))
    return str(path), config, {shard.id: shard for shard in grid.shards(config)}


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
    lock.take()
    if config.device == "cuda" and jobs_run_here and gpu_slots.none_for_sure():
        sys.exit(
            "device: cuda: this machine offers no GPU; set `device: cpu` in the config, or run it elsewhere"
        )


def gpus(config: Config, shards: dict[str, grid.Shard], name: str) -> int:
    """How many GPUs one job takes: probes and simulations run on the CPU, whatever the device."""
    return int(config.device == "cuda" and bool(shards[name].budget.get("steps")))


def mem_mb(config: Config, shards: dict[str, grid.Shard], name: str) -> int:
    """What to ask a cluster for, for one job: the estimate with a margin, and Snakemake's own share of it."""
    if config.device == "cuda":
        estimate = memory.beside_a_gpu(memory.sized(shards[name], shards))
    else:
        estimate = memory.peak_of(shards[name], shards, config.memory_mb)
    return math.ceil((MARGIN * estimate + SNAKEMAKE_MB) / 100) * 100


def runtime(config: Config, shards: dict[str, grid.Shard], name: str, attempt: int = 1) -> int:
    """Minutes to ask a cluster for, more at each attempt; a wide margin: a job over its limit is killed."""
    estimate = duration.seconds(memory.sized(shards[name], shards), config.device)
    return min(LONGEST_MIN, attempt * (STARTING_MIN + math.ceil(SLOWER * estimate / 60)))
