"""Lightning's trainer around a ReplicaTraining: loop, progress bar, loggers, and the end by a signal.

Importing Lightning costs seconds: only what trains imports this page.
"""

import contextlib
import gc
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.utils.data import DataLoader

from rnnlimits.planning.job import Job
from rnnlimits.training.build import Setup
from rnnlimits.training.checkpoints import GroupCheckpoint
from rnnlimits.training.groups import Group, sets
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.progress import Watched
from rnnlimits.training.replica import Reading
from rnnlimits.training.replicas import Replicas


def train(job: Job, setup: Setup, group: Group, checkpoint: GroupCheckpoint | None) -> list[Reading]:
    """Train a group: its readings, numbered as in the shard; the best weights are left in its replicas."""
    replicas = group.replicas
    models = Replicas([setup.models[replica.seed] for replica in replicas])
    tasks = {replica.seed: setup.tasks[replica.seed] for replica in replicas}
    validation = sets(setup, replicas, "validation", setup.budget.validation_sequences)
    module = ReplicaTraining(models, replicas, tasks, validation, setup.budget, checkpoint)
    if checkpoint and checkpoint.state:
        module.restore(checkpoint.state)
    watched = Watched(group.everyone, group.start, job.progress_path)
    fit(module, job.device, logger_of(job, group.log_folder(job.log)), watched)
    for replica in replicas:
        replica.best_theta_P = replica.best_theta_P.cpu()
        replica.mid_training_theta_P = replica.mid_training_theta_P.cpu()
        replica.last_theta_P = replica.last_theta_P.cpu()
    readings = [replace(reading, replica=group.start + reading.replica) for reading in module.readings]
    if checkpoint:
        checkpoint.keep(module.outcome())
    del module, models, validation
    gc.collect()  # Lightning's parts point at each other: without this the next group would come on top
    if job.device == "cuda":
        torch.cuda.empty_cache()
    return readings


def fit(module: ReplicaTraining, device: str, logger: Logger | None, watched: Watched | None = None) -> None:
    """Train until all updates are made or every replica has stopped; validation at update 0 comes first.

    A module that was restored goes on where it was.
    """
    if module.done is None:
        module.to(device)  # Lightning would move it only now: this validation is as large as all others
        module.validate(0)
        module.done = 0
    left = range(module.done, module.budget.updates)
    if not left or not module.active:
        return
    # Lightning reports its devices and warns of the missing workers of a loader that only counts.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    trainer = pl.Trainer(
        max_steps=len(left),
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=1,
        # Inside a SLURM job Lightning would take over requeueing, which Snakemake already does.
        plugins=[LightningEnvironment()],
        logger=logger or False,
        callbacks=[watched] if watched else [],
        log_every_n_steps=1,
        enable_checkpointing=False,  # checkpoints.py knows the replicas, their streams and their stops
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    # A gradient that vanishes ends in denormal numbers, which some processors multiply a hundred times more
    # slowly than zero; in float32 they are below 1e-38 and change no weight.
    torch.set_flush_denormal(True)
    try:
        with interrupted_as_terminated():
            # Lightning's loop needs a loader; the batches come from the replicas' own streams.
            trainer.fit(module, DataLoader(left, batch_size=None))  # type: ignore[arg-type]
    except SIGTERMException:  # comes between two updates
        save_and_leave(module)
    torch.set_flush_denormal(False)


def save_and_leave(module: ReplicaTraining) -> NoReturn:
    """The process ends here; Lightning would end it with 0, as if its rows were there."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # an impatient second one must not cost the checkpoint
    if module.checkpoint:
        module.checkpoint.save(module.state())
        print(f"told to end; saved after update {module.done:,}", file=sys.stderr, flush=True)
    sys.exit(128 + signal.SIGTERM)


@contextlib.contextmanager
def interrupted_as_terminated() -> Iterator[None]:
    """Ctrl-C ends a training as SIGTERM does: after the update at work, with a checkpoint."""
    if threading.current_thread() is not threading.main_thread():  # no other may say what signals do
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def logger_of(job: Job, folder: Path | None) -> Logger | None:
    """Lightning's own, which writes into this folder; none without a folder to write to."""
    if folder is None:
        return None
    place, name = folder.parent, folder.name
    match job.log_as:
        case "tensorboard":
            return TensorBoardLogger(save_dir=place, name=name)
        case "wandb":
            folder.mkdir(parents=True, exist_ok=True)
            return WandbLogger(project="rnnlimits", name=name, save_dir=folder)
        case "mlflow":
            return MLFlowLogger(experiment_name="rnnlimits", run_name=name, save_dir=str(folder))
    return CSVLogger(save_dir=place, name=name)
