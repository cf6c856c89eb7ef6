"""Which GPU a job takes: Snakemake counts GPUs but names none, so the jobs of a run share them out by locks.

A slot is a file of the run's folder, locked as long as the job lives; the system lets go of it whichever way
the job ends.  Several shards may share a GPU (`jobs_per_gpu`).  To be called before CUDA is first used, which
looks at CUDA_VISIBLE_DEVICES once.  Loads torch only where there is no other way to count.
"""

import contextlib
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"
LOOK_AGAIN_S = 0.5


def visible() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES would name them."""
    if (listed := os.environ.get(VARIABLE)) is not None:
        return [name.strip() for name in listed.split(",") if name.strip()]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
        # By their own names: CUDA and nvidia-smi may number unlike GPUs in different orders.
        if found := re.findall(r"^GPU .*\(UUID: (GPU-\S+)\)", done.stdout, re.MULTILINE):
            return found
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def none_for_sure() -> bool:
    """Is there no GPU?  False also where nobody can tell, as without torch."""
    try:
        return not visible()
    except ImportError:
        return False


@contextlib.contextmanager
def slot(folder: Path, jobs_per_gpu: int = 1) -> Iterator[str | None]:
    """Waits for a free slot and makes its GPU the only visible one; None where there is no GPU."""
    try:
        import fcntl
    except ImportError:  # not a Unix: every job sees every GPU
        yield None
        return
    names = visible()
    if not names:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    # All GPUs get their first job before one gets its second.
    places = [(name, place(folder, name, share)) for share in range(jobs_per_gpu) for name in names]
    told = False
    while True:
        for name, path in places:
            with path.open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                with only(name):
                    yield name
                return
        if not told:
            print(f"{folder}: all {len(places)} GPU slots are taken; waiting for one", file=sys.stderr)
            told = True
        time.sleep(LOOK_AGAIN_S)


def place(folder: Path, name: str, share: int) -> Path:
    # Hosts may share the folder, and each job of a cluster may number its GPUs from 0.
    where = platform.node(), os.environ.get("SLURM_JOB_ID", ""), name, str(share)
    return folder / f".gpu-{re.sub(r'[^A-Za-z0-9.-]', '_', '-'.join(part for part in where if part))}.lock"


@contextlib.contextmanager
def only(name: str) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
