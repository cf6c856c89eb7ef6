"""A label of the config, resolved: the file that it names, and its options, checked before any job starts."""

import dataclasses
import functools
import json
from collections.abc import Iterator
from typing import Any

from pydantic import (
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
)

from rnnlimits import catalog
from rnnlimits.planning.config.fields import fields as option_fields
from rnnlimits.planning.config.messages import Where, mistake, mistakes, short, told, unknown_key
from rnnlimits.planning.config.values import LARGEST, LARGEST_OPTION


@dataclasses.dataclass(frozen=True)
class Page:
    """A label of the config, resolved: which file it means, with which options."""

    page: str
    options: Any

    @property
    def values(self) -> dict[str, Any]:
        """All options, defaults included, as JSON knows them."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self.options)))
        return values


def _with_page(labels: Any) -> Any:
    """`elman: {gain: 2}` means the page `elman`; a label of its own choosing names its page with `page:`."""
    if not isinstance(labels, dict):
        return labels
    filled = {label: {} if value is None else value for label, value in labels.items()}
    return {
        label: {"page": label} | value if isinstance(value, dict) else value
        for label, value in filled.items()
    }


@functools.cache
def _adapter(folder: str, name: str) -> TypeAdapter[Any]:
    options_class = catalog.options(folder, name)
    options_class.__pydantic_config__ = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)  # type: ignore[attr-defined]
    return TypeAdapter(options_class)


def resolve(folder: str, values: Any) -> Page:
    """The page that `{page: NAME, ...}` means, its options checked; a ValidationError where it means none."""
    if not isinstance(values, dict):
        raise mistake(f"got {short(values)}; expected a mapping of options, or {{}} for the defaults")
    values = dict(values)
    try:
        name = catalog.path(folder, values.pop("page")).stem
    except LookupError as error:
        raise mistake(str(error)) from error
    known = [option.name for option in option_fields(folder, name)]
    if unknown := [key for key in values if key not in known]:
        raise mistakes(((str(key),), unknown_key(key, ["page", *known])) for key in unknown)
    # JSON mode is strict about numbers and words, and takes a list for a tuple, which YAML cannot write.
    options = _adapter(folder, name).validate_json(json.dumps(values, default=str))
    if found := list(_too_large(options)):
        raise mistakes(found)
    return Page(name, _with_inner(folder, options))


def _too_large(options: Any) -> Iterator[tuple[Where, str]]:
    """Numbers that no page could compute with, whatever they mean there."""
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        for one in value if isinstance(value, tuple) else [value]:
            if isinstance(one, int) and abs(one) > LARGEST:
                yield (field.name,), f"got {short(one)}; expected a whole number of at most {LARGEST}"
            if isinstance(one, float) and abs(one) > LARGEST_OPTION:
                yield (
                    (field.name,),
                    f"got {short(one)}; expected a number of at most {LARGEST_OPTION:g} in size",
                )


def _with_inner(folder: str, options: Any) -> Any:
    """A page that is made `of` another one has options for that: they are checked and filled in as well."""
    if folder != "architectures" or options.of is None:
        return options
    inner = _inner(folder, options.of, "inner", options.inner or {})
    last = options.last_layer and _inner(folder, options.of, "last_layer", inner | options.last_layer)
    return dataclasses.replace(options, inner=inner, last_layer=last or None)


def _inner(folder: str, name: str, key: str, values: dict[str, Any]) -> dict[str, Any]:
    try:
        return resolve(folder, {**values, "page": name}).values
    except ValidationError as error:
        found = [f"{where}: {said}" if where else said for where, said in told(error, lambda where: [])]
        raise mistakes(((key,), line) for line in found) from error


def resolved(folder: str) -> PlainValidator:
    """For a pydantic field: a mapping becomes the Page that it means."""
    return PlainValidator(functools.partial(resolve, folder))


# For a mapping of labels: each label stands for itself unless it names a page.
Labelled = BeforeValidator(_with_page)
# A dumped config reads like the file that it came from, with the defaults filled in.
AsWritten = PlainSerializer(lambda page: {"page": page.page} | page.values)
