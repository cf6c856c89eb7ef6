"""One job: a shard, and everything that this machine adds to it.

`rnnlimits train` makes it of its options, and whatever runs takes it whole.  The shard decides the numbers.
Two of the other fields round them differently, the device and `tf32`; the provenance of the rows has both.
"""

from dataclasses import dataclass
from pathlib import Path

from rnnlimits.planning.parts import in_words
from rnnlimits.planning.shard import Shard


@dataclass(frozen=True, kw_only=True)
class Job:
    """A shard with the place of its rows, and the means that its training has."""

    shard: Shard
    out: Path  # the rows file to write
    rows: Path | None = None  # the folder of other shards' rows; only a refit reads them
    keep_weights: str = "none"  # chosen, all or none: of which replicas the weights stay, beside the rows
    log: Path | None = None  # a folder for the numbers of every update; None: none are kept
    log_as: str = "csv"  # by which of Lightning's loggers: csv, tensorboard, wandb or mlflow
    device: str = "cpu"  # cpu or cuda: where it trains; probes and simulations run on the CPU
    tf32: bool = False  # products on a GPU with 10 bits instead of 23
    jobs_per_gpu: int = 1  # how many jobs of this machine share a GPU
    memory_mb: float = 0  # MiB that this job may use; 0: found where it runs
    checkpoints: Path | None = None  # a folder for what a killed training goes on from; None: it starts anew
    code: str | None = None  # the fingerprint that was planned; None: nobody has planned it
    checkpoint_elsewhere: str = "restart"  # or "refuse": with that of a machine that rounds differently
    checkpoint_every_s: float = 60.0  # seconds of training between two checkpoints; 0: none is written
    seeds: range | None = None  # of a part of the shard, for which `out` is no rows file; None: all of them
    parts: tuple[
        Path, ...
    ] = ()  # what the parts of the shard have left, to be joined; none: it is trained here

    @property
    def on_gpu(self) -> bool:
        """Does it take a GPU?  What trains nothing does not, whatever the device."""
        return self.device == "cuda" and self.shard.updates > 0

    @property
    def runs_on(self) -> str:
        """cuda or cpu; what trains nothing needs no GPU to be there."""
        return "cuda" if self.on_gpu else "cpu"

    @property
    def checkpoint_path(self) -> Path | None:
        """The file that its training goes on from; None where no checkpoint is written."""
        if self.checkpoints is None or not self.checkpoint_every_s:
            return None
        return self.checkpoints / f"{self._name}.checkpoint"

    @property
    def progress_path(self) -> Path | None:
        """The file in which its training says how far it is; None where nobody has asked for one."""
        return None if self.checkpoints is None else self.checkpoints / f"{self._name}.progress"

    @property
    def _name(self) -> str:
        """Of its shard, and of its seeds where they are a part of them."""
        return f"{self.shard.id}.seeds_{in_words(self.seeds)}" if self.seeds else self.shard.id
