"""Configs with something wrong in them, and what the user reads."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rnnlimits.planning.config.messages import ConfigError
from rnnlimits.planning.load import load
from support.example_config import GOOD, changed


def lines_of(path: Path, text: str) -> list[str]:
    """What is wrong with a config file, without the path in front."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(path)
    return [line.removeprefix(f"{path}: ") for line in error.value.lines]


def lines(path: Path, *changes: tuple[str, Any]) -> list[str]:
    """The same after some changes to the good config, each at a place like `studies.matched.seeds`."""
    raw = GOOD
    for place, value in changes:
        keys = [int(key) if key.isdigit() else key for key in re.split(r"[.\[\]]+", place.rstrip("]"))]
        raw = changed(raw, tuple(keys), value)
    return lines_of(path, yaml.safe_dump(raw, sort_keys=False))


def places(value: Any, place: tuple = ()) -> list[tuple]:
    """Every place in a config, from the top to the leaves."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*place, key) for key, _ in inner] + [
        one for key, part in inner for one in places(part, (*place, key))
    ]


NASTY = [
    "a b", "a;touch x", "$(touch x)", "`touch x`", "a'b", 'a"b', "a\nb", "../x", "/etc/x", "-rf", "--out=x",
    "~", "*", "[a]", "{x}", "{{x}}", "{wildcards.shard}", "%s", "a|b", "a&b", "a>b", "a\\b", "a\0b",
    "a\x1b[31m", "x" * 5000, "Ünïcödé", "日本語", "\u202egnp", "<script>alert(1)</script>", "=cmd()", "$x^2$",
    "$", "", " ", ".", "..", "None", "__init__", "a.b", "\ud800",
]  # fmt: skip


WRONG = [None, True, "x", -1, 10**30, -0.5, float("nan"), float("inf"), [], [[1]], {}, {"x": 1}, [None], b"x"]
