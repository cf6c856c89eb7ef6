"""The options of a page, field by field: for messages, for `rnnlimits list`, for what a claim may write."""

import ast
import dataclasses
import typing
from pathlib import Path
from typing import Any

from rnnlimits import catalog


@dataclasses.dataclass(frozen=True)
class Option:
    """One field of a page's Options, as `rnnlimits list` shows it."""

    name: str
    default: Any
    choices: tuple[Any, ...]  # empty where any value of the type will do
    comment: str  # what the page says behind the field

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING


def fields(folder: str, name: str) -> list[Option]:
    """The options of a page with their defaults, choices and comments."""
    options_class = catalog.options(folder, name)
    hints, comments = typing.get_type_hints(options_class), _comments(catalog.path(folder, name))
    return [
        Option(field.name, field.default, _choices(hints[field.name]), comments.get(field.name, ""))
        for field in dataclasses.fields(options_class)
    ]


def _choices(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()


def _comments(file: Path) -> dict[str, str]:
    """What stands behind `#` on the lines of the fields of Options."""
    # ast counts columns in bytes of UTF-8, not in characters.
    lines = file.read_bytes().splitlines()
    found, page = {}, catalog.class_of(file, "Options")
    for node in page[1].body if page else []:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), end_lineno=int(line), end_col_offset=int(column)):
                found[name] = lines[line - 1][column:].decode().partition("#")[2].strip()
    return found
