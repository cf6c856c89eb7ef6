"""A file is there whole or not at all: written beside its place, brought to the disk, then renamed.

However a writer ends (a kill, a full disk, a power cut), the old file stays until the new one is complete.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

REMEDIES = {
    errno.ENOSPC: "make room, then run it again",
    errno.EDQUOT: "make room, then run it again",
    errno.EROFS: "make the folder writable, or name another one as `results` in the config",
    errno.EACCES: "make the folder writable, or name another one as `results` in the config",
    errno.EPERM: "make the folder writable, or name another one as `results` in the config",
}


@contextlib.contextmanager
def renamed_when_complete(path: str | Path) -> Iterator[Path]:
    """The place to write to; it becomes `path` when the block has ended without an error."""
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    with told_if_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            with contextlib.suppress(OSError):  # what went wrong before is what has to be told
                unfinished.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """The same bytes on every system."""
    with renamed_when_complete(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def told_if_unwritable(path: str | Path) -> Iterator[None]:
    """A full disk or a read-only folder in one line: which file, why, what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        remedy = REMEDIES.get(error.errno, "see to that, then run it again")
        said = f"{path}: cannot be written: {os.strerror(error.errno)}; {remedy}"
        raise OSError(said) from error
