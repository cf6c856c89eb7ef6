"""What a config can name, as lines to read: every page with its options and their defaults.

tasks
  adding                     Add the two marked numbers of a sequence.
      ...
"""

import json
from collections.abc import Iterator

from rnnlimits import catalog
from rnnlimits.planning.config.fields import fields as option_fields


def lines() -> Iterator[str]:
    """Folder by folder; the pages of figures have no options."""
    for folder in catalog.NOUNS:
        yield folder
        for name in catalog.names(folder):
            yield f"  {name:26} {catalog.summary(folder, name)}"
            if folder != "figures":
                yield from _options(folder, name)


def _options(folder: str, name: str) -> Iterator[str]:
    for option in option_fields(folder, name):
        choices = f"  ({' | '.join(map(str, option.choices))})" if option.choices else ""
        comment = f"  # {option.comment}" if option.comment else ""
        value = "required" if option.required else _as_yaml(option.default)
        yield f"      {option.name}: {value}{choices}{comment}"


def _as_yaml(value: object) -> str:
    """A default as one would write it in a config: null, true, [1, 2], adam."""
    return json.dumps(value).strip('"')
