"""A job that ran out of memory says in one line what it was estimated to need, and what to set."""

import contextlib
import errno
from collections.abc import Iterator

from rnnlimits import machine, memory
from rnnlimits.grid import Shard

# Python has an error of its own for it, torch tells by words: the CPU's allocator, the GPU's, C++'s.
WORDS = ("can't allocate memory", "cannot allocate memory", "out of memory", "not enough memory", "bad_alloc")
REMEDY = (
    "set a smaller `memory_mb` in the config (fewer replicas are then trained at once), or fewer seeds, "
    "or run on fewer cores"
)


@contextlib.contextmanager
def told(shard: Shard, memory_mb: float, device: str = "cpu") -> Iterator[None]:
    """An allocation that failed becomes a MemoryError of one line."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_one(error):
            raise
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        said = f"{shard.id}: out of memory ({first}){estimated(shard, memory_mb, device)}; {REMEDY}"
        raise MemoryError(said) from error


def is_one(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in WORDS)


def estimated(shard: Shard, memory_mb: float, device: str) -> str:
    """What the job was meant to need; of a refit, the size of which is chosen in the job, nothing is said."""
    if shard.needs:
        return ""
    at_once = memory.fitting(shard, memory_mb or machine.memory_of_a_core(), device)
    return f"; estimated at {memory.estimate(shard, at_once, device):.0f} MB with {at_once} replicas at once"
