"""Does what runs on a CUDA GPU compute what it should, and does the plan know what it costs?

    python benchmarks/gpu_check.py [--out results/benchmarks/gpu_check.json] [--keep]

values, loops   values and gradients of every page, and of every loop for a GPU, against the CPU in float64
recording       the recorded update of every page against the eager one
bytes           two equal jobs give equal rows
memory          the peak of a job against the plan's estimate
speed           updates a second; the plan's constants for this GPU, which --keep keeps for `rnnlimits plan`

Less than three minutes: what has not begun by then is told, and counts as failed.  It ends with 0 where all
is well and else with 1, also where there is no GPU.  `--device cpu --quick` tries the check itself.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

import gpu_jobs
import gpu_updates
import gpu_values
import torch
from gpu_found import HEAD, Found, broken
from gpu_shards import kinds
from measuring import machine, parser

from rnnlimits.execution import gpu_slots
from rnnlimits.planning import gpu_calibration, origin
from rnnlimits.planning.calibration import OF_GPU
from rnnlimits.planning.duration import Speed
from rnnlimits.training import device as devices

NO_GPU = "gpu_check: this machine offers no CUDA device; nothing was checked"
LIMIT_S = 150  # the check that is at work then is the last one
SHOWN = ("device", "driver", "cuda", "git_commit")


def found(device: str, quick: bool, limit_s: float) -> Iterator[Found]:
    """All checks; after the time is over one line more, which says what was left out."""
    started_s = time.monotonic()
    parts = (gpu_values, gpu_updates, gpu_jobs)
    for one in chain.from_iterable(part.checks(device, quick) for part in parts):
        yield one
        if time.monotonic() - started_s > limit_s:
            note = f"not checked: the time was over after {one.check} of {one.what}"
            yield Found(
                check="time", what="all that follows", passed=False, failed_as="left", measured=limit_s,
                unit="s", note=note,
            )  # fmt: skip
            return


def provenance(device: str) -> dict[str, Any]:
    """Of which code, on what."""
    collected = origin.collect(next(iter(kinds(quick=True).values())), device)
    known = {name: collected[name] for name in ("git_commit", "git_clean", "versions", "host", "started")}
    if device == "cpu":
        return known | {"device": machine()}
    return known | {
        "device": torch.cuda.get_device_name(),
        "driver": gpu_calibration.asked("driver_version"),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def constants(device: str, quick: bool) -> dict[str, float] | None:
    """The factors of the plan for this device; None where they cannot be measured."""
    try:
        measured = vars(gpu_jobs.constants(device, quick))
    except Exception as error:  # what was checked before is still to be told
        print(broken("constants", device, error))
        return None
    return {name: measured[name] for name in OF_GPU}


def options() -> argparse.Namespace:
    given = parser(__doc__)
    given.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="(default: %(default)s)")
    given.add_argument("--out", type=Path, help="write everything to this JSON file too")
    given.add_argument("--keep", action="store_true", help="keep the constants for `rnnlimits plan`")
    given.add_argument("--limit-s", type=float, default=LIMIT_S, help="(default: %(default)s)")
    return given.parse_args()


def main() -> int:
    given = options()
    # As a job does: no training is at work on the GPU meanwhile.
    with gpu_slots.slot() if given.device == "cuda" else nullcontext():
        if given.device == "cuda" and not torch.cuda.is_available():
            print(NO_GPU)
            return 1
        return checked(given)


def checked(given: argparse.Namespace) -> int:
    started_s = time.monotonic()
    devices.prepare(given.device, tf32=False)
    about = provenance(given.device)
    print(", ".join(f"{name} {about[name]}" for name in SHOWN if name in about))
    print(HEAD)
    lines = []
    for one in found(given.device, given.quick, given.limit_s):
        print(one, flush=True)
        lines.append(one)
    factors = None if lines[-1].check == "time" else constants(given.device, given.quick)
    if factors:
        print(f"constants of this {given.device}: {json.dumps(factors)}")
    if factors and given.keep and given.device == "cuda":
        print(f"kept for `rnnlimits plan`: {gpu_calibration.keep(Speed(**factors), about['device'])}")
    failed = [one for one in lines if not one.passed]
    verdict = f"{len(failed)} of {len(lines)} checks failed" if failed else f"all {len(lines)} checks passed"
    if given.out:
        told = {"verdict": verdict, "seconds": time.monotonic() - started_s, "provenance": about}
        write(given.out, told | {"constants": factors, "checks": [vars(one) for one in lines]})
    print(f"gpu_check: {verdict}")
    return int(bool(failed))


def write(out: Path, content: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
