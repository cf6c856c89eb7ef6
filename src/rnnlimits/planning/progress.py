"""What a training says of itself while it runs: one small file beside its checkpoint, for whoever watches.

    {"diverged": 1, "replicas": 10, "share": 0.6, "solved": 3, "update": 1200, "updates": 2000, "whole_s": 71}

It is there whole or not at all, and goes when the rows are written.  Nothing that a job computes reads it.
"""

import contextlib
import dataclasses
import json
from pathlib import Path

from rnnlimits.storage import whole_files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """
    >>> print(Progress(update=1200, updates=2000, replicas=10, solved=3, diverged=1, share=0.6, whole_s=71))
    update 1,200 of 2,000, 3 of 10 solved, 1 diverged
    """

    update: int  # made so far by the replicas that are trained now
    updates: int  # of the budget
    replicas: int  # seeds times learning rates, of the whole job
    solved: int
    diverged: int
    share: float  # 0..1: of the job's training that is done, if nothing stops early
    whole_s: float | None  # seconds that all of it takes at the present speed; None: too early to say

    def __str__(self) -> str:
        diverged = f", {self.diverged} diverged" if self.diverged else ""
        return (
            f"update {self.update:,} of {self.updates:,}, {self.solved} of {self.replicas} solved{diverged}"
        )

    def write(self, path: Path) -> None:
        """A full disk costs the line that somebody would have read, and not the training."""
        with contextlib.suppress(OSError):
            whole_files.write_text(path, json.dumps(dataclasses.asdict(self), sort_keys=True) + "\n")


def read(path: Path) -> Progress | None:
    """What a file says; None where there is none, or where another version has written it."""
    try:
        return Progress(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remove(path: Path) -> None:
    """The file, and what a process that was killed while it wrote has left of one."""
    for file in (path, *path.parent.glob(f".{path.name}.*.part")):
        file.unlink(missing_ok=True)
