"""What the Snakefile asks the package for: which config, and which jobs.

It is here and not in a .smk because here it is typed and tested.  Every refusal is one line and exit code 1: a
Snakefile that raises anything else prints a traceback of Snakemake's own.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rnnlimits import grid
from rnnlimits.config import Config, ConfigError, load

DEFAULT_CONFIG = Path("config/config.yaml")


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
    """The one file given with --configfile, relative to here so that logs and outputs name no machine's folders."""
    if settings.config:
        given = " ".join(f"{key}={value}" for key, value in settings.config.items())
        sys.exit(f"--config {given}: the commands read a file; write it into a copy of {DEFAULT_CONFIG}, give --configfile")
    if len(settings.configfiles) > 1:
        given = ", ".join(os.path.relpath(file) for file in settings.configfiles)
        sys.exit(f"--configfile: {len(settings.configfiles)} files came ({given}); give one, files are never merged")
    return Path(os.path.relpath(settings.configfiles[0])) if settings.configfiles else DEFAULT_CONFIG
