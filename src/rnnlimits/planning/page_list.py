"""What a config can name, as lines to read: every page with its options and their defaults.

tasks
  adding                     Add the two marked numbers of a sequence.
      ...
"""

import json
from collections.abc import Iterator

from rnnlimits import catalog
from rnnlimits.planning.config.fields import fields as option_fields


def lines(asked: str | None = None) -> Iterator[str]:
    """Folder by folder; the pages of figures have no options.  Or one folder, or the pages of one name.

    LookupError where nothing has that name.

    >>> [line.split()[0] for line in lines("architecture")][:2]
    ['architectures', 'antisymmetric']
    """
    for folder, names in _chosen(asked).items():
        yield folder
        for name in names:
            yield f"  {name:26} {catalog.summary(folder, name)}"
            if folder != "figures":
                yield from _options(folder, name)


def kinds_of(name: str) -> list[str]:
    """What a page of this name is: an architecture, a task; nothing where there is none.

    >>> kinds_of("lstm"), kinds_of("nothing")
    (['architecture'], [])
    """
    return [noun for folder, noun in catalog.NOUNS.items() if name in catalog.names(folder)]


def _chosen(asked: str | None) -> dict[str, list[str]]:
    everything = {folder: catalog.names(folder) for folder in catalog.NOUNS}
    if asked is None:
        return everything
    for folder, noun in catalog.NOUNS.items():
        if asked in (folder, noun):
            return {folder: everything[folder]}
    named = {folder: [asked] for folder, names in everything.items() if asked in names}
    known = [*everything, *(name for names in everything.values() for name in names)]
    if not named:
        catalog.pick(asked, known, noun="kind or page")
    return named


def _options(folder: str, name: str) -> Iterator[str]:
    for option in option_fields(folder, name):
        choices = f"  ({' | '.join(map(str, option.choices))})" if option.choices else ""
        comment = f"  # {option.comment}" if option.comment else ""
        value = "required" if option.required else _as_yaml(option.default)
        yield f"      {option.name}: {value}{choices}{comment}"


def _as_yaml(value: object) -> str:
    """A default as one would write it in a config: null, true, [1, 2], adam."""
    return json.dumps(value).strip('"')
