"""What a check of benchmarks/gpu_check.py has found, as a line of its table."""

from collections.abc import Callable
from dataclasses import dataclass

HEAD = f"{'check':9} {'of what':48} | {'measured':>10} {'allowed':>10} {'':8} | verdict"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One line; `measured` and `bound` are None where the check could not be made."""

    check: str
    what: str
    passed: bool
    measured: float | None = None
    bound: float | None = None
    unit: str = ""
    failed_as: str = "WRONG"  # or "over": more than was estimated
    note: str = ""

    def __str__(self) -> str:
        numbers = f"{in_short(self.measured):>10} {in_short(self.bound):>10} {self.unit:8}"
        verdict = "ok" if self.passed else self.failed_as
        return f"{self.check:9} {self.what:48} | {numbers} | {verdict:5} {self.note}".rstrip()


def in_short(number: float | None) -> str:
    """
    >>> in_short(None), in_short(0.0), in_short(3e-7), in_short(431.27)
    ('-', '0', '3.0e-07', '431.3')
    """
    if number is None:
        return "-"
    if number == 0:
        return "0"
    return f"{number:.1e}" if abs(number) < 0.1 else f"{number:.1f}"


def guarded(check: str, what: str, work: Callable[[], Found]) -> Found:
    """What the work finds; where it ends with an error, that is what was found."""
    try:
        return work()
    except Exception as error:  # the other checks are still worth their time
        return broken(check, what, error)


def broken(check: str, what: str, error: Exception) -> Found:
    first = (str(error).splitlines() or [""])[0]
    return Found(check=check, what=what, passed=False, note=f"{type(error).__name__}: {first}")
