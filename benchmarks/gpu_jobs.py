"""Whole jobs on a device: equal bytes of two equal ones, their memory and their time against the plan's.

The memory is checked twice.  What torch's allocator gave out at most stands in the table; and the second job
may use no more than the estimate, so that one which needs more, with what a recording keeps for itself, ends
for lack of memory.
"""

import contextlib
import dataclasses
import gc
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from gpu_found import Found, broken, guarded
from gpu_shards import kinds

from rnnlimits import rows
from rnnlimits.execution import pipeline, speed_trial
from rnnlimits.planning import duration, memory
from rnnlimits.planning.duration import Speed
from rnnlimits.planning.job import Job
from rnnlimits.planning.shard import Shard
from rnnlimits.training import protocol
from rnnlimits.training.build import set_up

PLENTY_MB = 1e9  # so that all replicas are trained at once
PROCESS_MB = 200  # by which the memory of a process on the CPU may move whatever is computed
# The first is small and tells what is fixed: (page, hidden size, steps).
NETWORKS = [("elman", 8, 10), ("elman", 64, 100), ("gru", 36, 100), ("lstm", 32, 100)]
QUICK = [("elman", 2, 5), ("gru", 8, 20)]


class Peak:
    """The most memory since `start`, in MiB: of a GPU what torch gave out, else what the process held."""

    def __init__(self, device: str):
        self.device = device

    def start(self) -> None:
        gc.collect()
        if self.device == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        else:
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (Linux)
            self.before_mb = status_mb("VmRSS")

    def mb(self) -> float:
        if self.device == "cuda":
            return torch.cuda.max_memory_allocated() / memory.MIB
        return status_mb("VmHWM") - self.before_mb


def status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


@contextlib.contextmanager
def at_most(mb: float, device: str) -> Iterator[None]:
    """Torch gets no more of the GPU's memory than this; the CPU's cannot be cut."""
    if device == "cpu":
        yield
        return
    whole_mb = torch.cuda.get_device_properties(0).total_memory / memory.MIB
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, mb / whole_mb))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def digest(shard: Shard, device: str, folder: Path) -> str:
    """Of the rows of a job."""
    out = folder / "rows.parquet"
    with contextlib.redirect_stderr(io.StringIO()):  # a bar of progress would run through the table
        measured = protocol.run(Job(shard=shard, out=out, device=device, memory_mb=PLENTY_MB))
    rows.write(*measured, out)
    return rows.content_digest(out)


def estimate_mb(shard: Shard, device: str) -> float:
    """Of the plan, of what `Peak` measures."""
    counted = set_up(shard).shard  # with its parameters
    return memory.data(counted, device=device) + (PROCESS_MB if device == "cpu" else 0)


def bytes_and_memory(name: str, shard: Shard, device: str) -> tuple[Found, Found]:
    peak, estimate = Peak(device), estimate_mb(shard, device)
    with tempfile.TemporaryDirectory() as folder:
        peak.start()
        first = digest(shard, device, Path(folder))
        measured, cut_off = peak.mb(), False
        try:
            with at_most(estimate, device):
                second = digest(shard, device, Path(folder))
        except torch.OutOfMemoryError:
            cut_off = True
            second = digest(shard, device, Path(folder))
    equal = Found(
        check="bytes", what=name, passed=first == second,
        note="" if first == second else "two equal jobs gave different rows",
    )  # fmt: skip
    fits = Found(
        check="memory", what=name, passed=not cut_off and measured <= estimate, measured=measured,
        bound=estimate, unit="MB", failed_as="over",
        note="with no more than the estimate it ran out of memory" if cut_off else "",
    )  # fmt: skip
    return equal, fits


def speed(name: str, shard: Shard, device: str) -> Found:
    """Updates a second; with fewer than a third of the plan's guess, a cluster would end the job too soon."""
    shard = with_updates(shard, speed_trial.UPDATES)
    trial = speed_trial.trial(shard, duration.kind_of(shard, device), device)
    by_constants = trial.fixed_estimate + trial.estimate
    slowest = 1 / (pipeline.SLOWER * by_constants)
    return Found(
        check="speed", what=name, passed=1 / trial.update >= slowest, measured=1 / trial.update,
        bound=slowest, unit="update/s", failed_as="slow",
        note="" if 1 / trial.update >= slowest else "a cluster would be asked for too few minutes",
    )  # fmt: skip


def with_updates(shard: Shard, updates: int) -> Shard:
    assert shard.budget
    return dataclasses.replace(shard, budget=shard.budget.model_copy(update={"updates": updates}))


def constants(device: str, quick: bool) -> Speed:
    """The factors of this device, as the plan keeps them; on the CPU they stand where a GPU's would."""
    trials = []
    for sizes in QUICK if quick else NETWORKS:
        shard = speed_trial.network(*sizes)
        trials.append(speed_trial.trial(shard, duration.kind_of(shard, "cuda"), device))
    fixed, growth = speed_trial.fixed_and_growth(trials)
    return Speed(gpu_fixed=fixed, gpu=growth, gpu_evaluation=speed_trial.evaluation(trials[1:], growth))


def checks(device: str, quick: bool) -> Iterator[Found]:
    for name, shard in kinds(quick).items():
        try:
            yield from bytes_and_memory(name, shard, device)
        except Exception as error:
            yield broken("bytes", name, error)
    for name, shard in kinds(quick).items():
        yield guarded("speed", name, lambda n=name, s=shard: speed(n, s, device))
