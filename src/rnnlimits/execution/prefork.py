"""The import server: a process that has imported torch, and forks for every training job of one Snakemake.

    Snakemake ── bash ── rnnlimits train ...    the client: gives its arguments, folder, environment and
                               :                files away, waits, and ends as the job ended
                             server ── job      a fork of the server, which runs the command

Importing torch, Lightning and numba takes three seconds, most shards of a laptop's grid less.  The Snakefile
says that its jobs may share a server (`offer`), so a command that a person types runs in its own process, as
it does wherever anything here fails before the job has begun.  RNNLIMITS_PREFORK=0 switches all of it off.

Nothing is shared but imports: no model, no data, no generator's state, and no CUDA context, which would not
survive a fork.  The first job starts the server; it ends with its Snakemake, or when it has been idle.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnlimits.storage.stamps import stamps

VARIABLE = "RNNLIMITS_PREFORK"
PACKAGE = Path(__file__).parents[1]
# Variables with these beginnings are read once, by an import: a job with others needs another server.
READ_BY_IMPORTS = ("PYTHON", "LD_", "OMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMBA_", "TORCH", "PYTORCH_")
PROGRAM = (
    "from rnnlimits import cli; from rnnlimits.execution import prefork_server; prefork_server.main(cli.main)"
)

KILLED = (
    "killed (SIGKILL), by somebody or, where memory ran out, by the system: `rnnlimits plan` shows what each "
    "job is estimated to need, and `memory_mb` in the config sets what it may use"
)

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
        raise ValueError(f"{VARIABLE}: got {token!r}; expected 0, or nothing, for the Snakefile to set")
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
        if -code == signal.SIGKILL:  # which leaves no last words
            print(KILLED, file=sys.stderr, flush=True)
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
    edited = sorted(stamps(PACKAGE.rglob("*.py")).items())
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
