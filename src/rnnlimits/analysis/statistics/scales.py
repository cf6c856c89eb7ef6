"""On which scale the seeds of a quantity are averaged: as they are, as logarithms, or as logits.

Losses, norms and counts of updates are positive and spread over orders of magnitude; shares crowd at 0 and 1.
An interval made on the logarithms or the logits, and taken back, stays where such numbers can be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Map = Callable[[Array], Array]


@dataclass(frozen=True)
class Scale:
    """A scale on which seeds are averaged, and what the average, taken back, is called."""

    estimator: str
    there: Map
    back: Map
    low: float  # the quantity lies between these two
    high: float

    def holds(self, values: Array) -> bool:
        """Can all these numbers be taken there?  At the ends of the range they would be infinite."""
        return bool(((self.low < values) & (values < self.high)).all())

    def without(self) -> "Scale":
        """Plain averages in the same range, for numbers of which some lie at its ends."""
        return Scale("mean", _same, _same, self.low, self.high)


def _same(values: Array) -> Array:
    return values


def _logit(values: Array) -> Array:
    return np.log(values) - np.log1p(-values)


def _share(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


LINEAR = Scale("mean", _same, _same, -inf, inf)
LOG = Scale("geometric mean", np.log, np.exp, 0, inf)
LOGIT = Scale("mean of logits", _logit, _share, 0, 1)

# By the unit of the rows; every other quantity may have any sign.
OF_UNIT = {
    "share": LOGIT,
    "nats": LOG, "bits": LOG, "perplexity": LOG, "squared error": LOG,
    "updates": LOG, "sequences": LOG, "guesses": LOG, "steps": LOG,
    "ratio": LOG, "gradient norm before clipping": LOG,
}  # fmt: skip


def of(unit: str | None, values: Array) -> Scale:
    """The scale for some numbers of a unit.

    >>> [of(unit, np.array([0.5, 0.9])).estimator for unit in ("share", "nats", "nats/step")]
    ['mean of logits', 'geometric mean', 'mean']
    >>> of("share", np.array([0.5, 1.0])).estimator  # the logit of 1 is infinite
    'mean'
    """
    scale = of_unit(unit)
    return scale if scale.holds(values) else scale.without()


def of_unit(unit: str | None) -> Scale:
    """The scale for numbers of a unit, as long as they lie inside its range."""
    return OF_UNIT.get(unit or "", LINEAR)
