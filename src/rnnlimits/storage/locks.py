"""A file that one process holds: the system lets go of it, whichever way the process ends.

The file goes when its holder does, so that a grid of ten thousand shards does not leave as many behind; one
that a killed process left is taken over.
"""

import contextlib
import datetime
import errno
import os
import platform
from pathlib import Path
from typing import TextIO

from rnnlimits.storage.plain_text import printable
from rnnlimits.storage.whole_files import told_if_unwritable

LONGEST_HOLDER = 400  # bytes that are shown of it
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)  # of a file system that has none


def take(path: Path) -> TextIO | None:
    """The file, held until it is closed; None where another process holds it.

    Where there are no locks (not a Unix, some parallel file systems) nobody is kept out.
    """
    with told_if_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with told_if_unwritable(path):
            file = path.open("a+", encoding="utf-8")
        try:
            locked = lock(file)
            if locked and is_there(path, file):
                write_holder(file)
                return file
        except OSError as error:
            file.close()
            if error.errno == errno.ESTALE:  # on a network: its holder has just removed it
                continue
            raise
        file.close()
        if not locked:
            return None
        # Its holder has removed it between our opening and our locking: what we hold keeps nobody out.


def lock(file: TextIO) -> bool:
    """False where another process holds it."""
    try:
        import fcntl
    except ImportError:  # not a Unix
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True


def is_held(path: Path) -> bool:
    """By another process, just now; makes no file."""
    try:
        with path.open("r+", encoding="utf-8") as file:
            return not lock(file)
    except OSError:  # there is none, or it is not ours to look at
        return False


def is_there(path: Path, file: TextIO) -> bool:
    """Is it still this file that has the name?"""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def write_holder(file: TextIO) -> None:
    since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with contextlib.suppress(OSError):  # a full disk: it is held all the same
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}, since {since}")
        file.flush()


def holder(path: Path) -> str:
    """Who holds it, as far as it says."""
    try:
        said = path.read_bytes()[:LONGEST_HOLDER].decode(errors="replace")
    except OSError:
        return "another process"
    return printable(" ".join(said.split())) or "another process"


def let_go(path: Path, file: TextIO) -> None:
    """Remove it while it is still held, so that nobody's file is removed but our own."""
    with contextlib.suppress(OSError):  # a folder that became read-only: a left file does no harm
        if is_there(path, file):
            path.unlink()
    with contextlib.suppress(OSError):
        file.close()
