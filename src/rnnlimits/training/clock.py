"""How many seconds each part of a job takes: for the provenance of its rows."""

import contextlib
import time
from collections.abc import Iterator


class Clock:
    """
    >>> clock = Clock("training", "probing")
    >>> with clock.timed("probing"):
    ...     pass
    >>> clock.seconds["training"], clock.seconds["probing"] > 0
    (0.0, True)
    """

    def __init__(self, *parts: str):
        self.seconds = dict.fromkeys(parts, 0.0)

    @contextlib.contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Adds the seconds inside the block to those of one part."""
        start = time.monotonic()
        yield
        self.seconds[part] += time.monotonic() - start
