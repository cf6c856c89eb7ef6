"""One job: a shard, from the lock on its rows file to the rows.

Whatever stands in its way is met here, around the measuring: another job of the same shard, damaged rows of a
shard that it needs, a GPU that others use, too little memory, what a killed one left behind.
"""

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rnnlimits.execution import gpu_slots, out_of_memory, planned_rows, prefork
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row, only_writer, write
from rnnlimits.storage import integrity


def run(
    shard: Shard, out: Path, *, rows: Path | None = None, log: Path | None = None, device: str = "cpu",
    tf32: bool = False, jobs_per_gpu: int = 1, memory_mb: int = 0,
    checkpoints: Path | None = None, checkpoint_every_s: float = 60,
) -> None:  # fmt: skip
    """Train, measure, write the rows to `out`; what the arguments mean says `rnnlimits train --help`."""
    started_s = time.monotonic() if prefork.asked_s is None else prefork.asked_s
    checkpoint = checkpoints / f"{shard.id}.checkpoint" if checkpoints and checkpoint_every_s else None
    on_gpu = device == "cuda" and shard.budget.get("updates")  # probes and simulations run on the CPU
    slot = gpu_slots.slot(jobs_per_gpu) if on_gpu else nullcontext()
    told = out_of_memory.told(shard, memory_mb, device)
    with only_writer(out) as written_meanwhile, told, integrity.set_aside(rows), slot:
        if written_meanwhile and planned_rows.are_done(shard, out):
            print(f"{out}: the other process has written it; nothing is left to do", file=sys.stderr)
            return
        options: dict[str, Any] = {
            "memory_mb": memory_mb, "tf32": tf32, "jobs_per_gpu": jobs_per_gpu,
            "checkpoint_path": checkpoint, "checkpoint_every_s": checkpoint_every_s,
        }  # fmt: skip
        measured, provenance = measure(shard, started_s, rows, log, device, options)
        total_s = provenance.get("seconds_before", 0.0) + time.monotonic() - started_s
        provenance |= {"seconds_total": total_s, "prefork": prefork.asked_s is not None}
        write(measured, provenance, out, shard.id)
        if checkpoint:
            checkpoint.unlink(missing_ok=True)


def measure(
    shard: Shard, started_s: float, rows: Path | None, log: Path | None, device: str, options: dict[str, Any]
) -> tuple[list[Row], dict[str, Any]]:
    """A simulation does without torch: each kind imports its own."""
    if shard.kind == "simulation":
        from rnnlimits.training import simulation

        imported_s = time.monotonic() - started_s
        measured, provenance = simulation.run(shard)
    else:
        from rnnlimits.training import protocol

        imported_s = time.monotonic() - started_s
        measured, provenance = protocol.run(shard, rows, log, device, **options)
    provenance["seconds_import"] += imported_s
    return measured, provenance
