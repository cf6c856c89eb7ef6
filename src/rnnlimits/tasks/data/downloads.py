"""A published file: fetched once, from the first address that gives it, and known by its sha256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

TIMEOUT_S = 30
DATA_VARIABLE = "RNNLIMITS_DATA"  # names the folder in which published files are looked for first
Given = TypeVar("Given")


@dataclass(frozen=True)
class Published:
    """How messages call it, what it is known by, and where it lies."""

    subject: str  # "corpus tiny_shakespeare"
    noun: str  # "text"
    size: int  # bytes
    sha256: str
    addresses: Sequence[str]  # the first is the one to name


def folder(data_dir: str | Path | None) -> str:
    """The data folder; "" if none is set."""
    return str(data_dir or os.environ.get(DATA_VARIABLE) or "")


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

    def retrieve(url: str) -> str:
        # It compares the checksum also of what is there.
        found: str = pooch.retrieve(url, f"sha256:{file.sha256}", path.name, path.parent, downloader=download)
        return found

    found, failures = from_first(file.addresses, retrieve)
    return failures if found is None else []


def from_first(
    addresses: Sequence[str], take: Callable[[str], Given]
) -> tuple[Given | None, list[tuple[str, str]]]:
    """What `take` makes of the first address that gives it; (address, what went wrong) of those before."""
    failures: list[tuple[str, str]] = []
    for url in addresses:
        try:
            return take(url), failures
        # Whatever a network can do (no route, a proxy's page, a full disk) has one remedy: the caller's.
        except Exception as error:
            said = " ".join(str(error).split())  # some errors have many lines
            failures.append((url, f"{type(error).__name__}: {said}"))
    return None, failures


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
