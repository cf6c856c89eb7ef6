"""`rnnlimits ...` in a fork of the test, which has imported everything: a job that starts at once."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rnnlimits import cli
from rnnlimits.execution import prefork_server

Before = Callable[[], object]


class ForkedJob:
    """`before` is called in the job, to do there what the test is about."""

    def __init__(self, arguments: list[str], log: Path, before: Before = lambda: None):
        self.log = log
        self.pid = os.fork()
        if self.pid == 0:
            out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")  # pytest's are buffers of its own
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            sys.argv = ["rnnlimits", *arguments]
            before()
            prefork_server.end_as(cli.main)

    def wait(self) -> int:
        """The exit code; -9 for one that was killed."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> int:
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()
