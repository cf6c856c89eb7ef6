"""One run at a time works in a results folder.

Snakemake's own lock stays behind when its process is killed and has to be removed by hand; this one is held
by the process and ends with it.  It is taken when jobs are about to start: a dry run needs none.
"""

import atexit
import sys
import time
from pathlib import Path

from rnnlimits.storage import locks

NAME = ".run.lock"


class RunLock:
    """Made where the run is planned, taken where it starts."""

    def __init__(self, results: str | Path):
        self.path = Path(results) / NAME
        # What is planned beside another run plans that run's work once more.
        self.rival = locks.holder(self.path) if locks.is_held(self.path) else None

        self.taken_s = time.monotonic()

    @property
    def held_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.taken_s

    def take(self) -> None:
        """Until this process ends; otherwise one line and exit code 1."""
        try:
            lock = locks.take(self.path)
        except OSError as error:
            sys.exit(str(error))
        if lock is None:
            sys.exit(f"{self.refusal(locks.holder(self.path))} works here; wait for its end, or stop it")
        if self.rival:
            locks.let_go(self.path, lock)
            sys.exit(
                f"{self.refusal(self.rival)} was still at work when this run was planned; start it again"
            )
        self.taken_s = time.monotonic()
        atexit.register(locks.let_go, self.path, lock)

    def refusal(self, who: str) -> str:
        return f"{self.path.parent}: another run ({who})"
