"""claims.json: every verdict with all that it rests on, for programs; claims.schema.json says its form.

    {"schema": "urn:rnnlimits:claims:1", "run": "laptop", "confidence": 0.95, "claims": [
     {"id": "chaos_above_gain_one", "verdict": "reproduced", "outcome": "verified", "checks": [...],
      "shards": [{"shard": "chaos.adding.gain_0_5.h200.t100", "digest": "59ba..."}, ...], ...}]}

A claim stands beside the digest of the rows that answered it, so that a reader who has the rows can tell that
the verdict is theirs.  Times and machines are left out: the same rows give the same bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any

from rnnlimits.analysis.claims import details, sizes
from rnnlimits.analysis.claims.finding import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, Finding
from rnnlimits.storage.plain_text import printable
from rnnlimits.storage.whole_files import write_text

SCHEMA = "urn:rnnlimits:claims:1"
VERIFIED, FALSIFIED, TOY, INCONCLUSIVE = "verified", "falsified", "toy", "inconclusive"
SIDE = ("side", "label", "shard", "measure", "unit")  # what the numbers of one side share
TEXTS = ("id", "title", "type")
BESIDE = ("measured", "training", "sensitivity", "paper", "bounds", "tried", "disputes")


def outcome(verdict: str, scale: str) -> str:
    """Our verdict in the words of open-reproduction efforts, which know four, too.

    A smaller experiment can neither verify nor falsify what its source says of a larger one.

    >>> outcome("reproduced", "full"), outcome("reproduced", "reduced: hidden_size 32 of 128")
    ('verified', 'toy')
    >>> outcome("contradicted", "not stated"), outcome("contradicted", "reduced"), outcome("not run", "full")
    ('falsified', 'inconclusive', 'inconclusive')
    """
    if verdict not in (REPRODUCED, CONTRADICTED):
        return INCONCLUSIVE
    if scale.startswith(sizes.REDUCED):
        return TOY if verdict == REPRODUCED else INCONCLUSIVE
    return VERIFIED if verdict == REPRODUCED else FALSIFIED


def write(
    judged: Sequence[tuple[Any, Mapping[str, str]]],
    digests: Mapping[str, str],
    run: str | None,
    confidence: float,
    out: Path,
) -> None:
    """Judgements, each with its line of claims.csv, and the digests of all shards that have rows."""
    claims = [_claim(judgement, line, digests) for judgement, line in judged]
    content = {"schema": SCHEMA, "run": run, "confidence": confidence, "claims": claims}
    write_text(out, json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _claim(judgement: Any, line: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, Any]:
    claim, shards = judgement.claim, judgement.shards
    found = outcome(line["verdict"], line["scale"])
    return {
        **{key: line[key] for key in TEXTS},
        "sentence": line["says"],
        "source": {"key": line["source"], "place": line["place"], "reference": line["reference"]},
        "verdict": line["verdict"],
        "outcome": found,
        "reason": _reason(judgement, line) if found == INCONCLUSIVE else None,
        "scale": {
            "kind": line["scale"].partition(":")[0],
            "smaller": [one._asdict() for one in sizes.cut(claim.get("full"), shards)],
            "why": line["reduced"],
        },
        **{key: line[key] for key in BESIDE},
        "checks": [_check(part, spots) for part, spots in _parts(judgement)],
        "shards": [{"shard": name, "digest": digests.get(name)} for name in sorted(shards.shard)],
    }


def _reason(judgement: Any, line: Mapping[str, str]) -> str:
    """Why neither verified nor falsified."""
    if line["verdict"] == CONTRADICTED:
        return f"contradicted at a smaller scale than the source's ({line['scale']})"
    if line["verdict"] == NOT_RUN:
        missing = [one.sentence for one in judgement.findings if one.verdict == NOT_RUN]
        needs = judgement.claim.get("needs")
        return "; ".join(dict.fromkeys([*missing, *([f"needs {needs}"] if needs else [])]))
    return "; ".join(
        f"{finding.sentence}: {'a positive control failed' if control else finding.why}"
        for part, findings in zip(judgement.claim["parts"], judgement.parts)
        for finding in findings
        if (control := part.get("positive_control", False) and finding.verdict == CONTRADICTED)
        or finding.verdict == UNDECIDED
    )


def _parts(judgement: Any) -> Iterator[tuple[Mapping[str, Any], list[tuple[details.Line, Finding]]]]:
    """Each part that has been asked, with its findings and their places."""
    numbered = groupby(details.places(judgement), key=lambda spot: spot[0]["part"])
    found = {part: [(place, finding) for place, _, finding in spots] for part, spots in numbered}
    for number, part in enumerate(judgement.claim["parts"], 1):
        yield part, found.get(number, [])


def _check(part: Mapping[str, Any], spots: Sequence[tuple[details.Line, Finding]]) -> dict[str, Any]:
    asks = {key: value for key, value in part.items() if key not in ("check", "positive_control")}
    return {
        "check": part["check"],
        "positive_control": bool(part.get("positive_control", False)),
        "asks": asks,
        "findings": [_finding(place, part, finding) for place, finding in spots],
    }


def _finding(place: details.Line, part: Mapping[str, Any], finding: Finding) -> dict[str, Any]:
    numbers = details.numbers(part, finding)
    interval = {key: numbers[key] for key in ("estimate", "low", "high", "estimator", "n")}
    return {
        **{key: numbers[key] for key in ("verdict", "sentence", "why")},
        "bound": {"said": finding.bound, "low": numbers["bound_low"], "high": numbers["bound_high"]},
        "interval": interval if finding.verdict != NOT_RUN else None,
        "seeds_to_decide": finding.seeds_to_decide,
        "seeds": [*_seeds(place, part, finding)],
    }


def _seeds(place: details.Line, part: Mapping[str, Any], finding: Finding) -> Iterator[dict[str, Any]]:
    """The numbers that were judged, side by side: of every seed its value, and how its run ended."""
    sides: dict[tuple[Any, ...], list[details.Line]] = {}
    for line in details.seeds(place, part, finding):
        sides.setdefault(tuple(line[name] for name in SIDE), []).append(line)
    for shared, mine in sides.items():
        columns = {f"{name}s": [line[name] for line in mine] for name in ("seed", "value")}
        yield dict(zip(SIDE, shared)) | columns | {"statuses": [line["status"] for line in mine]}


def _plain(value: Any) -> Any:
    """As JSON has it: six digits, as in the tables, and null for a number that is none."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return printable(value)
    if value is None or isinstance(value, bool):
        return value
    number = float(value)
    if not isfinite(number):
        return None
    return int(number) if number == int(number) and abs(number) < 1e15 else float(f"{number:.6g}")
