"""What is in a packed file: unpacked in memory, never on disk, and never more than there should be."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath

GZIP = b"\x1f\x8b"  # how such a file begins
MOST_FILES = 5_000  # in one archive, those that nobody asked for included
# What the standard library raises for bytes that are no archive, or a broken one.
BROKEN = (
    EOFError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError,
    lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def single(content: bytes, name: str, most_bytes: int) -> dict[str, bytes]:
    """A file that may be packed by gzip, as it is without that.

    >>> single(gzip.compress(b"to be"), "hamlet.txt", most_bytes=5) == single(b"to be", "hamlet.txt", 5)
    True
    """
    if content.startswith(GZIP):
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            content = packed.read(most_bytes + 1)
    _check_bytes(len(content), most_bytes)
    return {name: content}


def zip_files(content: bytes, names: tuple[str, ...], most_bytes: int) -> dict[str, bytes]:
    """These files of a zip archive; KeyError if one is not in it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _check_files(len(archive.infolist()))
        # zipfile gives no more bytes of a file than its entry says.
        _check_bytes(sum(archive.getinfo(name).file_size for name in names), most_bytes)
        return {name: archive.read(name) for name in names}


def tar_files(content: bytes, folder: str, ending: str, most_bytes: int) -> dict[str, bytes]:
    """Files of one folder of a tar archive, packed or not, named from that folder on.

    An archive of a whole repository puts one more folder around everything; it is left out of the names.
    """
    found: dict[str, bytes] = {}
    seen, size = 0, 0
    # "|": read from front to back, so that nothing is unpacked before its size is known.
    with tarfile.open(fileobj=io.BytesIO(content), mode="r|*") as archive:
        for entry in archive:
            seen, size = seen + 1, size + entry.size
            _check_files(seen)
            _check_bytes(size, most_bytes)
            path = PurePosixPath(entry.name)
            if entry.isfile() and path.parent.name == folder and path.suffix == ending:
                file = archive.extractfile(entry)
                assert file is not None  # it is one only of what is no file
                found[f"{folder}/{path.name}"] = file.read()
    return found


def _check_files(files: int) -> None:
    if files > MOST_FILES:
        raise ValueError(f"got more than {MOST_FILES:,} files; expected an archive of fewer")


def _check_bytes(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise ValueError(f"got more than {most_bytes:,} unpacked bytes; expected at most so many")
