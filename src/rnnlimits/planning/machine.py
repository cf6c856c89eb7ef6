"""What cores and what memory there are, and how much of it this process has held."""

import math
import os
import sys
from pathlib import Path

MIB = 2**20


def memory_of_a_core() -> float:
    """MiB of this machine for each of its cores; in a container or a cluster's job, of what that has."""
    if not hasattr(os, "sysconf"):  # not a Unix
        return math.inf
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([whole, *limits()]) / cores() / MIB


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limits(table: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """The limits, in bytes, of the control groups that this process is in (Linux, versions 1 and 2)."""
    found = []
    for line in table.read_text().splitlines() if table.is_file() else []:
        _, controllers, place = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top = root / controllers
        inner = top / place.strip("/")
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        files = [folder / name for folder in (inner, *inner.parents) if folder.is_relative_to(top)]
        texts = [file.read_text().strip() for file in files if file.is_file()]
        found += [int(text) for text in texts if text.isdigit()]  # version 2 says "max" where there is none
    return found


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, in MiB.

    Linux's `getrusage` would also count what the parent held before this process ran its own program.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MIB if sys.platform == "darwin" else 1024)  # macOS counts bytes, others kilobytes
