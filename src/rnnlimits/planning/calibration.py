"""How fast this machine is, as `rnnlimits plan --calibrate` has measured it, in the user's cache folder.

    ~/.cache/rnnlimits/calibration/6c1f0a4be07d.json     one file a machine: processor, loops, torch

Only what a person reads of a plan rests on it.  What Snakemake asks a cluster for, what stands on a page and
what enters a fingerprint keep to the constants of duration.py, so that they are the same on every machine.
"""

import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnlimits.planning import origin, time_loops
from rnnlimits.planning.duration import BY_CONSTANTS, Speed
from rnnlimits.storage import whole_files

OF_GPU = ("gpu_fixed", "gpu", "gpu_evaluation")  # kept by gpu_calibration.py
OF_PROCESSOR = tuple(field.name for field in dataclasses.fields(Speed) if field.name not in OF_GPU)
MEASURE = "`rnnlimits plan --calibrate` measures this one in seconds"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The speed of this machine, and a line on where it comes from."""

    speed: Speed
    said: str
    measured: bool


def machine() -> dict[str, str]:
    """What a speed holds for: the processor, what runs the loops over time, and torch."""
    return {"processor": origin.processor(), "backend": _backend(), "torch": version("torch")}


def file() -> Path:
    """Where the speed of this machine lies, or would lie."""
    return place_of(machine())


def place_of(machine: Mapping[str, str]) -> Path:
    """A file's name is a digest of the machine that its speed holds for."""
    import platformdirs

    key = hashlib.sha256(json.dumps(machine, sort_keys=True).encode()).hexdigest()
    return Path(platformdirs.user_cache_dir("rnnlimits")) / "calibration" / f"{key[:12]}.json"


def keep(speed: Speed) -> Path:
    """Write the speed of this machine to its file; an OSError where that cannot be written."""
    return write(file(), machine(), {name: getattr(speed, name) for name in OF_PROCESSOR})


def write(place: Path, machine: Mapping[str, str], factors: Mapping[str, float]) -> Path:
    """The file of a machine, with some factors of a Speed."""
    content = {
        "machine": machine,
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "speed": factors,
    }
    whole_files.write_text(place, json.dumps(content, indent=1, sort_keys=True) + "\n")
    return place


def known() -> Calibration:
    """The speed that was measured here; else the constants, and the line says why."""
    try:
        place = file()
        text = place.read_text(encoding="utf-8")
    except (OSError, RuntimeError):  # also where no home folder is known
        return _by_constants(f"speed: by constants, measured on another machine; {MEASURE}")
    except UnicodeDecodeError as error:
        return _by_constants(f"speed: by constants; {place} is damaged ({error.reason}); {MEASURE}")
    try:
        factors, day = read(text, machine(), OF_PROCESSOR)
    except ValueError as error:
        return _by_constants(f"speed: by constants; {place}: {error}; {MEASURE}")
    there = ", ".join(f"{name} {value}" for name, value in machine().items())
    return Calibration(speed=Speed(**factors), said=f"speed: measured here on {day} ({there})", measured=True)


def _by_constants(said: str) -> Calibration:
    return Calibration(speed=BY_CONSTANTS, said=said, measured=False)


def read(text: str, machine: Mapping[str, str], names: Sequence[str]) -> tuple[dict[str, float], str]:
    """The factors and their day; a ValueError where they are of another machine, or none at all."""
    try:
        content = json.loads(text)
        made_on, day = content["machine"], datetime.date.fromisoformat(content["measured"])
        factors = {name: _positive(value) for name, value in content["speed"].items()}
        Speed(**factors)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"damaged ({type(error).__name__}), ignored") from error
    if set(factors) != set(names):
        raise ValueError("of another version of rnnlimits, ignored")
    if made_on != machine:
        raise ValueError("measured on another machine or with another torch, ignored")
    return factors, day.isoformat()


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"got {value!r}; expected a number above 0")
    return float(value)


def _backend() -> str:
    if os.environ.get("RNNLIMITS_BACKEND") == "torch" or not time_loops.numba_is_there():
        return "torch"
    return f"numba-{version('numba')}"


def version(package: str) -> str:
    """Of a package that is installed; "none" where it is not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
