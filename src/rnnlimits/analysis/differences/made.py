"""How two runs were made: what is recorded of the same shards and differs, and the two configs."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rnnlimits.analysis.differences.run import Run

# What a fact is about, in the order of the page; all others, such as seconds, differ in any two runs.
KINDS = {
    "config_hash": ("config", "spec"),
    "code_fingerprint": ("code", "fingerprint"),
    "git_commit": ("code", "commit"),
    "git_clean": ("code", "in the commit"),
    "versions": ("version", ""),
    "backend": ("version", "loops over time"),
    "facts": ("data", ""),
    "host": ("hardware", "host"),
    "device": ("hardware", "device"),
    "arithmetic": ("hardware", ""),
}
NOT_THERE, NOTHING = "not recorded", "nothing"
DIGITS, LONGEST = 12, 60


class Difference(NamedTuple):
    """One thing that is otherwise, and in how many of the shards."""

    what: str
    name: str
    first: str
    second: str
    shards: int | None = None  # None: of the whole run


def differences(first: Run, second: Run, shards: Sequence[str]) -> list[Difference]:
    """Of the shards in both, and of the configs where both are known."""
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for shard in shards:
        counted.update(_of_shard(first.facts[shard], second.facts[shard]))
    order = list(dict.fromkeys(what for what, _ in KINDS.values()))
    found = [Difference(*key, number) for key, number in _gathered(counted)]
    configs = _of_configs(first.config, second.config) if first.config and second.config else ()
    return [
        *configs,
        *sorted(found, key=lambda one: (order.index(one.what), one.name, one.first, one.second)),
    ]


def _of_shard(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for fact, (what, name) in KINDS.items():
        sides = [side.get(fact) for side in (first, second)]
        one, other = (side if isinstance(side, dict) else {name or fact: side} for side in sides)
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                yield what, str(key), _text(one.get(key)), _text(other.get(key))


def _gathered(
    counted: Mapping[tuple[str, str, str, str], int],
) -> Iterator[tuple[tuple[str, str, str, str], int]]:
    """Every shard has hashes of its own: of many different ones only how many there are is told."""
    names = Counter((what, name) for what, name, _, _ in counted)
    several = {key for key, number in names.items() if number > 1 and key[0] in ("config", "code")}
    yield from ((key, number) for key, number in counted.items() if key[:2] not in several)
    for what, name in sorted(several):
        shards = sum(number for key, number in counted.items() if key[:2] == (what, name))
        yield (what, name, f"{names[what, name]} of them", "others"), shards


def _of_configs(first: Any, second: Any, path: str = "") -> Iterator[Difference]:
    """Key by key; a whole study that one of them lacks is one line, and null is as good as no key."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in sorted({*first, *second}):
            inner = f"{path}.{key}" if path else str(key)
            yield from _of_configs(first.get(key), second.get(key), inner)
    elif first != second:
        yield Difference("config", path, _text(first, NOTHING), _text(second, NOTHING))


def _text(value: Any, nothing: str = NOT_THERE) -> str:
    """
    >>> _text(None), _text("0123456789abcdef" * 4), _text([1, 2])
    ('not recorded', '0123456789ab', '[1, 2]')
    """
    if value is None:
        return nothing
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    if len(text) in (40, 64) and set(text) <= {*"0123456789abcdef"}:
        return text[:DIGITS]
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
