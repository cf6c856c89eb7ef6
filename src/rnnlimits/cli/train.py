"""One job: a shard to its rows."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rnnlimits.execution import options
from rnnlimits.execution.options import Code, Elsewhere, LogAs, Tf32, folder


def train(
    spec: Annotated[str, typer.Option(metavar="JSON", help="A shard, as `plan --json` prints it.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The rows file to write.")],
    code: Code = None,
    rows: Annotated[Path | None, folder("Other shards' rows; a refit reads them.")] = None,
    keep_weights: options.KeepWeights = "chosen",
    log: Annotated[Path | None, folder("Write the numbers of every update here, too.")] = None,
    log_as: LogAs = "csv",
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
    from rnnlimits.execution import job
    from rnnlimits.planning import gpu, parts, shard_form
    from rnnlimits.planning.job import Job

    check(device, checkpoint_elsewhere, log_as, keep_weights)
    if data:
        read_data_in(data)
    shard = shard_form.read(spec)
    job.run(
        Job(
            shard=shard, out=out, rows=rows, log=None if log_as == "none" else log, log_as=log_as,
            seeds=parts.asked(seeds, part, shard), parts=tuple(part or ()), device=gpu.resolved(device),
            tf32=tf32, jobs_per_gpu=jobs_per_gpu, memory_mb=memory_mb, checkpoints=checkpoints, code=code,
            checkpoint_every_s=checkpoint_every, checkpoint_elsewhere=checkpoint_elsewhere,
            keep_weights=keep_weights,
        )
    )  # fmt: skip


def read_data_in(folder: Path) -> None:
    from rnnlimits.tasks.data import downloads

    os.environ[downloads.DATA_VARIABLE] = str(folder)


def check(device: str, checkpoint_elsewhere: str, log_as: str, keep_weights: str) -> None:
    """Words of which only a few are known."""
    from rnnlimits.catalog import pick
    from rnnlimits.planning import kept_weights, metric_loggers

    pick(device, ["cpu", "cuda", "any"], noun="device")
    pick(checkpoint_elsewhere, ["restart", "refuse"], noun="way to go on")
    pick(keep_weights, kept_weights.KINDS, noun="choice of weights")
    pick(log_as, metric_loggers.KINDS, noun="logger")
    metric_loggers.check(log_as)
