"""A long shard in parts by seed: each part is a job of its own, so that no core waits for the longest shard.

    copying.copy_memory.lstm.h128.t500, 5 seeds, 8.5 h     split_hours: 4  ─►  seeds 0-1, 2-3 and 4-4

A part trains its seeds at every learning rate.  Whatever looks at all seeds (the choice of the learning rate,
the test, the probes) waits for the job that joins the parts, so the rows are those of the shard in one job.
Folds and refits stay whole: a fold is no seed, and a refit learns its size from other rows.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rnnlimits.planning import duration, memory
from rnnlimits.planning.shard import Shard

HOUR_S = 3600


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some neighbouring seeds of a shard."""

    shard: Shard  # the whole one
    seeds: range

    @property
    def name(self) -> str:
        """The first and the last seed, as `train --seeds` takes them."""
        return in_words(self.seeds)

    @property
    def trained(self) -> Shard:
        """A shard of as many seeds and without probes: for what the part takes, and not for what it is."""
        return replace(self.shard, seeds=len(self.seeds), probes={})


def can_be_split(shard: Shard) -> bool:
    return shard.kind == "training" and shard.updates > 0 and shard.seeds > 1


def parts(shard: Shard, hours: float | None, device: str = "cpu") -> list[Part]:
    """The fewest parts of which none is estimated to train longer; none where the shard stays whole.

    One seed is the smallest part, however long it takes.  For a GPU the estimates are guesses: not split.
    """
    if hours is None or device != "cpu" or not can_be_split(shard):
        return []
    sizes = range(shard.seeds, 0, -1)
    largest = next((size for size in sizes if seconds(shard, size) <= hours * HOUR_S), 1)
    return [] if largest == shard.seeds else of_sizes(shard, memory.group_sizes(shard.seeds, largest))


def seconds(shard: Shard, seeds: int) -> float:
    """What the training of so many seeds of a shard is estimated to take, on one core."""
    return duration.seconds(Part(shard=shard, seeds=range(seeds)).trained)


def of_sizes(shard: Shard, sizes: Iterable[int]) -> list[Part]:
    found, start = [], 0
    for size in sizes:
        found.append(Part(shard=shard, seeds=range(start, start + size)))
        start += size
    return found


def in_words(seeds: range) -> str:
    """
    >>> in_words(range(2, 5)), in_words(range(4, 5))
    ('2-4', '4-4')
    """
    return f"{seeds[0]}-{seeds[-1]}"


def read(text: str, shard: Shard) -> range:
    """What `in_words` wrote, of this shard; anything else is a ValueError."""
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    first, last = map(int, found.groups()) if found else (1, 0)
    if not first <= last < shard.seeds:
        raise ValueError(
            f"--seeds: got {text!r}; expected FIRST-LAST, two numbers from 0 to {shard.seeds - 1}"
        )
    return range(first, last + 1)


def asked(seeds: str | None, joined: Sequence[object] | None, shard: Shard) -> range | None:
    """The seeds that a command trains alone; None for all.  A ValueError where a shard has no parts."""
    if seeds and joined:
        raise ValueError("--seeds, --part: got both; train the seeds of a part, or join parts")
    if (seeds or joined) and not can_be_split(shard):
        key = "--seeds" if seeds else "--part"
        raise ValueError(
            f"{key}: {shard.id} has no parts: only a training of several seeds has; leave it out"
        )
    return read(seeds, shard) if seeds else None
