"""Where and when a job ran: commit, versions, host, device, time.  Imports none of what it names."""

import datetime
import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from rnnlimits.planning import provenance
from rnnlimits.planning.shard import Shard

PACKAGES = ("rnnlimits", "torch", "lightning", "numpy", "scikit-learn", "pyarrow")


def collect(shard: Shard, device: str) -> dict[str, Any]:
    """What may differ between two equal runs, and what proves that they were equal."""
    return {
        "config_hash": provenance.config_hash(shard),
        "code_fingerprint": provenance.fingerprint(shard),
        **_git(),
        "versions": {"python": platform.python_version(), **_versions()},
        "host": platform.node(),
        **_cluster(),
        "device": _processor() if device == "cpu" else device,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _cluster() -> dict[str, str]:
    """SLURM's number of the job and its name of the node, which `sacct` and `scontrol` know it by."""
    variables = {"slurm_job": "SLURM_JOB_ID", "slurm_node": "SLURMD_NODENAME"}
    return {fact: os.environ[name] for fact, name in variables.items() if name in os.environ}


def _versions() -> dict[str, str]:
    """Read from the installed metadata: nothing is imported."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def _git() -> dict[str, Any]:
    """The commit of the package's own repository; None where it is not in one, or git is not there."""
    here = Path(__file__)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    try:
        # An installed copy may lie inside somebody else's repository: ask whether this file is tracked.
        git("ls-files", "--error-unmatch", here.name)
        return {
            "git_commit": git("rev-parse", "HEAD"),
            "git_clean": not git("status", "--porcelain", "--", "."),
        }
    except (OSError, subprocess.SubprocessError):
        return {"git_commit": None, "git_clean": None}


def _processor() -> str:
    """'cpu: AMD EPYC 7763' where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"cpu: {models[0] if models else platform.processor() or platform.machine()}"
