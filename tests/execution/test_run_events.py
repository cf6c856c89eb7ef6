"""What of Snakemake's words a person sees: what went wrong, and no screens of JSON."""

import io
import logging
from types import SimpleNamespace

import pytest

from rnnlimits.execution.run_events import LAST_LINES, RUN, TOLD, RunEvents
from rnnlimits.execution.status_line import StatusLine


class Screen(RunEvents):
    """Events whose words are kept; `tell` is one record of Snakemake's logger."""

    def __init__(self, **options):
        super().__init__(StatusLine(io.StringIO()), **options)

    def tell(self, message: str = "", level: int = logging.INFO, **extra) -> None:
        record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
        vars(record).update(extra)
        self.take(record)

    @property
    def seen(self) -> str:
        return self.status.stream.getvalue()


class Run(SimpleNamespace):
    """Notes what it is told."""

    def __init__(self):
        super().__init__(noted=[], line=lambda: "61 % done")

    def begin(self, name: str) -> None:
        self.noted.append(("begin", name))

    def end(self, name: str) -> None:
        self.noted.append(("end", name))

    def fail(self, name: str) -> None:
        self.noted.append(("fail", name))


@pytest.fixture
def screen():
    made = Screen()
    yield made
    made.status.close()


def start(screen: Screen, jobid: int = 3, rule: str = "train", **wildcards: str) -> None:
    screen.tell(event="job_info", jobid=jobid, rule_name=rule, wildcards=wildcards)


def failed(screen: Screen, log, jobid: int = 3, rule: str = "train", message: str | None = None) -> None:
    screen.tell(
        "Error in rule", logging.ERROR, event="job_error", jobid=jobid, rule_name=rule, log=[str(log)],
        rule_msg=message,
    )  # fmt: skip


def test_a_run_is_followed_from_its_first_line_on(screen):
    run = Run()
    screen.tell("starts: 36 jobs", **{RUN: run})
    start(screen, 3, shard="memory.adding.gru.h8.t10")
    start(screen, 4, "table")
    screen.tell(event="job_finished", job_id=3)
    assert run.noted == [
        ("begin", "memory.adding.gru.h8.t10"), ("begin", "table"), ("end", "memory.adding.gru.h8.t10"),
    ]  # fmt: skip
    assert screen.seen == "starts: 36 jobs\n"


def test_commands_reasons_and_snakemakes_small_talk_are_not_on_the_screen(screen):
    screen.tell("Building DAG of jobs...")
    screen.tell("starts: 36 jobs", **{RUN: Run()})
    start(screen, shard="a")
    screen.tell("Shell command: rnnlimits train --spec '{...}'", event="shellcmd")
    screen.tell(event="job_started", jobs=[3])
    screen.tell("Select jobs to execute...")
    screen.tell("Removing output files of failed job train")
    assert screen.seen == "starts: 36 jobs\n"


def test_a_job_that_fails_shows_the_end_of_its_log_and_not_its_command(screen, tmp_path):
    log = tmp_path / "a.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)) + "why\n")
    screen.tell("starts", **{RUN: Run()})
    start(screen, shard="a.b")
    screen.tell("RuleException:\nCalledProcessError in file ...: {spec}", logging.ERROR)
    failed(screen, log)
    screen.tell("Trying to restart job 3.")
    screen.tell("Complete log(s): /somewhere/x.snakemake.log")
    said = screen.seen.splitlines()
    assert said[1:3] == ["failed: a.b", f"  the end of {log}:"]
    assert said[3 : 3 + LAST_LINES] == [*(f"    line {n}" for n in range(31 - LAST_LINES, 30)), "    why"]
    assert said[3 + LAST_LINES :] == [
        "Trying to restart job 3.", "Complete log(s): /somewhere/x.snakemake.log",
    ]  # fmt: skip


def test_a_job_that_a_cluster_ended_says_how(screen, tmp_path):
    screen.tell("starts", **{RUN: Run()})
    start(screen, shard="a.b")
    how = "SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. Reason: None."
    # Snakemake adds the second sentence, without a space between them.
    failed(screen, tmp_path / "a.log", message=f"{how}For further error details see the cluster/cloud log")
    assert screen.seen.splitlines()[1:] == [f"failed: a.b: {how}"]


def test_a_run_that_is_stopped_says_that_the_same_command_goes_on_and_nothing_else(screen, tmp_path):
    (tmp_path / "a.log").write_text("Aborted.\n")
    screen.tell("starts", **{RUN: Run()})
    start(screen, shard="a.b")
    screen.tell("Terminating processes on user request, this might take some time.")
    failed(screen, tmp_path / "a.log")
    screen.tell("WorkflowError:\nAt least one job did not complete successfully.", logging.ERROR)
    screen.tell("Complete log(s): /somewhere/x.snakemake.log")
    assert screen.seen.splitlines() == [
        "starts",
        "stopping: what is being trained is saved; the same command goes on from there",
    ]


def test_errors_and_warnings_are_always_told(screen):
    screen.tell("the disk is full", logging.ERROR)
    screen.tell("a clock is wrong", logging.WARNING)
    assert screen.seen == "the disk is full\na clock is wrong\n"


def test_an_error_that_is_an_event_is_told_too(screen):
    screen.tell("AmbiguousRuleException: two rules", logging.ERROR, event="error")
    assert screen.seen == "AmbiguousRuleException: two rules\n"


def test_a_missing_config_file_is_one_line_and_other_missing_files_keep_their_traceback(screen):
    missing = "FileNotFoundError: [Errno 2] No such file or directory: 'config/nope.yaml'"
    screen.tell(f"Traceback\n  in load_configfile\n{missing}\n", logging.ERROR, event="error")
    screen.tell(f"Traceback\n  in elsewhere\n{missing}", logging.ERROR, event="error")
    assert screen.seen == (
        "--configfile config/nope.yaml: there is no such file; those that come with it are in config/\n"
        f"Traceback\n  in elsewhere\n{missing}\n"
    )


def test_what_is_no_run_is_told_as_snakemake_tells_it(screen):
    screen.tell("Nothing to be done (all requested files are present and up to date).")
    screen.tell("Unlocked working directory.")
    assert len(screen.seen.splitlines()) == 2


def test_a_quiet_run_shows_nothing_but_errors():
    screen = Screen(quiet=True)
    screen.tell("starts: 36 jobs", **{RUN: Run()})
    screen.tell("Nothing to be done.")
    screen.tell("done in 3 min", **{TOLD: True})
    assert screen.seen == ""
    screen.tell("the disk is full", logging.ERROR)
    assert screen.seen == "the disk is full\n"


def test_the_last_words_stand_below_everything(screen):
    screen.tell("starts: 36 jobs", **{RUN: Run()})
    screen.tell("done in 3 min\nopen report.html", **{TOLD: True})
    screen.status.show()
    assert screen.seen == "starts: 36 jobs\ndone in 3 min\nopen report.html\n"
