"""Which verdicts are others in the second run, and whether the claim itself is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

NOT_JUDGED = "not judged"


class Turned(NamedTuple):
    """A claim with both verdicts."""

    claim: str
    first: str
    second: str
    remark: str  # what else differs than the rows


def verdicts(
    first: Mapping[str, Mapping[str, Any]], second: Mapping[str, Mapping[str, Any]]
) -> list[Turned]:  # fmt: skip
    """Of all claims that either run judges, those with another verdict, scale included.

    >>> one = {"verdict": "undecided", "scale": {"kind": "full"}, "checks": []}
    >>> verdicts({"C1": one, "C2": one}, {"C1": one | {"verdict": "reproduced"}, "C2": one})
    [Turned(claim='C1', first='undecided', second='reproduced', remark='')]
    """
    ids = [*first, *(claim for claim in second if claim not in first)]
    pairs = [(claim, first.get(claim), second.get(claim)) for claim in ids]
    return [
        Turned(claim, _said(one), _said(other), _remark(one, other))
        for claim, one, other in pairs
        if _said(one) != _said(other)
    ]


def _said(claim: Mapping[str, Any] | None) -> str:
    if claim is None:
        return NOT_JUDGED
    reduced = " (reduced)" if claim["scale"]["kind"] == "reduced" else ""
    return f"{claim['verdict']}{reduced}"


def _remark(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    if one is None or other is None:
        return ""
    asked = [[(check["check"], check["asks"]) for check in claim["checks"]] for claim in (one, other)]
    return "" if asked[0] == asked[1] else "its checks are others, too"
