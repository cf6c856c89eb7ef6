"""A published data set: found in the data folder, in the cache or on the web, and known by what is in it.

The checksum is that of the unpacked content, since the same content may come packed in another way: a host
packs anew, a mirror packs by gzip.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rnnlimits.tasks.data import archives, downloads
from rnnlimits.tasks.data.downloads import Published


@dataclass(frozen=True)
class PublishedSet(Published):
    """`size` is the most bytes that the packed file may have, `sha256` the `sum_of` what is in it."""

    unpack: Callable[[bytes], dict[str, bytes]]  # name -> content
    places: tuple[str, ...]  # where it may lie in the data folder; the first is the one to name
    credit: str  # licence and attribution, told after a download; "": another file of the set tells it

    @property
    def cached(self) -> str:
        return self.places[0]


def sum_of(files: Mapping[str, bytes]) -> str:
    """The sha256 of a single file; of several, that of what `sha256sum` prints of them, sorted by name.

    >>> sum_of({"input.txt": b"to be"}) == hashlib.sha256(b"to be").hexdigest()
    True
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    if len(sums) == 1:
        return next(iter(sums.values()))
    listed = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    return hashlib.sha256(listed.encode()).hexdigest()


def contents(one: PublishedSet, data_dir: str) -> dict[str, bytes]:
    """Name -> content of the files in it.

    ValueError if the data folder has another file in its place; LookupError, one line, if it is nowhere.
    """
    for path in (Path(data_dir, place) for place in one.places):
        if data_dir and path.is_file():
            return _checked_file(one, path)
    import platformdirs

    path = Path(platformdirs.user_cache_dir("rnnlimits")) / one.cached
    if path.is_file():
        try:
            return _checked_file(one, path)
        except ValueError:
            pass  # a spoilt cache is ours to mend: it is fetched again
    return _fetched(one, path, data_dir)


def checked(one: PublishedSet, packed: bytes) -> dict[str, bytes]:
    """The files in it, if they are the published ones; ValueError says what they are instead."""
    if downloads.is_a_page(packed):
        raise ValueError(f"it is a web page, not the {one.noun}")
    try:
        files = one.unpack(packed)
    except archives.BROKEN as error:
        raise ValueError(f"it cannot be unpacked ({type(error).__name__}: {error})") from error
    found = sum_of(files)
    if found != one.sha256:
        raise ValueError(
            f"it is not the published {one.noun} (sha256 {found[:12]}...; expected {one.sha256[:12]}...)"
        )
    return files


def _checked_file(one: PublishedSet, path: Path) -> dict[str, bytes]:
    try:
        if path.stat().st_size > one.size:
            raise ValueError(f"it has more than {one.size:,} bytes")
        return checked(one, path.read_bytes())
    except ValueError as error:
        raise ValueError(
            f"{one.subject}: {path}: {error}; delete it, and put the file from {one.addresses[0]} "
            "in its place"
        ) from error


def _fetched(one: PublishedSet, path: Path, data_dir: str) -> dict[str, bytes]:
    """From the first address that gives it, kept at `path`."""
    import pooch

    web = pooch.HTTPDownloader(timeout=downloads.TIMEOUT_S)

    def take(url: str) -> dict[str, bytes]:
        packed = io.BytesIO()
        web(url, downloads.Incoming(packed, one), None)
        files = checked(one, packed.getvalue())
        _keep(packed.getvalue(), path)
        return files

    files, failures = downloads.from_first(one.addresses, take)
    if files is not None:
        if one.credit:
            print(one.credit, file=sys.stderr)
        return files
    told = "; ".join(f"{url}: {said}" for url, said in failures)
    raise LookupError(
        f"{one.subject}: not in the data folder ({data_dir or 'none is set'}), not in the cache "
        f"({path.parent}), and no address gave it ({told}); put the file from "
        f"{one.addresses[0]} at FOLDER/{one.places[0]} and set `data: FOLDER` in the config or "
        f"{downloads.DATA_VARIABLE}=FOLDER"
    )


def _keep(packed: bytes, path: Path) -> None:
    """Renamed when it is whole, so that another job never reads a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        try:
            part.write(packed)
            part.close()
            Path(part.name).replace(path)
        except OSError:
            Path(part.name).unlink()
            raise
