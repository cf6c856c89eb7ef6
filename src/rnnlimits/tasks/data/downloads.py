"""A published file: fetched once, from the first address that gives it, and known by its sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

TIMEOUT_S = 30
DATA_VARIABLE = "RNNLIMITS_DATA"  # names the folder in which published files are looked for first


@dataclass(frozen=True)
class Published:
    """How messages call it, what it is known by, and where it lies."""

    subject: str  # "corpus tiny_shakespeare"
    noun: str  # "text"
    size: int  # bytes
    sha256: str
    addresses: Sequence[str]  # the first is the one to name


def checked(path: Path, file: Published) -> bytes:
    """The bytes of a file on disk, if they are the ones that every published number was measured on."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found == file.sha256:
        return content
    what = f"it is a web page, not the {file.noun}" if is_a_page(content) else "it is not the published file"
    raise ValueError(
        f"{file.subject}: {path}: {what} ({len(content):,} bytes, sha256 {found[:12]}...; expected "
        f"{file.size:,} bytes, sha256 {file.sha256[:12]}...); delete it, and put the file from "
        f"{file.addresses[0]} in its place"
    )


def fetch(file: Published, path: Path) -> list[tuple[str, str]]:
    """Put it at `path` unless it is there; (address, what went wrong) of each, where no address gave it."""
    import pooch

    web = pooch.HTTPDownloader(timeout=TIMEOUT_S)

    def download(url: str, output_file: str, asking: Any) -> None:
        with Path(output_file).open("wb") as out:
            web(url, Incoming(out, file), asking)

    failures = []
    for url in file.addresses:
        try:
            # It compares the checksum also of what is there.
            pooch.retrieve(url, f"sha256:{file.sha256}", path.name, path.parent, downloader=download)
        # Whatever a network can do (no route, a proxy's page, a full disk) has one remedy: the caller's.
        except Exception as error:
            said = " ".join(str(error).split())  # some errors have many lines
            failures.append((url, f"{type(error).__name__}: {said}"))
        else:
            return []
    return failures


class Incoming:
    """Takes what may be the published file, refuses a page, or more than there should be."""

    def __init__(self, out: IO[bytes], file: Published):
        self.out, self.file = out, file
        self.size = 0

    def write(self, part: bytes) -> None:
        if not self.size and is_a_page(part):
            raise ValueError(f"got a web page; expected the {self.file.noun}: is there a proxy, or a login?")
        self.size += len(part)
        if self.size > self.file.size:
            raise ValueError(
                f"got more than {self.file.size:,} bytes; expected the {self.file.noun} of that size"
            )
        self.out.write(part)

    def flush(self) -> None:
        self.out.flush()


def is_a_page(content: bytes) -> bool:
    return content.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))
