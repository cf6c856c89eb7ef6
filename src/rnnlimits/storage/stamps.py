"""Has a file been touched?  A stamp differs after every edit, also after one that was put back in time."""

from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[int, int, int, int]


def stamps(files: Iterable[Path]) -> dict[Path, Stamp | None]:
    """None for a file that is not there.

    Anybody may set the time of the last edit; the time at which that was done (`ctime`), the system alone.
    """
    return {file: _stamp(file) for file in files}


def touched(before: dict[Path, Stamp | None]) -> list[Path]:
    """The files that have been edited, removed or put back since `stamps` was called."""
    return [file for file, stamp in before.items() if _stamp(file) != stamp]


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
