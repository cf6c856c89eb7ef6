"""Tasks whose data cannot be had here: what else a config asks for runs without them.

`rnnlimits data` finds out which they are.  Whoever starts a run then says so:

    RNNLIMITS_WITHOUT=sentiment,translation      the studies of these two tasks are no jobs of this run
"""

import os
from collections.abc import Iterable

from rnnlimits import catalog
from rnnlimits.planning.shard import Shard

VARIABLE = "RNNLIMITS_WITHOUT"


def tasks() -> frozenset[str]:
    """The pages that were named; LookupError where there is no such task."""
    named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",")]
    pages = catalog.names("tasks")
    return frozenset(catalog.pick(name, pages, noun="task") for name in named if name)


def left_out(shards: Iterable[Shard]) -> list[Shard]:
    """Those of the shards that need the data of one of them."""
    without = tasks()
    return [shard for shard in shards if shard.task_page in without]


def said(shards: Iterable[Shard]) -> str:
    """One line on what is left out; "" where nothing is."""
    gone = left_out(shards)
    if not gone:
        return ""
    pages = ", ".join(sorted({shard.task_page for shard in gone}))
    jobs = f"{len(gone)} jobs" if len(gone) > 1 else "1 job"
    return f"left out, as {VARIABLE} says: {pages} ({jobs})"
