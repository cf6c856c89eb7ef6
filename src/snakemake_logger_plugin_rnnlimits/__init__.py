"""Snakemake's screen for a run of rnnlimits: `logger: rnnlimits` in a profile.

Snakemake finds a logger plugin by the name of its module.  This one hands what Snakemake says to
rnnlimits.execution.run_events.  A dry run and `--verbose` show everything, as Snakemake itself does.
"""

import itertools
import sys
from importlib.util import find_spec
from logging import ERROR, Handler, LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase


class LogHandler(LogHandlerBase):
    """What Snakemake calls; imported with every `snakemake`, so it loads nothing before a run begins."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        asked = self.common_settings
        self.plain = None
        if asked.dryrun or asked.verbose or asked.debug_dag:
            self.plain = as_snakemake_does(asked)
            return
        from rnnlimits.execution.run_events import RunEvents
        from rnnlimits.execution.status_line import StatusLine

        quiet = {what.name for what in asked.quiet or ()}
        self.status = StatusLine()
        self.events = RunEvents(self.status, quiet=bool(quiet & {"ALL", "PROGRESS"}))

    def emit(self, record: LogRecord) -> None:
        """One record; Snakemake's own thread for its loggers calls this."""
        try:
            if self.plain:
                self.plain.handle(with_user_error(record))
            else:
                self.events.take(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """The run is over: nothing is left below the last line."""
        if self.plain is None:
            self.status.close()
        super().close()


def with_user_error(record: LogRecord) -> LogRecord:
    """A record that says in one line what a user got wrong, also in a dry run."""
    if record.levelno >= ERROR:
        from rnnlimits.execution.run_events import user_error

        record.msg = user_error(record.getMessage()) or record.msg
    return record


def refuse_without_executor(arguments: list[str]) -> None:
    """Told before Snakemake reads the profile: it would show eighty lines of its options instead."""
    asked = {one.rpartition("=")[2].rstrip("/").rpartition("/")[2] for one in profiles(arguments)}
    if "slurm" in asked and find_spec("snakemake_executor_plugin_slurm") is None:
        sys.exit(
            "slurm: Snakemake's plugin for SLURM is not installed here; install it with `pip install "
            "--constraint requirements.lock snakemake-executor-plugin-slurm` (docs/cluster.md)"
        )


def profiles(arguments: list[str]) -> list[str]:
    """
    >>> profiles(["snakemake", "--cores", "2", "--workflow-profile", "slurm", "-e=local"])
    ['slurm', '-e=local']
    """
    keys = ("--workflow-profile", "--profile", "--executor", "-e")
    after = [value for key, value in itertools.pairwise(arguments) if key in keys]
    return after + [one for one in arguments if one.startswith(tuple(f"{key}=" for key in keys))]


def as_snakemake_does(asked: Any) -> Handler:
    """Snakemake's own handler, as its LoggerManager makes it."""
    from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

    stream = sys.stdout if asked.stdout else sys.stderr
    handler: Handler = ColorizingTextHandler(nocolor=asked.nocolor, stream=stream)
    handler.addFilter(
        DefaultFilter(asked.quiet, asked.debug_dag, asked.verbose, asked.dryrun, asked.printshellcmds)
    )
    handler.setFormatter(DefaultFormatter(asked.quiet, asked.show_failed_logs))
    return handler


if Path(sys.argv[0]).name == "snakemake":
    refuse_without_executor(sys.argv)
