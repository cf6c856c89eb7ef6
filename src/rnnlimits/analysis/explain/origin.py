"""Where rows come from: config, code, commit, versions, host, device and time of the shards that hold them.

Shards that were made by the same commit with the same versions on the same machine stand in one block.  What
else is recorded is shown as it came: in the block where all its shards agree, else at the shard.
"""

import json
from collections.abc import Sequence
from typing import Any

from pandas import DataFrame

from rnnlimits.analysis.explain.layout import count, field, heading, item
from rnnlimits.analysis.explain.record import Record
from rnnlimits.planning import provenance

Facts = dict[str, Any]
SHARED = ("git_commit", "git_clean", "git_refused", "host", "device", "versions")
OWN = {"config_hash": "config", "code_fingerprint": "code"}  # and the words for them
# Of many shards nobody wants to read these; `explain SHARD` and the table `timings` have them.
OF_ONE_SHARD = ("replicas", "updates_run", "peak_memory_mb", "groups", "prefork", "weights")
DIGITS = 12  # of a hash, in a list


def explain(record: Record, rows: DataFrame, also: Sequence[str] = ()) -> list[str]:
    """The origin of some rows: first what their shards share, then two lines for each of them.

    `also` names shards that have a file without rows, as of a probe that an architecture does not offer.
    """
    counted: dict[str, int] = dict(rows.shard.value_counts())
    counts = dict.fromkeys(also, 0) | counted
    blocks = _blocks(record, sorted(counts))
    said = f"{count(len(rows), 'row')} of {count(len(counts), 'shard')}"
    lines = [heading(f"Where the rows come from: {said}, {count(len(blocks), 'origin')}")]
    for number, shards in enumerate(blocks, 1):
        lines += ["", f"Origin {number}: {count(len(shards), 'shard')}", *_block(record, shards)]
    lines.append(heading("The shards, one by one"))
    for number, shards in enumerate(blocks, 1):
        common = _agreed(record, shards)
        for shard in shards:
            lines += ["", f"{shard} (origin {number})"]
            lines += _lines(record, shard, counts[shard], len(counts) > 1, common)
    return lines


def summary(record: Record, rows: DataFrame) -> str:
    """The same in a sentence."""
    shards = sorted(rows.shard.unique())
    found = [record.provenance[shard] for shard in shards]
    commits = ", ".join(sorted({_commit(facts, DIGITS) for facts in found}))
    hosts = ", ".join(sorted({str(facts.get("host") or "a host not recorded") for facts in found}))
    made = f"; code: {commits}; run on {hosts}" if found else ""
    return f"{count(len(rows), 'row')} of {count(len(shards), 'shard')}{made}"


def today(record: Record, shard: str) -> list[str]:
    """What is not as it was when the rows were made; where nothing is, a new run gives the same numbers."""
    if shard not in record.plan:
        return ["config"]
    planned, facts = record.plan[shard], record.provenance[shard]
    fresh = {
        "config_hash": provenance.config_hash(planned),
        "code_fingerprint": provenance.fingerprint(planned),
    }
    return [word for name, word in OWN.items() if facts.get(name) != fresh[name]]


def _blocks(record: Record, shards: Sequence[str]) -> list[list[str]]:
    blocks: dict[str, list[str]] = {}
    for shard in shards:
        facts = record.provenance[shard]
        blocks.setdefault(_text({name: facts.get(name) for name in SHARED}), []).append(shard)
    return sorted(blocks.values(), key=lambda block: (-len(block), block))


def _block(record: Record, shards: Sequence[str]) -> list[str]:
    found = [record.provenance[shard] for shard in shards]
    one, started = found[0], sorted(str(facts.get("started") or "not recorded") for facts in found)
    versions = (one.get("versions") or {}).items()
    shown = {
        "code": _commit(one),
        "host": str(one.get("host") or "not recorded"),
        "device": str(one.get("device") or "not recorded"),
        "versions": ", ".join(f"{name} {version}" for name, version in versions) or "not recorded",
        "started": " to ".join(dict.fromkeys((started[0], started[-1]))),
        "seconds": f"{sum(facts.get('seconds_total') or 0 for facts in found):,.1f} in all",
        "rows in": _files(record, shards),
        "since then": _since(record, shards),
    }
    extra = {name: _text(value) for name, value in _agreed(record, shards).items()}
    return [field(label, text) for label, text in (shown | extra).items()]


def _files(record: Record, shards: Sequence[str]) -> str:
    files = sorted({record.files[shard] for shard in shards})
    return str(files[0]) if len(files) == 1 else f"{files[0].parent}/, a file for each shard"


def _since(record: Record, shards: Sequence[str]) -> str:
    changed = [shard for shard in shards if today(record, shard)]
    if not changed:
        return "neither their config nor the code behind them has changed"
    which = f" of {len(changed)} of {len(shards)} shards" if len(shards) > 1 else ""
    return f"config or code{which} has changed, as marked below: a new run may give other numbers"


def _lines(record: Record, shard: str, rows: int, shared: bool, common: Facts) -> list[str]:
    facts, other = record.provenance[shard], today(record, shard)
    hashes = []
    for name, word in OWN.items():
        digits = str(facts.get(name) or "")[: DIGITS if shared else None]
        hashes.append(f"{word} {digits or 'not recorded'}{' (not as today)' if word in other else ''}")
    took = f"{facts['seconds_total']:.1f} s" if facts.get("seconds_total") else "time not recorded"
    own = [f"{name} {_text(value)}" for name, value in _others(facts).items() if name not in common]
    return [
        item(f"{count(rows, 'row')}, started {facts.get('started') or 'not recorded'}, {took}"),
        *([item(", ".join([*hashes, *own]))] if shared else map(item, [*hashes, *own])),
    ]


def _agreed(record: Record, shards: Sequence[str]) -> Facts:
    """What all of these say alike, beside what every block shows."""
    first, *others = [_others(record.provenance[shard]) for shard in shards]
    return {
        name: value
        for name, value in first.items()
        if all(name in one and one[name] == value for one in others)
    }


def _others(facts: Facts) -> Facts:
    """What is recorded beyond the facts that have a place of their own, such as a job's number."""
    return {
        name: value
        for name, value in sorted(facts.items())
        if name not in {*SHARED, *OWN, *OF_ONE_SHARD, "started"}
        and not name.startswith("seconds_")
        and value not in (None, [], {}, "")
    }


def _commit(facts: Facts, digits: int | None = None) -> str:
    """
    >>> _commit({"git_commit": "0123456789abcdef", "git_clean": False}, 4), _commit({})
    ('commit 0123 with changes that are in no commit', 'not under git')
    """
    if not facts.get("git_commit"):
        return f"commit unknown: {refused}" if (refused := facts.get("git_refused")) else "not under git"
    state = ", clean tree" if facts.get("git_clean") else " with changes that are in no commit"
    return f"commit {facts['git_commit'][:digits]}{state}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
