"""The process that forks for every training job: same rows, same ends, and nothing is left of it."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rnnlimits import rows
from rnnlimits.execution import prefork
from rnnlimits.planning import grid
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from rnnlimits.storage import locks

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every job is a process of its own"),
    pytest.mark.xdist_group("prefork"),
]
SHARDS = grid.shards(load("config/smoke.yaml"))
SHARD = next(shard for shard in SHARDS if shard.variant == "gru" and shard.probes and shard.updates)
WAIT_S = 60  # for what takes a moment on an idle machine


@dataclass
class Run:
    """What a Snakemake is to its jobs: a process that lives as long, and a variable in their environment."""

    snakemake: subprocess.Popen
    folder: Path

    @property
    def token(self) -> str:
        return f"{self.snakemake.pid}.0123abcd"

    @property
    def private(self) -> Path:
        return Path(tempfile.gettempdir()) / f"rnnlimits-{self.token}"

    def start(self, out: str, shard: Shard | str = SHARD, **variables: str) -> subprocess.Popen:
        spec = shard if isinstance(shard, str) else shard.to_json()
        return subprocess.Popen(
            [sys.executable, "-m", "rnnlimits.cli", "train", "--spec", spec, "--out", out],
            cwd=self.folder,
            env=os.environ | {prefork.VARIABLE: self.token} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def train(self, out: str, shard: Shard | str = SHARD, **variables: str) -> tuple[int, str]:
        """(exit code, stderr) of a job, but for its progress."""
        job = self.start(out, shard, **variables)
        said = job.communicate()[1].splitlines(keepends=True)
        return job.returncode, "".join(line for line in said if not line.startswith("training: update "))

    def facts(self, out: str) -> dict:
        return rows.read_provenance(self.folder / out)["shards"][SHARD.id]

    def processes(self) -> dict[int, int]:
        """The server and its jobs, each with its parent."""
        found = {}
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    self.token in (place / "cmdline").read_text()
                    and "prefork" in (place / "cmdline").read_text()
                ):
                    found[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended meanwhile
        return found

    def servers(self) -> list[int]:
        found = self.processes()
        return [pid for pid, parent in found.items() if parent not in found]

    @property
    def endless_spec(self) -> str:
        """Of a job that would train for hours, once it trains."""
        spec = json.loads(SHARD.to_json())
        spec["budget"] |= {"updates": 10**6, "validate_every": 10**6}
        return json.dumps(spec)

    def endless(self, out: str, **variables: str) -> subprocess.Popen:
        job = self.start(out, self.endless_spec, **variables)
        until(lambda: is_written(self.folder / out))
        return job


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_written(out: Path) -> bool:
    """Does some process hold the lock of a rows file?"""
    return locks.is_held(out.with_name(f".{out.name}.lock"))


@pytest.fixture
def run(tmp_path) -> Iterator[Run]:
    with subprocess.Popen(["sleep", "1000"]) as snakemake:
        started = Run(snakemake, tmp_path)
        yield started
        snakemake.kill()
    until(lambda: not started.processes())
    assert not started.private.exists()


def test_a_job_is_the_same_in_a_fork_and_alone(run):
    assert run.train("forked.parquet") == (0, "")
    assert run.train("alone.parquet", RNNLIMITS_PREFORK="0") == (0, "")
    digests = {rows.content_digest(run.folder / f"{name}.parquet") for name in ("forked", "alone")}
    assert len(digests) == 1
    forked, alone = run.facts("forked.parquet"), run.facts("alone.parquet")
    assert (forked["prefork"], alone["prefork"]) == (True, False)
    assert forked["seconds_total"] > forked["seconds_import"] > 0, "the first job waits for the imports"
    (server,) = run.servers()
    assert run.train("again.parquet")[0] == 0
    assert run.servers() == [server]
    assert run.facts("again.parquet")["seconds_import"] < forked["seconds_import"]


def test_jobs_that_start_together_share_one_server_without_threads(run):
    jobs = [run.start(f"{number}.parquet") for number in range(3)]
    assert [job.wait() for job in jobs] == [0, 0, 0]
    assert all(run.facts(f"{number}.parquet")["prefork"] for number in range(3))
    (server,) = run.servers()
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1, "a thread would be missing in the forks"
    assert run.private.stat().st_mode & 0o777 == 0o700


def test_what_goes_wrong_in_a_fork_stands_in_the_jobs_own_log(run):
    code, said = run.train("out.parquet", "{}")
    assert (code, said.splitlines()) == (1, said.splitlines()[:1])
    assert said.startswith("--spec: these fields of a shard are missing")
    code, said = run.train("out.parquet", "{}", RNNLIMITS_TRACEBACK="1")
    assert code == 1
    assert said.startswith("Traceback"), "the variable reaches the fork"
    assert len(run.servers()) == 1


def test_a_signal_to_the_client_ends_the_job(run):
    job = run.endless("out.parquet")
    job.terminate()
    # Before the training the signal kills; in it Lightning ends the step first, and then the job.
    assert job.wait(WAIT_S) in (-signal.SIGTERM, 128 + signal.SIGTERM)
    assert not is_written(run.folder / "out.parquet")
    assert not (run.folder / "out.parquet").exists()
    assert len(run.processes()) == 1, "the server is left"


def test_a_client_dies_of_what_its_job_died_of(run):
    job = run.endless("out.parquet")
    (server,) = run.servers()
    (fork,) = set(run.processes()) - {server}
    os.kill(fork, signal.SIGKILL)
    assert job.communicate()[1].startswith("killed (SIGKILL), by somebody or, where memory ran out, by the")
    assert job.returncode == -signal.SIGKILL


def test_a_killed_client_takes_its_job_with_it(run):
    run.endless("out.parquet").kill()
    until(lambda: not is_written(run.folder / "out.parquet"))
    assert len(run.processes()) == 1, "the server is left"


def test_a_killed_server_is_told_and_replaced(run):
    job = run.endless("out.parquet")
    (server,) = run.servers()
    os.kill(server, signal.SIGKILL)
    assert job.communicate()[1].startswith("the process that runs the jobs was killed, this job with it")
    assert job.returncode == 1
    until(lambda: not is_written(run.folder / "out.parquet"))
    assert run.train("out.parquet") == (0, "")
    assert run.facts("out.parquet")["prefork"]
    assert run.servers() != [server]


def test_a_job_that_outlives_its_snakemake_keeps_the_server_alive_and_no_other_uses_it(run):
    job = run.endless("out.parquet")
    run.snakemake.kill()
    run.snakemake.wait()
    assert run.train("other.parquet") == (0, "")
    assert not run.facts("other.parquet")["prefork"]
    assert len(run.servers()) == 1
    job.terminate()
    job.wait()


def test_an_edit_or_another_variable_needs_another_server(tmp_path, monkeypatch):
    (tmp_path / "page.py").touch()
    monkeypatch.setattr(prefork, "PACKAGE", tmp_path)
    states = [prefork.state()]
    monkeypatch.setenv("UNRELATED", "1")
    assert [prefork.state()] == states
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    states.append(prefork.state())
    os.utime(tmp_path / "page.py", (1, 1))
    states.append(prefork.state())
    assert len(set(states)) == 3


def socket_of(run: Run) -> str:
    (path,) = run.private.glob("*.socket")
    return str(path)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"\0",
        b"\xff" * 64,
        struct.pack("!q", 2**62),
        struct.pack("!q", 2) + b"[]",
        struct.pack("!q", 2) + b"{}",
    ],
    ids=["nothing", "half a size", "a negative size", "an absurd size", "a list", "no fields"],
)
def test_nonsense_from_a_client_ends_no_job(run, request_bytes):
    job = run.endless("out.parquet")
    (server,) = run.servers()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(socket_of(run))
        client.sendall(request_bytes)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(WAIT_S)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(8) == b""
    assert run.servers() == [server]
    assert job.poll() is None
    assert run.train("other.parquet") == (0, "")
    assert run.facts("other.parquet")["prefork"]
    job.terminate()
    job.wait()


def test_a_byte_that_is_no_signal_of_a_client_ends_no_job(run):
    job = run.endless("out.parquet")
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(socket_of(run))
    argv = ["rnnlimits", "train", "--spec", run.endless_spec, "--out", str(run.folder / "other.parquet")]
    prefork.send(
        connection,
        {
            "argv": argv,
            "folder": str(run.folder),
            "environment": dict(os.environ),
            "asked_s": time.monotonic(),
        },
    )
    fork = prefork.receive_number(connection)
    connection.sendall(bytes([0, 255, 64, 200, signal.SIGKILL]))
    time.sleep(0.5)
    assert job.poll() is None
    assert Path(f"/proc/{fork}").exists()
    connection.sendall(bytes([signal.SIGTERM]))
    assert os.waitstatus_to_exitcode(prefork.receive_number(connection)) in (-signal.SIGTERM, 143)
    connection.close()
    job.terminate()
    job.wait()


def test_a_folder_of_somebody_else_is_not_used(run):
    run.private.mkdir(mode=0o755)
    assert run.train("out.parquet") == (0, "")
    assert not run.facts("out.parquet")["prefork"]
    run.private.rmdir()


def test_only_a_snakemake_of_many_jobs_offers_a_server(monkeypatch):
    monkeypatch.setenv(prefork.VARIABLE, "1.00000000")  # of the Snakemake that sent this one to a cluster
    prefork.offer(to_many_jobs=True)
    assert os.environ[prefork.VARIABLE].startswith(f"{os.getpid()}.")
    prefork.offer(to_many_jobs=False)
    assert os.environ[prefork.VARIABLE] == "0"
    prefork.offer(to_many_jobs=True)
    assert os.environ[prefork.VARIABLE] == "0", "switched off stays off"


def test_a_variable_that_nobody_understands_is_one_line(run):
    code, said = run.train("out.parquet", RNNLIMITS_PREFORK="yes")
    assert (code, said) == (
        1,
        "RNNLIMITS_PREFORK: got 'yes'; expected 0, or nothing, for the Snakefile to set\n",
    )
