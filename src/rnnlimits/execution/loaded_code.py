"""The code that a process runs is the code that its fingerprint was taken of, and that was planned.

Python loads a module when it is first imported, the fingerprint reads its file: an edit in between would let
a job run one version and vouch for another.  So everything behind a job is read and imported at once, and was
not touched meanwhile.  Nor may Python load what an edit has left behind: it takes bytecode for current if its
source has the same size and the same second of change.
"""

import contextlib
import importlib
import importlib.util
import marshal
from collections.abc import Iterable, Iterator
from pathlib import Path

from rnnlimits import catalog
from rnnlimits.execution import prefork
from rnnlimits.planning import planned, provenance
from rnnlimits.planning.job import Job
from rnnlimits.storage.stamps import stamps, touched


@contextlib.contextmanager
def held(job: Job) -> Iterator[None]:
    """The code of a job, for as long as it works; a ValueError where it is not the one that was planned."""
    if prefork.asked_s is None:  # the import server has read what it imported, and knows that it is the same
        provenance.forget()
    with contextlib.ExitStack() as until_loaded:
        files = until_loaded.enter_context(unchanged(provenance.files(job.shard)))
        if prefork.asked_s is None:
            drop_stale_bytecode(files)
        planned.check_code(job.shard, job.code)
        if job.shard.updates:  # else much would be imported for nothing, and the job is short
            for file in files:
                with contextlib.suppress(ImportError):  # who needs what is missing will tell
                    importlib.import_module(module(file))
            until_loaded.close()
        yield


@contextlib.contextmanager
def unchanged(files: Iterable[Path]) -> Iterator[list[Path]]:
    """A ValueError where one of these files was touched before the block has ended."""
    files = list(files)
    before = stamps(files)
    yield files
    if edited := touched(before):
        told = ", ".join(str(file) for file in edited)
        raise ValueError(f"{told}: edited while it was being used; run it again")


def module(file: Path) -> str:
    """
    >>> module(catalog.PACKAGE / "tasks" / "base.py"), module(catalog.PACKAGE / "tasks" / "__init__.py")
    ('rnnlimits.tasks.base', 'rnnlimits.tasks')
    """
    parts = file.relative_to(catalog.PACKAGE).with_suffix("").parts
    return ".".join(["rnnlimits", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def drop_stale_bytecode(files: Iterable[Path]) -> None:
    """Remove the bytecode that is of another version of its source."""
    for file in files:
        if file.suffix == ".py" and is_stale(
            file, cached := Path(importlib.util.cache_from_source(str(file)))
        ):
            try:
                cached.unlink(missing_ok=True)
            except OSError as error:
                raise ValueError(
                    f"{cached}: of another version of {file.name}; remove it ({error})"
                ) from error


def is_stale(file: Path, cached: Path) -> bool:
    """Would Python load something else from this bytecode than the source says?"""
    try:
        found = marshal.loads(cached.read_bytes()[16:])  # after the version, the time and the size
    except OSError:
        return False
    except (ValueError, EOFError, TypeError):
        return True
    return bool(found != compile(file.read_bytes(), str(file), "exec", dont_inherit=True))
