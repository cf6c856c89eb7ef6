"""One job: a shard to its rows."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rnnlimits.execution import options
from rnnlimits.execution.options import Code, Elsewhere, Tf32, folder


def train(
    spec: Annotated[str, typer.Option(metavar="JSON", help="A shard, as `plan --json` prints it.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The rows file to write.")],
    code: Code = None,
    rows: Annotated[Path | None, folder("Other shards' rows; a refit reads them.")] = None,
    log: Annotated[Path | None, folder("Write metrics here too, for TensorBoard.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or any: as RNNLIMITS_GPU says.")] = "cpu",
    tf32: Tf32 = False,
    jobs_per_gpu: options.JobsPerGpu = 1,
    memory_mb: options.Memory = 0,
    checkpoints: Annotated[Path | None, folder("Keep here what a killed training goes on from.")] = None,
    checkpoint_every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How often, and on SIGTERM; 0: never.")
    ] = 60,
    checkpoint_elsewhere: Elsewhere = "restart",
    data: Annotated[Path | None, folder("Where downloaded data lie already.")] = None,
    seeds: options.Seeds = None,
    part: options.Parts = None,
) -> None:
    """Run one shard: train all its replicas, measure, write its rows."""
    from rnnlimits.catalog import pick
    from rnnlimits.execution import job
    from rnnlimits.planning import gpu, parts, shard_form
    from rnnlimits.planning.job import Job

    pick(device, ["cpu", "cuda", "any"], noun="device")
    pick(checkpoint_elsewhere, ["restart", "refuse"], noun="way to go on")
    if data:
        from rnnlimits.tasks.data import downloads

        os.environ[downloads.DATA_VARIABLE] = str(data)
    shard = shard_form.read(spec)
    job.run(
        Job(
            shard=shard, out=out, rows=rows, log=log, device=gpu.resolved(device), tf32=tf32,
            seeds=parts.asked(seeds, part, shard), parts=tuple(part or ()), jobs_per_gpu=jobs_per_gpu,
            memory_mb=memory_mb, checkpoints=checkpoints, code=code, checkpoint_every_s=checkpoint_every,
            checkpoint_elsewhere=checkpoint_elsewhere,
        )
    )  # fmt: skip
