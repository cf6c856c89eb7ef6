"""A job that ran out of memory says in one line what it was estimated to need, and what to set."""

import contextlib
import errno
from collections.abc import Iterator

from rnnlimits.planning import machine, memory
from rnnlimits.planning.job import Job

# Python has an error of its own for it, torch tells by words: the CPU's allocator, the GPU's, C++'s.
WORDS = ("can't allocate memory", "cannot allocate memory", "out of memory", "not enough memory", "bad_alloc")
FEWER = (
    "set a smaller `memory_mb` in the config, so that fewer replicas are trained at once, or use fewer cores"
)
SMALLER = "give it more memory by using fewer cores, or set a smaller `batch_size` or fewer `test_sequences`"


@contextlib.contextmanager
def told(job: Job) -> Iterator[None]:
    """An allocation that failed becomes a MemoryError of one line."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_one(error):
            raise
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise MemoryError(f"{job.shard.id}: out of memory ({first}); {remedy(job)}") from error


def is_one(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in WORDS)


def remedy(job: Job) -> str:
    if job.shard.needs:  # a refit: how large it is, the job itself finds out
        return FEWER
    at_once = memory.fitting(job.shard, may_be_used(job), job.runs_on)
    # What a budget is for: on a GPU, what lies there.
    estimate = f"{memory.held_in(job.shard, at_once, job.runs_on):.0f} MB"
    if at_once == 1:
        return f"one replica alone was estimated at {estimate}; {SMALLER}"
    return f"{at_once} replicas at once were estimated at {estimate}; {FEWER}"


def may_be_used(job: Job) -> float:
    """MiB, of the GPU's memory where it trains on one."""
    if job.on_gpu:  # torch is there already, and knows how large it is
        from rnnlimits.training import groups

        return groups.memory_of(job)
    return job.memory_mb or machine.memory_of_a_core()
