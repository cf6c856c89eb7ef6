"""One of two runs that are compared: its rows, what is recorded of them, and the verdicts beside them."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from pandas import DataFrame

from rnnlimits import rows as waist
from rnnlimits.analysis import tables
from rnnlimits.analysis.claims import document
from rnnlimits.rows.places import Place
from rnnlimits.storage import integrity

VERDICTS = "claims.json"


@dataclasses.dataclass(frozen=True)
class Run:
    """Everything by shard, but the rows, which name theirs."""

    label: str
    rows: DataFrame
    facts: dict[str, dict[str, Any]]
    digests: dict[str, str]  # of the shards that have rows
    config: dict[str, Any] | None  # an archive has it
    claims: dict[str, dict[str, Any]] | None  # by id, as claims.json has them
    unjudged: str = ""  # why there are no verdicts


def read(place: Place) -> Run:
    """Raises ValueError, one line, where a file is damaged or none of rnnlimits."""
    with integrity.set_aside(None):
        found, digests = tables.read_with_digests(place.files)
        known = [waist.read_provenance(path) for path in place.files]
    facts = {shard: told for one in known for shard, told in one["shards"].items()}
    configs = [one["config"] for one in known if "config" in one]
    run = Run(place.label, found, facts, digests, configs[0] if len(configs) == 1 else None, None)
    claims, why = _verdicts(place.folder / VERDICTS, run)
    return dataclasses.replace(run, claims=claims, unjudged=why)


def _verdicts(path: Path, run: Run) -> tuple[dict[str, dict[str, Any]] | None, str]:
    """Those that were judged on these very rows; else none, and why."""
    if not path.is_file():
        return None, f"{path} is not there; `rnnlimits judge --out` writes it"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if (form := content["schema"]) != document.SCHEMA:
            return None, f"{path} has the form {form!r}; expected {document.SCHEMA!r}; judge again"
        claims = {claim["id"]: _compared(claim) for claim in content["claims"]}
        stale = [one for claim in claims.values() for one in claim["shards"] if not _is_of(one, run)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return None, f"{path} is damaged ({type(error).__name__}); judge again"
    if stale:
        return None, f"{path} was judged on other rows of {stale[0]['shard']}; judge again"
    return claims, ""


def _compared(claim: dict[str, Any]) -> dict[str, Any]:
    """What is read of a claim; anybody may have written the file."""
    checks = [{"check": one["check"], "asks": one["asks"]} for one in claim["checks"]]
    kind, shards = claim["scale"]["kind"], [*claim["shards"]]
    return {"verdict": claim["verdict"], "scale": {"kind": kind}, "checks": checks, "shards": shards}


def _is_of(judged: dict[str, Any], run: Run) -> bool:
    return bool(judged["digest"] == run.digests.get(judged["shard"]))
