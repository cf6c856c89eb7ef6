"""One job at work: from the lock on its rows file to the rows, or to what a part of a shard leaves.

Whatever stands in its way is met here, around the measuring: another job of the same shard, damaged rows of a
shard that it needs, a GPU that others use, too little memory, what a killed one left behind.
"""

import sys
import time
from contextlib import nullcontext
from typing import Any

from rnnlimits.execution import gpu_slots, loaded_code, out_of_memory, parts, planned_rows, prefork
from rnnlimits.planning import kept_weights, progress
from rnnlimits.planning.job import Job
from rnnlimits.rows import Row, only_writer, write
from rnnlimits.storage import integrity


def run(job: Job) -> None:
    """Train, measure, write the rows to `job.out`."""
    started_s = time.monotonic() if prefork.asked_s is None else prefork.asked_s
    slot = gpu_slots.slot(job.jobs_per_gpu) if job.on_gpu else nullcontext()
    with (
        only_writer(job.out) as written_meanwhile,
        out_of_memory.told(job),
        integrity.set_aside(job.parts[0].parent if job.parts else job.rows),
        slot,
    ):
        if written_meanwhile and is_done(job):
            print(f"{job.out}: the other process has written it; nothing is left to do", file=sys.stderr)
            return
        planned_rows.check_needs(job)
        if job.seeds:
            with loaded_code.held(job):
                parts.train(job, started_s)
        else:
            write_rows(job, started_s)
        if job.checkpoint_path:
            job.checkpoint_path.unlink(missing_ok=True)
        if job.progress_path:
            progress.remove(job.progress_path)


def is_done(job: Job) -> bool:
    """Is what it would write there?"""
    return parts.is_done(job) if job.seeds else planned_rows.are_done(job.shard, job.out)


def write_rows(job: Job, started_s: float) -> None:
    """Measure, and write the rows to `job.out`."""
    with loaded_code.held(job):
        measured, provenance = measure(job, started_s)
    total_s = provenance.get("seconds_before", 0.0) + time.monotonic() - started_s
    provenance |= {"seconds_total": total_s, "prefork": prefork.asked_s is not None}
    write(measured, provenance, job.out, job.shard.id)
    if provenance.get("weights", {}).get("kept", "none") == "none":
        kept_weights.beside(job.out).unlink(missing_ok=True)  # of an earlier run, whose rows are gone


def measure(job: Job, started_s: float) -> tuple[list[Row], dict[str, Any]]:
    """A simulation does without torch: each kind imports its own, which took until now since the start."""
    if job.shard.kind == "simulation":
        from rnnlimits.training import simulation

        imported_s = time.monotonic() - started_s
        measured, provenance = simulation.run(job)
    else:
        from rnnlimits.training import protocol

        imported_s = time.monotonic() - started_s
        measured, provenance = parts.join(job) if job.parts else protocol.run(job)
    provenance["seconds_import"] += imported_s
    return measured, provenance
