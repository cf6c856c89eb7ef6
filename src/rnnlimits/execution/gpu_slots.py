"""Which GPU a job takes: Snakemake counts GPUs but names none, so jobs share them out by locks.

A slot is a locked file of this machine, whatever config, folder or Snakemake the job belongs to; the system
lets go of it whichever way the job ends.  Several shards may share a GPU (`jobs_per_gpu`); a job that wants
one for itself waits until nobody else is on it.  To be called before CUDA is first used, which looks at
CUDA_VISIBLE_DEVICES once.  Loads torch only where there is no other way to count.

Inside SLURM the GPUs to choose from are those of the allocation: CUDA_VISIBLE_DEVICES has them.  Two
allocations may both call theirs 0, so a slot is named after the GPU's own name, or after the allocation where
that is not known.
"""

import contextlib
import functools
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rnnlimits.execution import prefork

VARIABLE = "CUDA_VISIBLE_DEVICES"
LOOK_AGAIN_S = 0.5


def visible() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES would name them."""
    if (listed := os.environ.get(VARIABLE)) is not None:
        return [name.strip() for name in listed.split(",") if name.strip()]
    # By their own names: CUDA and nvidia-smi may number unlike GPUs in different orders.
    if found := own_names():
        return list(found)
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def none_for_sure() -> bool:
    """Is there no GPU?  False also where nobody can tell, as without torch."""
    try:
        return not visible()
    except ImportError:
        return False


@functools.cache
def own_names() -> tuple[str, ...]:
    """GPU-1d4c..., GPU-77a0...: unique in the world; none where there is no nvidia-smi."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
        return tuple(re.findall(r"^GPU .*\(UUID: (GPU-\S+)\)", done.stdout, re.MULTILINE))
    return ()


@contextlib.contextmanager
def slot(jobs_per_gpu: int = 1, folder: Path | None = None) -> Iterator[str | None]:
    """Waits for a free slot and makes its GPU the only visible one; None where there is no GPU."""
    names = visible() if os.name == "posix" else []  # elsewhere there are no such locks: a job sees every GPU
    if not names:
        yield None
        return
    folder = folder or prefork.private_folder(f"gpus-{os.getuid()}")
    # All GPUs get their first job before one gets its second.
    places = [(name, share) for share in range(jobs_per_gpu) for name in names]
    told = False
    while True:
        for name, share in places:
            if locks := taken(folder / place(name), share if jobs_per_gpu > 1 else None):
                with locks, only(name):
                    yield name
                return
        if not told:
            print(f"{folder}: all {len(places)} GPU slots are taken; waiting for one", file=sys.stderr)
            told = True
        time.sleep(LOOK_AGAIN_S)


def taken(path: Path, share: int | None) -> contextlib.ExitStack | None:
    """The locks on a share of a GPU, or on all of it; None where another job has them."""
    import fcntl  # only Unix has it

    def locked(file: IO[str], kind: int) -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return True
        return False

    with contextlib.ExitStack() as locks:
        whole = locks.enter_context(path.with_suffix(".lock").open("w"))
        if share is None:
            return locks.pop_all() if locked(whole, fcntl.LOCK_EX) else None
        part = locks.enter_context(path.with_suffix(f".share-{share}.lock").open("w"))
        if locked(whole, fcntl.LOCK_SH) and locked(part, fcntl.LOCK_EX):
            return locks.pop_all()
    return None


def place(name: str) -> str:
    """What one GPU's files are called; hosts may share the folder."""
    own = own_names()
    if name.isdigit() and int(name) < len(own):
        where = [own[int(name)]]
    elif any(one.startswith(name) for one in own):  # CUDA takes a beginning of a name too
        where = [next(one for one in own if one.startswith(name))]
    else:
        where = [os.environ.get("SLURM_JOB_ID", ""), name]
    parts = [part for part in ("gpu", platform.node(), *where) if part]
    return re.sub(r"[^A-Za-z0-9-]", "_", "-".join(parts))


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
