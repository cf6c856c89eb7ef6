"""Which of the known things a name means."""

import difflib
from collections.abc import Mapping, Sequence

MOST_NAMED = 8


def find(name: str, known: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """(kind, whole name) of what is meant, written out or by its unique beginning.

    A figure tells of its tables, so a table that shares its name is not told again.

    >>> known = {"claim": ["bound"], "figure": ["cost", "reach"], "table": ["reach"], "shard": ["s.a", "s.b"]}
    >>> find("bou", known), find("reach", known)
    ([('claim', 'bound')], [('figure', 'reach')])
    >>> find("s.", known)
    Traceback (most recent call last):
    LookupError: 2 names begin with 's.'; write one of them out: s.a, s.b
    >>> find("costs", known)
    Traceback (most recent call last):
    LookupError: nothing is called 'costs'; did you mean 'cost'? (claim: bound; figure: cost, reach; \
table: reach; shard: 2, see `rnnlimits plan`)
    """
    everything = sorted({one for these in known.values() for one in these})
    begun = [one for one in everything if one == name] or [one for one in everything if _begins(one, name)]
    if not name or not begun:
        raise LookupError(f"nothing is called {name!r}; {_near(name, everything)}({_possible(known)})")
    if len(begun) > 1:
        shown = ", ".join(begun[:MOST_NAMED]) + (", …" if len(begun) > MOST_NAMED else "")
        raise LookupError(f"{len(begun)} names begin with {name!r}; write one of them out: {shown}")
    kinds = [kind for kind, these in known.items() if begun[0] in these]
    return [(kind, begun[0]) for kind in kinds if not (kind == "table" and "figure" in kinds)]


def _begins(whole: str, name: str) -> bool:
    """A number is never the beginning of another: shards of 10 and of 100 steps are two things.

    >>> _begins("memory.lstm.t100", "memory.lstm.t10"), _begins("memory.lstm.t100", "memory.ls")
    (False, True)
    """
    return whole.startswith(name) and not (name[-1:].isdigit() and whole[len(name) :][:1].isdigit())


def _near(name: str, everything: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, everything, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(map(repr, near))}? " if near else "take a known name "


def _possible(known: Mapping[str, Sequence[str]]) -> str:
    listed = {kind: ", ".join(these) or "none" for kind, these in known.items()}
    # Shards come by the hundred.
    return "; ".join(
        f"{kind}: {words if kind != 'shard' else f'{len(known[kind])}, see `rnnlimits plan`'}"
        for kind, words in listed.items()
    )
