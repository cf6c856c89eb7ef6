"""What a training tells while it runs: a bar to a person, a line now and then to a log, a file to the run."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import lightning.pytorch as pl
from tqdm import tqdm

from rnnlimits.planning.progress import Progress
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica

FILE_EVERY_S = 3.0
LINE_EVERY_S = 30.0
ENOUGH = 0.01  # of a training, to tell its speed from


class Watched(pl.Callback):
    """Of one group of replicas; `everyone` is all that the job trains, `start` how many were trained before.

    It reads the clock after each update and changes nothing that the training computes.
    """

    def __init__(self, everyone: Sequence[Replica], start: int = 0, path: Path | None = None):
        self.everyone = everyone
        self.start = start
        self.path = path
        self.file_due_s = self.line_due_s = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, ReplicaTraining)
        self.to_person = sys.stderr.isatty()
        self.bar = tqdm(
            total=module.budget.updates, initial=module.done or 0, unit="update", dynamic_ncols=True,
            disable=not self.to_person,
        )  # fmt: skip
        self.started_s, self.share_at_start = time.monotonic(), self.share(module)
        self.tell(module)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: object) -> None:
        assert isinstance(module, ReplicaTraining)
        if self.to_person:
            progress = self.progress(module)
            self.bar.set_postfix_str(
                f"{progress.solved} of {progress.replicas} solved, {len(module.active)} running", False
            )
        self.bar.update()
        self.tell(module)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.bar.close()

    def tell(self, module: ReplicaTraining) -> None:
        """Where it is time: at the start, then every few seconds."""
        now_s = time.monotonic()
        if self.path and now_s >= self.file_due_s:
            self.progress(module).write(self.path)
            self.file_due_s = now_s + FILE_EVERY_S
        if not self.to_person and now_s >= self.line_due_s:
            print(f"training: {self.progress(module)}", file=sys.stderr, flush=True)
            self.line_due_s = now_s + LINE_EVERY_S

    def share(self, module: ReplicaTraining) -> float:
        done = (module.done or 0) / module.budget.updates
        return (self.start + len(module.replicas) * done) / len(self.everyone)

    def progress(self, module: ReplicaTraining) -> Progress:
        share, taken_s = self.share(module), time.monotonic() - self.started_s
        here = share - self.share_at_start
        return Progress(
            update=module.done or 0, updates=module.budget.updates, replicas=len(self.everyone),
            solved=sum(one.status == "solved" for one in self.everyone),
            diverged=sum(one.status == "diverged" for one in self.everyone),
            share=share, whole_s=taken_s / here if here >= ENOUGH else None,
        )  # fmt: skip
