"""Lightning's trainer around a ReplicaTraining: loop, progress bar, loggers, and the end by a signal."""

import logging
import signal
import sys
import warnings
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning_utilities.core.imports import module_available
from torch.utils.data import DataLoader
from tqdm import tqdm

from rnnlimits.training.module import ReplicaTraining


class Progress(pl.Callback):
    """A bar with update, time left and replicas solved, where a person is watching; nothing elsewhere."""

    def on_train_start(self, trainer, module) -> None:
        updates, quiet = module.budget["updates"], not sys.stderr.isatty()
        self.bar = tqdm(
            total=updates, initial=module.done or 0, unit="update", dynamic_ncols=True, disable=quiet
        )

    def on_train_batch_end(self, trainer, module, *_) -> None:
        solved = sum(replica.status == "solved" for replica in module.replicas)
        self.bar.set_postfix_str(
            f"{solved} of {len(module.replicas)} solved, {len(module.active)} running", False
        )
        self.bar.update()

    def on_train_end(self, trainer, module) -> None:
        self.bar.close()


def fit(module: ReplicaTraining, device: str, log_dir: Path | None) -> None:
    """Train until all updates are made or every replica has stopped; validation at update 0 comes first.

    A module that was restored goes on where it was.
    """
    if module.done is None:
        module.validate(0)
        module.done = 0
    left = range(module.done, module.budget["updates"])
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
        logger=loggers(log_dir),
        callbacks=[Progress()],
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
        # Lightning's loop needs a loader; the batches come from the replicas' own streams.
        trainer.fit(module, DataLoader(left, batch_size=None))  # type: ignore[arg-type]
    except SIGTERMException:  # comes between two updates
        if module.checkpoint:
            module.checkpoint.save(module.start, module.state())
        sys.exit(128 + signal.SIGTERM)  # Lightning would end the process with 0, as if its rows were there
    torch.set_flush_denormal(False)


def loggers(log_dir: Path | None) -> list | bool:
    """CSV always, TensorBoard where it is installed; nothing without a folder to write to."""
    if log_dir is None:
        return False
    kinds = [CSVLogger, TensorBoardLogger] if module_available("tensorboard") else [CSVLogger]
    return [kind(save_dir=log_dir.parent, name=log_dir.name) for kind in kinds]
