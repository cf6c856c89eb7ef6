"""YAML that is only data, from a file that nobody has to trust: it makes no objects, and nothing in it grows.

PyYAML's safe loader makes no objects either, but it lets a few hundred bytes of aliases stand for a billion
values, nests until Python gives up, and takes the last of two equal keys.  Here each of these is one line.
"""

import re
from pathlib import Path
from typing import Any, NoReturn

import yaml

from rnnlimits.planning.config.messages import ConfigError, one_line, short

LARGEST_BYTES = 2**20
LARGEST_VALUES = 200_000  # each alias counted as what it stands for
DEEPEST = 40  # a config needs six
# Escapes can write what YAML refuses as plain text: the commands of a terminal, half a character.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; every way in which that can fail is a ConfigError."""
    text = _text(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError([f"{path}{line}: {one_line(error.problem or error.context)}"]) from error
    except yaml.reader.ReaderError as error:
        line = f", line {text.count(chr(10), 0, error.position) + 1}"
        raise ConfigError([f"{path}{line}: not YAML ({one_line(error)})"]) from error


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that holds a null byte
        reason = getattr(error, "strerror", None) or error
        raise ConfigError([f"{path}: cannot be read ({reason}); give the path of a YAML file"]) from error
    if len(content) > LARGEST_BYTES:
        raise ConfigError([f"{path}: larger than {LARGEST_BYTES:,} bytes; give a YAML file, or split it"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise ConfigError([f"{path}, line {line}: {what}"]) from error


class _Loader(yaml.SafeLoader):
    """Also without two traps: a repeated key would win silently, and 1e-3 would be text."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > DEEPEST:
            _refuse(f"nested more than {DEEPEST} deep; remove brackets", self.peek_event())  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _measure(node, {})
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # a day that no month has, a number of 5,000 digits
            _refuse(f"got {short(node.value)}: {one_line(error)}", node)

    def construct_scalar(self, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode) and (found := UNPRINTABLE.search(node.value)):
            _refuse(f"got the unprintable character {found[0]!r}; expected text without it", node)
        return super().construct_scalar(node)


def _refuse(problem: str, where: Any) -> NoReturn:
    raise yaml.constructor.ConstructorError(None, None, problem, where.start_mark)


def _measure(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many values a node stands for, and how deep they lie."""
    if id(node) not in known:
        known[id(node)] = 1, 1  # where a node contains itself; PyYAML refuses that when it makes the values
        inner = [_measure(part, known) for part in _parts(node)]
        values, depth = 1 + sum(size for size, _ in inner), 1 + max((deep for _, deep in inner), default=0)
        if values > LARGEST_VALUES:
            _refuse(f"more than {LARGEST_VALUES:,} values; write fewer aliases (*)", node)
        if depth > DEEPEST:
            _refuse(f"nested more than {DEEPEST} deep; write fewer aliases (*)", node)
        known[id(node)] = values, depth
    return known[id(node)]


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, str) and key in seen:
            _refuse(f"key {short(key)} is there twice; keep one", key_node)
        seen.add(str(key))
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)
