"""Two cells against each other: the interval of what differs between them, and the words for it.

Seeds share their data across architectures, but trained networks do not resemble each other for it: pairing
them would only widen the interval.  Equal seeds are paired where they stand for the same network.
"""

from rnnlimits.analysis import statistics
from rnnlimits.analysis.claims.bounds import percent
from rnnlimits.analysis.claims.selection import Cell
from rnnlimits.analysis.statistics import Interval


def difference(one: Cell, other: Cell, sign: int = 1) -> Interval:
    """The difference of two means, times `sign`: of equal networks pair by pair, else Welch's."""
    if one.shares_networks_with(other):
        return statistics.mean(sign * (one.value - other.value).to_numpy(), one.confidence)
    one_N, other_N = (sign * cell.value.to_numpy(dtype=float) for cell in (one, other))
    return statistics.difference(one_N, other_N, one.confidence)


def difference_of_medians(one: Cell, other: Cell, sign: int = 1) -> Interval:
    """The difference of two medians, times `sign`; of equal networks the median of their differences."""
    if one.shares_networks_with(other):
        return statistics.median(sign * (one.value - other.value).to_numpy(), one.confidence)
    one_N, other_N = (sign * cell.value.to_numpy(dtype=float) for cell in (one, other))
    return statistics.difference_of_medians(one_N, other_N, one.confidence)


def quotient(one: Cell, other: Cell) -> Interval:
    """The quotient of two geometric means, in the same way."""
    paired = one.shares_networks_with(other)
    first, second = one.value.align(other.value, join="inner") if paired else (one.value, other.value)
    first_N, second_N = first.to_numpy(dtype=float), second.to_numpy(dtype=float)
    return statistics.quotient(first_N, second_N, paired, one.confidence)


def compared(one: Cell, other: Cell) -> str:
    """What the number of a comparison counts."""
    return "pairs" if one.shares_networks_with(other) else "seeds a side"


def how_compared(one: Cell, other: Cell, interval: Interval) -> str:
    """The same of two sides."""
    name = "mean difference" if interval.estimator == "mean" else interval.estimator
    if "median" in name:
        return f"{name}, {percent(one)} bootstrap interval"
    if one.shares_networks_with(other):
        return f"{name} of equal networks, {percent(one)} t interval of the pairs"
    return f"{name}, {percent(one)} interval of Welch"


def short(one: Cell, other: Cell) -> str:
    """The second label, of which only what the first does not say."""
    names = ("variant", "task", "study", "length_steps", "hidden_size")
    units = {"study": "study ", "length_steps": "T ", "hidden_size": "h "}
    words = [
        units.get(name, "") + str(other.names[name]) for name in names if one.names[name] != other.names[name]
    ]
    return " ".join(words + [other.metric] * (one.metric != other.metric)) or other.label
