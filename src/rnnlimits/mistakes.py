"""A mistake in a config becomes one line: where it is, what came, what was possible, what to do.

>>> print(unknown_key("stepps", ["batch", "steps"]))
unknown key 'stepps'; did you mean 'steps'? (possible: batch, steps)
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Where = tuple[str | int, ...]


class ConfigError(ValueError):
    """All that is wrong with a config file, one line each."""

    def __init__(self, lines: Iterable[str]):
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def unknown_key(key: object, possible: Collection[str]) -> str:
    """What to say about a key that nothing reads."""
    return f"unknown key {key!r}; {_hint(key, possible, otherwise='remove it')}"


def unknown_word(word: object, possible: Collection[str]) -> str:
    """What to say about a value that is none of the few possible ones."""
    return f"{_short(word)} came; {_hint(word, possible, otherwise='take a possible one')}"


def _hint(came: object, possible: Collection[str], otherwise: str) -> str:
    near = difflib.get_close_matches(str(came), possible, n=1)
    return (
        f"{f'did you mean {near[0]!r}?' if near else otherwise} (possible: {', '.join(possible) or 'none'})"
    )


def mistake(message: str) -> PydanticCustomError:
    """One mistake, to be raised inside a validator; pydantic adds where."""
    return PydanticCustomError("mistake", "{message}", {"message": message})


def mistakes(found: Iterable[tuple[Where, str]]) -> ValidationError:
    """Several mistakes at once, each with its place below the value that is being validated."""
    details = [InitErrorDetails(type=mistake(message), loc=where, input=None) for where, message in found]
    return ValidationError.from_exception_data("mistakes", details)


class _Loader(yaml.SafeLoader):
    """YAML without its two traps: a repeated key would win silently, and 1e-3 would be text."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, str) and key in seen:
            problem = f"key {key!r} is there twice; keep one"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        seen.add(str(key))
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; every way in which that can fail is a ConfigError."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigError(
            [f"{path}: cannot be read ({error.strerror}); give the path of a YAML file"]
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError([f"{path}{line}: {_one_line(error.problem or error.context)}"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([f"{path}: not YAML ({_one_line(error)})"]) from error


def _short(value: object) -> str:
    text = _one_line(repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


WANTED = {
    "int_type": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "string_type": "give text",
    "bool_type": "give true or false",
    "list_type": "give a list, as in [1, 2]",
    "tuple_type": "give a list, as in [1, 2]",
    "dict_type": "give a mapping of labels",
    "model_type": "give a mapping of keys",
    "model_attributes_type": "give a mapping of keys",
    "finite_number": "give a finite number",
    "greater_than": "give a number greater than {gt:g}",
    "greater_than_equal": "give a number not less than {ge:g}",
    "less_than": "give a number less than {lt:g}",
    "less_than_equal": "give a number not greater than {le:g}",
    "too_short": "give at least one",
    "recursion_loop": "it contains itself",
}


def tell(
    error: ValidationError, possible_keys: Callable[[Where], Collection[str]], kinds: Collection[str]
) -> list[str]:
    """'studies.copy.seeds: 0 came; give a number greater than 0' for everything that pydantic found."""
    lines = []
    for one in error.errors(include_url=False):
        # pydantic adds the kind of a study and "[key]" to the path; neither stands there in the file.
        written = [
            part for i, part in enumerate(one["loc"]) if not (i == 2 and part in kinds) and part != "[key]"
        ]
        lines.append(f"{place(tuple(written))}: {_message(one, possible_keys)}")
    return lines


def place(where: Where) -> str:
    """A path as people write it.

    >>> place(("studies", "short", "lengths", 0))
    'studies.short.lengths[0]'
    """
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{_one_line(part)}" for part in where)
    return dotted.removeprefix(".") or "the whole file"


def _message(one: ErrorDetails, possible_keys: Callable[[Where], Collection[str]]) -> str:
    context = one.get("ctx", {})
    came = _short(one["input"])
    match one["type"]:
        case "mistake":
            return str(context["message"])
        case "extra_forbidden":
            return unknown_key(one["loc"][-1], possible_keys(one["loc"][:-1]))
        case "value_error":  # raised by a page's own Options
            return _one_line(context["error"])
        case "missing":
            return "missing; write this key"
        case "literal_error":
            words = re.findall(r"'([^']*)'", context["expected"])
            return unknown_word(one["input"], words or [context["expected"]])
        case "string_pattern_mismatch":
            return f"{came} came; give lower-case letters, digits and _, first a letter, 40 at most"
        case other if other in WANTED:
            return f"{came} came; {WANTED[other].format(**context)}"
    return f"{came} came; {_one_line(one['msg'])}"
