"""A simulation asks a question about recurrence that needs no training: a page with `Options` and `simulate`.

    simulate(options, seed) -> list[Measurement]       one repetition; the seeds are the sample

A page draws only from the generator that it makes of its seed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One number that a simulation found."""

    metric: str
    value: float
    unit: str
    lag: int | None = None
