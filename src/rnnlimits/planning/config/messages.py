"""A mistake in a config becomes one line: where it is, what came, what was possible, what to do.

>>> print(unknown_key("updatess", ["batch_size", "updates"]))
unknown key 'updatess'; did you mean 'updates'? (possible: batch_size, updates)
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Where = tuple[str | int, ...]
LONGEST = 60  # characters of what came, so that a message stays readable


class ConfigError(ValueError):
    """All that is wrong with a config file, one line each."""

    def __init__(self, lines: Iterable[str]):
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def unknown_key(key: object, possible: Collection[str]) -> str:
    """What to say about a key that nothing reads."""
    return f"unknown key {short(key)}; {_hint(key, possible, otherwise='remove it')}"


def unknown_word(word: object, possible: Collection[str]) -> str:
    """What to say about a value that is none of the few possible ones."""
    return f"got {short(word)}; {_hint(word, possible, otherwise='take a possible one')}"


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


def short(value: object) -> str:
    """A value as Python writes it, in one line of 60 characters."""
    return cut(one_line(repr(value)))


def one_line(message: object) -> str:
    return " ".join(str(message).split())


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list, as in [1, 2]",
    "tuple_type": "a list, as in [1, 2]",
    "string_too_long": "at most {max_length} characters",
    "dict_type": "a mapping of labels",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "finite_number": "a finite number",
    "greater_than": "a number greater than {gt:g}",
    "greater_than_equal": "a number not less than {ge:g}",
    "less_than": "a number less than {lt:g}",
    "less_than_equal": "a number not greater than {le:g}",
    "too_short": "at least one",
    "recursion_loop": "it contains itself",
}


Keys = Callable[[Where], Collection[str]]  # those that may stand in the mapping at a place


def tell(error: ValidationError, possible_keys: Keys, kinds: Collection[str]) -> list[str]:
    """'studies.copy.seeds: got 0; expected a number greater than 0' for everything that pydantic found."""
    return [f"{where or 'the whole file'}: {said}" for where, said in told(error, possible_keys, kinds)]


def told(
    error: ValidationError, possible_keys: Keys, kinds: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """The same in two parts: the place, "" for the whole, and what to say of it."""
    for one in error.errors(include_url=False):
        # pydantic adds the kind of a study and "[key]" to the path; neither stands there in the file.
        written = [
            part for i, part in enumerate(one["loc"]) if not (i == 2 and part in kinds) and part != "[key]"
        ]
        yield place(tuple(written)), _message(one, possible_keys)


def place(where: Where) -> str:
    """A path as people write it; "" for the whole.

    >>> place(("studies", "short", "lengths", 0)), place(())
    ('studies.short.lengths[0]', '')
    """
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{cut(one_line(part))}" for part in where)
    return dotted.removeprefix(".")


def _message(one: ErrorDetails, possible_keys: Callable[[Where], Collection[str]]) -> str:
    context = one.get("ctx", {})
    came = short(one["input"])
    match one["type"]:
        case "mistake":
            return str(context["message"])
        case "extra_forbidden":
            return unknown_key(one["loc"][-1], possible_keys(one["loc"][:-1]))
        case "value_error":  # raised by a page's own Options
            return one_line(context["error"])
        case "missing":
            return "missing; write this key"
        case "literal_error":
            words = re.findall(r"'([^']*)'", context["expected"])
            return unknown_word(one["input"], words or [context["expected"]])
        case "string_pattern_mismatch":
            return f"got {came}; expected lower-case letters, digits and _, first a letter, 40 at most"
        case other if other in WANTED:
            return f"got {came}; expected {WANTED[other].format(**context)}"
    return f"got {came}: {one_line(one['msg'])}"
