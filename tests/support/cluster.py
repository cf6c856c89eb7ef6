"""What the tests do on the made-up cluster: run copies of the repository through it, catch their jobs."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rnnlimits import rows
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from support.repository_copy import ROOT, Copy, fresh

SLURM = ROOT / "tests" / "cluster" / "slurm.sh"
PATIENCE_S = 900  # for anything to happen; never how long something may take
PROFILE = ("--workflow-profile", "profiles/slurm")
SOONER = ("--slurm-init-seconds-before-status-checks", "2")  # than users need it
ONE_SHARD = """
name: one
results: results/one
checkpoint_every_s: 1
studies:
  one:
    title: Does a job that is disturbed end with the same rows?
    kind: training
    tasks: {adding: {}}
    architectures: {elman: {}}
    lengths: [50]
    hidden_sizes: [16]
    seeds: 2
    learning_rates: [1.0e-3, 1.0e-2]
    budget: {updates: 6000, batch_size: 16, validate_every: 100, validation_sequences: 32, test_sequences: 32}
"""
Found = TypeVar("Found")


def slurm(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def wait_for(found: Callable[[], Found], what: str) -> Found:
    """Looks again until there is something to return."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError(f"after {PATIENCE_S} s there is still not: {what}")


@dataclass
class Trainer:
    """A process that trains a shard inside a job."""

    pid: int
    job: str
    node: str

    def pause(self) -> None:
        """So that it cannot end before it is disturbed; SLURM wakes what it kills."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


def job_facts(job: str) -> dict[str, str]:
    return dict(re.findall(r"(\S+?)=(\S*)", slurm("scontrol", "show", "job", job, "--oneliner")))


class Submitted:
    """A copy of the repository, whose Snakemake sends its jobs to SLURM."""

    def __init__(self, folder: Path, config: str = ONE_SHARD):
        self.copy: Copy = fresh(folder)
        self.folder = folder
        (folder / "config" / "tested.yaml").write_text(config)
        self.log = folder / "snakemake.log"
        self.main: subprocess.Popen | None = None

    def start(self, *arguments: str, partition: str = "main", config: str = "config/tested.yaml") -> None:
        resources = ("--default-resources", f"slurm_partition={partition}", "mem_mb=600", "runtime=10")
        command = [sys.executable, "-m", "snakemake", *self.targets(config), *PROFILE, *SOONER, *resources]
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "src")}
        with self.log.open("a") as log:
            self.main = subprocess.Popen(
                [*command, "--configfile", config, *arguments],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def targets(self, config: str = "config/tested.yaml") -> list[str]:
        """All rows and no tables; `--until train` would stop before a shard that reads other shards' rows."""
        loaded = load(self.folder / config)
        return [f"{loaded.results}/rows/{shard.id}.parquet" for shard in grid.shards(loaded)]

    def finish(self) -> str:
        """What it printed, once it has ended well."""
        assert self.main is not None
        code = self.main.wait(PATIENCE_S)
        printed = self.log.read_text()
        assert code == 0, printed[-6000:]
        return printed

    def trainer(self) -> Trainer:
        """The process that trains now, and has left something to go on from."""

        def at_work() -> Trainer | None:
            if not list(self.folder.glob("results/*/checkpoints/*.checkpoint")):
                return None
            for pid in processes():
                if self.trains(pid):
                    environment = environment_of(pid)
                    return Trainer(pid, environment["SLURM_JOB_ID"], environment["SLURMD_NODENAME"])
            return None

        return wait_for(at_work, f"a training process of {self.folder}\n{self.log.read_text()[-3000:]}")

    def trains(self, pid: int) -> bool:
        command = read(pid, "cmdline").split("\0")
        return "train" in command and "--spec" in command and folder_of(pid) == self.folder

    def digests(self) -> dict[str, str]:
        files = self.folder.glob("results/*/rows/*.parquet")
        return {path.name: rows.content_digest(path) for path in files}

    @property
    def said(self) -> str:
        """By the job that trains, or waits to train."""
        return "".join(path.read_text() for path in self.folder.glob("results/*/logs/*.log"))

    def provenance(self) -> dict[str, dict]:
        files = self.folder.glob("results/*/rows/*.parquet")
        found = [rows.read_provenance(path)["shards"] for path in files]
        return {shard: facts for one in found for shard, facts in one.items()}

    def end(self) -> None:
        """Nothing is left over, whatever the test did."""
        if self.main is not None and self.main.poll() is None:
            self.main.kill()
            self.main.wait()
        for job in slurm("squeue", "--noheader", "--format", "%i %Z").splitlines():
            number, folder = job.split(maxsplit=1)
            if Path(folder) == self.folder:
                subprocess.run(["scancel", "--full", "--signal", "KILL", number], stderr=subprocess.DEVNULL)
                subprocess.run(["scancel", number], stderr=subprocess.DEVNULL)


def processes() -> Iterator[int]:
    yield from (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def read(pid: int, file: str) -> str:
    """Empty for a process that has gone."""
    try:
        return (Path("/proc") / str(pid) / file).read_text(errors="replace")
    except OSError:
        return ""


def folder_of(pid: int) -> Path | None:
    try:
        return (Path("/proc") / str(pid) / "cwd").readlink()
    except OSError:
        return None


def environment_of(pid: int) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in read(pid, "environ").split("\0"))
    return {name: value for name, _, value in pairs}


def crash(node: str) -> None:
    """What a power cut does to a node: its daemon and everything that runs there is gone at once."""
    daemon = int(Path(f"/run/slurm/{node}.pid").read_text())
    os.kill(daemon, signal.SIGKILL)
    jobs = slurm("squeue", "--noheader", "--nodelist", node, "--format", "%i").split()
    for pid in processes():
        steps = re.match(r"slurmstepd: \[(\d+)", read(pid, "cmdline"))
        of_node = environment_of(pid).get("SLURMD_NODENAME") == node
        if of_node or (steps and steps[1] in jobs):
            os.kill(pid, signal.SIGKILL)
