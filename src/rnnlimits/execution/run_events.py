"""What Snakemake says of a run, as a person wants to read it.

Everything that it says is in its log file, with each job's reason and command.  On the screen stand a status
line, what went wrong with the last lines of the job's log, and what Snakemake warns of.
"""

import re
from collections import deque
from logging import ERROR, WARNING, LogRecord
from pathlib import Path
from typing import Any

from rnnlimits.execution import run_progress
from rnnlimits.execution.run_progress import RunProgress
from rnnlimits.execution.status_line import StatusLine

RUN = "rnnlimits_run"  # the attribute of a log record by which the Snakefile hands over its RunProgress
TOLD = "rnnlimits_told"  # of a record that is meant for the person
LAST_LINES = 15  # of a failed job's log
LONGEST_LINE = 400
# Before a run begins, Snakemake says what is of interest to nobody but itself.
NOISE = (
    "Building DAG of jobs", "Using shell: ", "Provided ", "Rules claiming more threads", "Job stats:",
    "Conda environments: ", "Singularity containers: ", "Assuming unrestricted shared filesystem", "host: ",
    "Select jobs to execute", "SLURM run ID: ", "MinJobAge ", "Group jobs: ",
)  # fmt: skip
REFERS_TO_LOGS = "For further error details see the cluster/cloud log"  # `broke` shows their ends
MISSING = re.compile(r"^FileNotFoundError: .*: '(.*)'$", re.MULTILINE)
STOPPING = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
ALSO_TOLD = ("Trying to restart job", "Nothing to be done")


class RunEvents:
    """Takes the records of Snakemake's logger, in their order, and shows what is worth it."""

    def __init__(self, status: StatusLine, quiet: bool = False):
        self.status = status
        self.quiet = quiet  # errors alone
        self.run: RunProgress | None = None
        self.begun = False
        self.stopping = False
        self.failed = False
        self.names: dict[int, str] = {}  # of Snakemake's numbers of jobs

    def take(self, record: LogRecord) -> None:
        """One record, whatever it is about."""
        if found := getattr(record, RUN, None):
            self.begin(found, record.getMessage())
        elif (event := getattr(record, "event", None)) and str(event) != "error":
            known = {"job_info": self.started, "job_finished": self.finished, "job_error": self.broke}
            if act := known.get(str(event)):
                act(vars(record))
        else:
            self.text(record)

    def begin(self, run: RunProgress, said: str) -> None:
        self.run, self.begun = run, True
        if not self.quiet:
            self.status.say(said)
            self.status.follow(run.line)

    def started(self, job: dict[str, Any]) -> None:
        name = run_progress.job_name(job["rule_name"], dict(job["wildcards"]))
        self.names[job["jobid"]] = name
        if self.run:
            self.run.begin(name)

    def finished(self, job: dict[str, Any]) -> None:
        if self.run and (name := self.names.get(job["job_id"])):
            self.run.end(name)

    def broke(self, job: dict[str, Any]) -> None:
        name = self.names.get(job["jobid"], job["rule_name"])
        if self.run:
            self.run.fail(name)
        if self.stopping:  # it was told to end
            return
        self.failed = True
        # A cluster's executor says here how the job ended there (cancelled, over its time limit, ...).
        told, _, _ = (job.get("rule_msg") or "").partition(REFERS_TO_LOGS)
        self.status.say(": ".join(filter(None, ["failed", name, told.strip()])))
        for file in job["log"] or []:
            if lines := last_lines(Path(file)):
                self.status.say("\n".join([f"  the end of {file}:", *(f"    {line}" for line in lines)]))

    def text(self, record: LogRecord) -> None:
        """What is no event: most of it is for the log file alone."""
        said = record.getMessage()
        if said.startswith(STOPPING):
            self.stop()
        elif getattr(record, TOLD, False):  # the last words
            self.status.close()
            if not self.quiet:
                self.status.say(said)
        elif self.stopping or said in ("", "None"):
            return
        elif record.levelno >= ERROR:
            # Snakemake shows the whole command, a screen of JSON; `broke` has said what matters of it.
            if "CalledProcessError" not in said:
                self.status.say(user_error(said) or said)
        elif self.quiet:
            return
        elif record.levelno >= WARNING or self.wanted(said):
            self.status.say(said)

    def wanted(self, said: str) -> bool:
        if said.startswith(ALSO_TOLD) or (self.failed and said.startswith("Complete log")):
            return True
        return not self.begun and not said.startswith(NOISE)

    def stop(self) -> None:
        """Ctrl-C, or SIGTERM: the jobs at work have been told, too, and keep what they have learned."""
        self.stopping = True
        self.status.close()
        self.status.say("stopping: what is being trained is saved; the same command goes on from there")


def user_error(said: str) -> str | None:
    """One line where Snakemake shows a traceback for what a user got wrong; else None."""
    if "load_configfile" in said and (found := MISSING.search(said)):
        return f"--configfile {found[1]}: there is no such file; those that come with it are in config/"
    return None


def last_lines(file: Path) -> list[str]:
    """The end of a job's log, each line short enough to be read."""
    try:
        with file.open(encoding="utf-8", errors="replace") as log:
            found = deque((line.rstrip("\n") for line in log), maxlen=LAST_LINES)
    except OSError:
        return []
    return [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..." for line in found]
