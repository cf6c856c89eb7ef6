"""How fast this machine's GPU is, as `make gpu-check` has measured it, in the user's cache folder.

    ~/.cache/rnnlimits/calibration/0b7d51c2a9e4.json     one file for each kind of GPU and version of torch

As with the processor's speed (calibration.py), only what a person reads of a plan rests on it.  A plan loads
no torch, so it asks nvidia-smi which GPU there is; where that is not there, the constants hold.
"""

import contextlib
import dataclasses
import functools
import subprocess
from pathlib import Path

from rnnlimits.planning import calibration
from rnnlimits.planning.duration import Speed


@functools.cache
def name() -> str | None:
    """NVIDIA H100 80GB HBM3, say; None where there is none to be seen."""
    return asked("name")


def asked(what: str) -> str | None:
    """What nvidia-smi says of the first GPU: `name`, `driver_version`."""
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        return next((line.strip() for line in done.stdout.splitlines() if line.strip()), None)
    return None


def machine(gpu: str) -> dict[str, str]:
    """What the speed of a GPU holds for."""
    return {"gpu": gpu, "torch": calibration.version("torch")}


def file(gpu: str) -> Path:
    """Where its speed lies, or would lie."""
    return calibration.place_of(machine(gpu))


def keep(speed: Speed, gpu: str) -> Path:
    """Write the factors of this GPU to their file; an OSError where that cannot be written."""
    factors = {one: getattr(speed, one) for one in calibration.OF_GPU}
    return calibration.write(file(gpu), machine(gpu), factors)


def known(speed: Speed) -> tuple[Speed, str] | None:
    """The speed with the factors of this machine's GPU, and what to say of them; None: none were measured.

    A file that cannot be used is none; who measures again writes over it.
    """
    if (gpu := name()) is None:
        return None
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        text = file(gpu).read_text(encoding="utf-8")
        factors, day = calibration.read(text, machine(gpu), calibration.OF_GPU)
        return dataclasses.replace(speed, **factors), f"measured here on {day}: {gpu}"
    return None
