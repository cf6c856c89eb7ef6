"""A process that has imported torch already, and forks for every training job of one Snakemake.

    Snakemake ── bash ── rnnlimits train ...    the client: gives its arguments, folder, environment and
                               :                files away, waits, and ends as the job ended
                             server ── job      a fork of the server, which runs the command

Importing torch, Lightning and numba takes three seconds, most shards of a laptop's grid less.  The Snakefile
says that its jobs may share a server (`offer`), so a command that a person types runs in its own process, as
it does wherever anything here fails before the job has begun.  RNNLIMITS_PREFORK=0 switches all of it off.

Nothing is shared but imports: no model, no data, no generator's state, and no CUDA context, which would not
survive a fork.  The first job starts the server; it ends with its Snakemake, or when it has been idle.
"""

import atexit
import contextlib
import dataclasses
import gc
import hashlib
import importlib
import json
import math
import os
import re
import secrets
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

VARIABLE = "RNNLIMITS_PREFORK"
PACKAGE = Path(__file__).parent
IDLE_S = 60.0
TERMINATE_S = 5.0  # between asking the job of a lost client to end, and killing it
REQUEST_S = 10.0  # a client that takes longer to say what it wants is dropped
# Names, so that whoever imports this module imports none of them; what is missing here is missing in the job.
IMPORTS = (
    "torch._dynamo",  # the first step of an optimiser would import it
    "torch.profiler",  # the first fit of Lightning
    "lightning.pytorch",
    "pyarrow.parquet",
    "sklearn.datasets",
    "rnnlimits.grid",
    "rnnlimits.training",
    "rnnlimits.fitting",
    "rnnlimits.simulate",
    "rnnlimits.kernels.loops",
)
PAGES = ("architectures", "tasks", "probes", "simulations")
# Variables with these beginnings are read once, by an import: a job with others needs another server.
READ_BY_IMPORTS = ("PYTHON", "LD_", "OMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMBA_", "TORCH", "PYTORCH_")
PROGRAM = "from rnnlimits import cli, prefork; prefork.main(cli.main)"

asked_s: float | None = None  # in a job of the server: when its client was started (time.monotonic)


def offer(to_many_jobs: bool) -> None:
    """Called where Snakemake reads its rules: its jobs may share a server, which ends with this process."""
    if os.environ.get(VARIABLE) != "0":
        token = f"{os.getpid()}.{secrets.token_hex(4)}"
        os.environ[VARIABLE] = token if to_many_jobs else "0"


def hand_over() -> int | None:
    """Let the server run this command: its exit code, or None where it has to run in this process."""
    token = os.environ.get(VARIABLE, "0")
    # Other systems cannot fork a process with so many libraries safely, or not watch its end.
    if asked_s is not None or sys.platform != "linux" or token == "0":
        return None
    if not re.fullmatch(r"\d+\.[0-9a-f]{8}", token):
        raise ValueError(f"{VARIABLE}: {token!r} came; set it to 0, or leave it to the Snakefile")
    request = {
        "argv": sys.argv,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "asked_s": time.monotonic(),
    }
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(connect(token))
            send(connection, request)
            job = receive_number(connection)
        except OSError:
            return None  # nothing has begun
        return wait_for(job, connection)


def wait_for(job: int, connection: socket.socket) -> int:
    """What the job ended with; whatever this process is told to do by a signal, the job is told."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: connection.send(bytes([number])))
    try:
        code = os.waitstatus_to_exitcode(receive_number(connection))
    except OSError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(job, signal.SIGKILL)
        print("the process that runs the jobs was killed, this job with it: run it again", file=sys.stderr)
        return 1
    if code < 0:  # it died of a signal: so does this process
        with contextlib.suppress(OSError):  # nobody may set what SIGKILL does
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def connect(token: str) -> socket.socket:
    """A connection to the server, which is started where there is none; it answers once it is ready."""
    folder = private_folder(token)
    path = folder / f"{state()}.socket"
    with locked(folder / "lock"):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
            start_server(path, token)
            connection.connect(str(path))
    return connection


def private_folder(token: str) -> Path:
    folder = Path(tempfile.gettempdir()) / f"rnnlimits-{token}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if (found.st_uid, found.st_mode & 0o777) != (os.getuid(), 0o700):
        raise PermissionError(f"{folder}: belongs to somebody else")
    return folder


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    import fcntl  # only Unix has it

    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def state() -> str:
    """Differs wherever a new process would import something else than a running server has."""
    edited = max(file.stat().st_mtime_ns for file in PACKAGE.rglob("*.py"))
    variables = sorted(
        (name, value) for name, value in os.environ.items() if name.startswith(READ_BY_IMPORTS)
    )
    text = repr((sys.executable, str(PACKAGE), edited, variables))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]


def start_server(path: Path, token: str) -> None:
    """The socket exists before the server: whoever connects meanwhile waits until it has imported all."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1024)
        subprocess.Popen(
            # -P: the working directory is no place to import from, as it is none for `rnnlimits`.
            [sys.executable, "-P", "-c", PROGRAM, str(listener.fileno()), str(path), token.partition(".")[0]],
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C reaches it through the clients alone
        )


def send(connection: socket.socket, request: dict[str, Any]) -> None:
    body = json.dumps(request).encode()
    socket.send_fds(connection, [struct.pack("!q", len(body))], [0, 1, 2])
    connection.sendall(body)


def receive_number(connection: socket.socket) -> int:
    return int(struct.unpack("!q", receive(connection, 8))[0])


def receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionResetError("the other side has gone")
        received += part
    return received


def main(command: Callable[[], None]) -> None:
    """The server; and, in each process that it forks, the command."""
    # A thread of Arrow's would be the only one in the server, and be missing in its forks.
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    listener_fd, path, snakemake = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    server = Server(socket.socket(fileno=listener_fd), os.pidfd_open(snakemake), set(os.environ))
    import_all()
    if server.serve():
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
    from rnnlimits import catalog, provenance

    pages = [f"rnnlimits.{kind}.{name}" for kind in PAGES for name in catalog.names(kind)]
    for name in (*IMPORTS, *pages):
        # Whatever is wrong with it: the jobs that need it will tell.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        provenance.fingerprint_of("training", "simulate", *PAGES)  # every job reads these files
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
        try:
            request, files = received_request(client)
            pid = os.fork()
        except (OSError, ValueError):
            client.close()  # nothing has begun: the client does it itself
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
        for number in numbers or [signal.SIGTERM]:
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


def received_request(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    header, files, _, _ = socket.recv_fds(client, 8, 3)
    header += receive(client, 8 - len(header))
    return json.loads(receive(client, struct.unpack("!q", header)[0])), files


def become(request: dict[str, Any], files: list[int], variables: set[str]) -> None:
    """Be, as far as a command can tell, the process that asked."""
    global asked_s
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    for name in variables - set(request["environment"]):
        os.environ.pop(name, None)
    os.environ.update(request["environment"])
    sys.argv = request["argv"]
    asked_s = request["asked_s"]
