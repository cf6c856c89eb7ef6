"""The import server's side of prefork.py: what it has imported, and what becomes of its forks."""

import atexit
import contextlib
import dataclasses
import gc
import importlib
import json
import math
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from rnnlimits.execution import prefork
from rnnlimits.execution.prefork import locked, receive
from rnnlimits.storage.stamps import stamps, touched

IDLE_S = 60.0
TERMINATE_S = 5.0  # between asking the job of a lost client to end, and killing it
SIGNALS = {*prefork.FORWARDED}
REQUEST_BYTES = 2**24  # arguments and environment; the system allows a few MiB
REQUEST_S = 10.0  # a client that takes longer to say what it wants is dropped
# Names, so that whoever imports this module imports none of them; what is missing here is missing in the job.
IMPORTS = (
    "torch._dynamo",  # the first step of an optimiser would import it
    "torch.profiler",  # the first fit of Lightning
    "lightning.pytorch",
    "pyarrow.parquet",
    "sklearn.datasets",
    "rnnlimits.planning.shard_form",
    "rnnlimits.training.protocol",
    "rnnlimits.training.trainer",
    "rnnlimits.training.simulation",
)
LOOPS = "rnnlimits.architectures.kernels"  # the files in it whose names begin so
PAGES = ("architectures", "tasks", "probes", "simulations")


def main(command: Callable[[], None]) -> None:
    """The server; and, in each process that it forks, the command."""
    # A thread of Arrow's would be the only one in the server, and be missing in its forks.
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    listener_fd, path, snakemake = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    server = Server(socket.socket(fileno=listener_fd), os.pidfd_open(snakemake), set(os.environ))
    asked_for, before = prefork.state() == path.stem, stamps(prefork.PACKAGE.rglob("*.py"))
    import_all()
    # Of code that was edited meanwhile nobody knows which version this is: each client runs its job itself.
    if asked_for and not touched(before) and server.serve():
        end_as(command)
    else:
        with locked(path.parent / "lock"), contextlib.suppress(OSError):
            path.unlink()
            (path.parent / "lock").unlink()
            path.parent.rmdir()


def end_as(command: Callable[[], None]) -> NoReturn:
    """Run it and end, without taking apart all that was imported: that would take 0.4 s."""
    code: Any = 1
    try:
        command()
        code = 0
    except SystemExit as leave:
        code = leave.code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def import_all() -> None:
    from rnnlimits import catalog
    from rnnlimits.execution import loaded_code
    from rnnlimits.planning import provenance

    files = provenance.files_in("training", *PAGES)
    loaded_code.drop_stale_bytecode(files)
    pages = [f"rnnlimits.{kind}.{name}" for kind in PAGES for name in catalog.names(kind)]
    loops = [f"{LOOPS}.{file.stem}" for file in files if file.stem.startswith("loops")]
    for name in (*IMPORTS, *loops, *pages):
        # Whatever is wrong with it: the jobs that need it will tell.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for file in files:  # every job reads them
        with contextlib.suppress(Exception):
            provenance.digest_of(file)
    # A collection would write into every object, and so copy the memory that the jobs share.
    gc.collect()
    gc.freeze()


@dataclasses.dataclass
class Job:
    pid: int
    end: int  # a pidfd: readable when the job has ended
    client: socket.socket
    kill_at_s: float = math.inf


class Server:
    def __init__(self, listener: socket.socket, snakemake: int, variables: set[str]):
        self.listener = listener
        self.snakemake = snakemake  # a pidfd: readable when Snakemake has ended
        self.variables = variables  # that it was started with; imports add some of their own
        self.jobs: list[Job] = []
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self.accept)
        self.selector.register(snakemake, selectors.EVENT_READ, self.retire)
        self.retired = False
        self.idle_since_s = time.monotonic()

    def serve(self) -> bool:
        """True in a job, which has become what its client was; False in the server, when it is over."""
        while self.jobs or not (self.retired or time.monotonic() > self.idle_since_s + IDLE_S):
            for key, _ in self.selector.select(timeout=1.0):
                if key.data():
                    return True
            for job in self.jobs:
                if time.monotonic() > job.kill_at_s:
                    os.kill(job.pid, signal.SIGKILL)
        return False

    def retire(self) -> None:
        """Snakemake has gone: no new jobs."""
        self.retired = True
        self.selector.unregister(self.snakemake)
        self.selector.unregister(self.listener)
        self.listener.close()

    def accept(self) -> bool:
        """Fork for a client; True in the fork."""
        if self.retired:
            return False
        client, _ = self.listener.accept()
        client.settimeout(REQUEST_S)
        files: list[int] = []
        try:
            request = received_request(client, files)
            pid = os.fork()
        except (OSError, ValueError, MemoryError, RecursionError):
            client.close()  # nothing has begun: the client does it itself
            for file in files:
                os.close(file)
            return False
        if pid == 0:
            self.close()
            client.close()
            become(request, files, self.variables)
            return True
        for file in files:
            os.close(file)
        self.watch(pid, client)
        return False

    def watch(self, pid: int, client: socket.socket) -> None:
        job = Job(pid, os.pidfd_open(pid), client)
        self.jobs.append(job)
        self.selector.register(job.end, selectors.EVENT_READ, lambda: self.finish(job))
        self.selector.register(client, selectors.EVENT_READ, lambda: self.listen(job))
        with contextlib.suppress(OSError):  # a client that has gone meanwhile is noticed by listen
            client.sendall(struct.pack("!q", pid))

    def listen(self, job: Job) -> None:
        """A client sends the numbers of the signals that it gets; when it is gone, so is the job."""
        if job not in self.jobs:  # it has just ended: its number may be another process's by now
            return
        try:
            numbers = job.client.recv(64)
        except OSError:
            numbers = b""
        for number in set(numbers or [signal.SIGTERM]) & SIGNALS:  # no other byte is one of our clients'
            os.kill(job.pid, number)
        if not numbers:
            job.kill_at_s = time.monotonic() + TERMINATE_S
            self.selector.unregister(job.client)

    def finish(self, job: Job) -> None:
        _, status = os.waitpid(job.pid, 0)
        with contextlib.suppress(OSError):
            job.client.sendall(struct.pack("!q", status))
        self.selector.unregister(job.end)
        with contextlib.suppress(KeyError):
            self.selector.unregister(job.client)
        job.client.close()
        os.close(job.end)
        self.jobs.remove(job)
        self.idle_since_s = time.monotonic()

    def close(self) -> None:
        """In a fork: what it holds open would keep the others' ends from being noticed."""
        self.selector.close()
        self.listener.close()
        os.close(self.snakemake)
        for job in self.jobs:
            job.client.close()
            os.close(job.end)


def received_request(client: socket.socket, files: list[int]) -> dict[str, Any]:
    """What a client wants; its three files are put into `files`.  ValueError for anything else."""
    header, received, _, _ = socket.recv_fds(client, 8, 3)
    files += received
    header += receive(client, 8 - len(header))
    (size,) = struct.unpack("!q", header)
    if not 0 < size <= REQUEST_BYTES or len(files) != 3:
        raise ValueError(f"got {len(files)} files and {size} bytes; expected 3 and {REQUEST_BYTES} at most")
    request: dict[str, Any] = json.loads(receive(client, size))
    if not isinstance(request, dict) or request.keys() != prefork.FIELDS:
        raise ValueError(f"got a request of another form; expected {', '.join(sorted(prefork.FIELDS))}")
    return request


def become(request: dict[str, Any], files: list[int], variables: set[str]) -> None:
    """Be, as far as a command can tell, the process that asked."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    for name in variables - set(request["environment"]):
        os.environ.pop(name, None)
    os.environ.update(request["environment"])
    sys.argv = request["argv"]
    prefork.asked_s = request["asked_s"]
