"""What an entry of claims.yaml may say; checked before any job starts, so without pandas.

    - id: plain_gradients_vanish
      title: Gradients of a plain recurrent network vanish          60 characters at most
      says: The sentence, as a reader of the source would put it.
      source: {key: Bengio et al. (1994), place: section III}       key: one of the file's `sources`
      type: theory                                                  one of TYPES
      full: {length_steps: 100}                                     the source's sizes; {}: nothing to cut
      reduced: What was cut down, and why it may matter.
      paper: What the source measured.
      bounds: Where the bounds come from, if not from the source: a pilot run, or data that were seen.
      tried: What was tried, where the verdict is contradicted or undecided.
      disputes: What the field does not agree on.
      needs: What it takes to run it, such as a CUDA GPU; said where it was not run.
      parts:
      - {check: at_most, bound: 0, study: initialisation, where: {variant: elman, metric: gradient_slope}}
      - {check: ..., positive_control: true}                          without this a failure says nothing

Whether the study and the columns of `where` exist is looked at in claim_plan.py; what a check needs and does
stands in its own file, analysis/claims/checks/NAME.py.
"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from rnnlimits import catalog
from rnnlimits.planning.config import options
from rnnlimits.planning.config.fields import fields as option_fields
from rnnlimits.planning.config.messages import cut, one_line, short, told, unknown_key, unknown_word

TYPES = {
    "theory": "holds exactly, whatever the seed",
    "ordering": "one is better than the other",
    "number": "ours lies within a range",
    "failure": "no better than guessing, within a budget",
    "share": "so many seeds solve it",
}
REQUIRED = ("id", "title", "says", "source", "type", "parts")
OPTIONAL = ("full", "reduced", "paper", "bounds", "tried", "disputes", "needs")
LONGEST_TITLE = 60
ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
SIZES = ("length_steps", "hidden_size", "parameters", "updates", "batch_size", "seeds")  # columns of a plan
TEXTS = ("title", "says", "reduced", "paper", "bounds", "tried", "disputes", "needs")


def problems(content: Any) -> list[str]:
    """One line for each mistake in the form of a claims file; claim_plan looks at what its parts name."""
    if not isinstance(content, dict) or not isinstance(content.get("claims"), list):
        return ["the whole file: give a mapping with a list `claims` and a mapping `sources`"]
    sources = content.get("sources") or {}
    if not isinstance(sources, dict) or not all(map(is_text, [*sources, *sources.values()])):
        return ["sources: give a mapping of names to references, both in text"]
    found = [unknown_key(key, ("sources", "claims")) for key in content if key not in ("sources", "claims")]
    seen: set[Any] = set()
    for number, claim in enumerate(content["claims"]):
        name = claim.get("id") if isinstance(claim, dict) else None
        if not is_text(name):
            found.append(f"claim {number + 1}: no id; give each claim a mapping with an id, in text")
            continue
        if not ID.fullmatch(str(name)):  # files are called so
            found.append(
                f"{cut(one_line(name))}: no id; give a letter, then letters, digits, _ and -, 60 at most"
            )
            continue
        if name in seen:
            found.append(f"{name}: this id is there twice; give each claim its own")
        seen.add(name)
        found += [f"{cut(one_line(name))}{line}" for line in _of_claim(claim, sources)]
    return found


def is_text(value: Any) -> bool:
    """Text for a cell of a table, in which a spreadsheet finds no formula.

    >>> is_text("LSTM needs fewer bits"), is_text("=HYPERLINK(A1)"), is_text(3)
    (True, False, False)
    """
    return isinstance(value, str) and value.strip()[:1] not in ("", "=", "+", "-", "@")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_claim(claim: dict[str, Any], sources: dict[str, str]) -> Iterator[str]:
    yield from _keys(claim, REQUIRED, OPTIONAL)
    for key in TEXTS:
        if key in claim and not is_text(claim[key]):
            yield f".{key}: got {short(claim[key])}; expected text that begins with none of = + - @"
    title = str(claim.get("title", ""))
    if len(title) > LONGEST_TITLE:
        yield f".title: got {len(title)} characters; expected {LONGEST_TITLE} at most"
    if "type" in claim and claim["type"] not in list(TYPES):
        yield f".type: {unknown_word(claim['type'], tuple(TYPES))}"
    source = claim.get("source")
    if not isinstance(source, dict) or set(source) != {"key", "place"} or not is_text(source["place"]):
        yield ".source: give {key: one of the sources, place: where in it}"
    elif source["key"] not in list(sources):
        yield f".source.key: {unknown_word(source['key'], tuple(sources))}"
    full = claim.get("full", {})
    if not isinstance(full, dict) or not set(full) <= set(SIZES) or not all(map(is_number, full.values())):
        yield ".full: give a mapping of columns to the source's numbers, or {}"
    parts = claim.get("parts")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        yield ".parts: give a list of mappings, each with check, study and where"
        return
    for position, part in enumerate(parts):
        for line in _of_part(part):
            yield f".parts[{position}]{line}"
    yield from _of_controls(claim)


def _of_controls(claim: dict[str, Any]) -> Iterator[str]:
    controls = [part.get("positive_control") is True for part in claim["parts"]]
    if claim.get("type") == "failure" and not any(controls):
        yield ".parts: a failure needs a part with `positive_control: true`, which must succeed"
    if all(controls):
        yield ".parts: every part is a positive control; leave the key out where the claim speaks"


def _of_part(part: dict[str, Any]) -> Iterator[str]:
    if part.get("check") not in (known := catalog.names("checks")):
        yield f".check: {unknown_word(part.get('check'), known)}"
        return
    form, fields = catalog.check(part["check"]), option_fields("checks", part["check"])
    required = [option.name for option in fields if option.required]
    against = ("against",) if form.looks_at == "pair" else ()
    optional = ("positive_control", *(option.name for option in fields if not option.required))
    yield from _keys(part, ("check", "study", "where", *required, *against), optional)
    for key in ("where", "against"):
        if key in part and not _is_selection(part[key]):
            yield f".{key}: give a mapping of columns to values, or to lists of values"
    if not isinstance(part.get("positive_control", False), bool):
        yield f".positive_control: got {short(part['positive_control'])}; expected true or false"
    if form.metric and _metric(part) != form.metric:
        yield f".where.metric: {part['check']} looks at one metric; give {form.metric}"
    if set(required) <= set(part):
        yield from _of_options(part, {option.name for option in fields})


def _of_options(part: dict[str, Any], known: set[str]) -> Iterator[str]:
    """What the check's own Options say of the values."""
    values = {key: value for key, value in part.items() if key in known}
    try:
        options.resolve("checks", {**values, "page": part["check"]})
    except ValidationError as error:
        for where, said in told(error, lambda where: sorted(known)):
            yield f".{where}: {said}" if where else f": {said}"


def _metric(part: dict[str, Any]) -> Any:
    where = part.get("where")
    return where.get("metric") if isinstance(where, dict) else None


def _is_selection(selection: Any) -> bool:
    values = selection.values() if isinstance(selection, dict) else [{}]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return all(isinstance(one, str | float) or (isinstance(one, int) and abs(one) < 2**31) for one in flat)


def _keys(entry: dict[str, Any], required: tuple[str, ...], optional: tuple[str, ...]) -> Iterator[str]:
    for key in entry:
        if key not in required + optional:
            yield f": {unknown_key(key, required + optional)}"
    for key in required:
        if key not in entry:
            yield f".{key}: missing; write this key"
