"""One file a check, found by its name: the numbers of cells ─► a verdict, a sentence, the bound.

Nearly every check rests on `bounds.inside`: the claim puts a number between two bounds, the seeds give an
interval.  It is *reproduced* if the interval lies inside, *contradicted* if it lies outside, *undecided* if
it straddles a bound.  Too few seeds are undecided as well, a majority of them that diverged, and a mean of
seeds of which some solved the task and others did not.

A check of failure, or of a share, can speak only of what was trained: see the column `training`.

A page holds `class Options(CheckOptions)`, the keys that a claim's part may have beside study and where;
planning checks these without importing the page.  And it holds `judge`: from what `Options.looks_at` names,
and the options, to a Finding.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnnlimits import catalog
from rnnlimits.analysis.claims.finding import Finding
from rnnlimits.contracts import CheckOptions
from rnnlimits.planning.config.fields import fields as option_fields


@dataclass(frozen=True)
class Check:
    """One check, as a part of a claim asks for it."""

    options: CheckOptions
    judge: Callable[..., Finding]
    question: str  # the first line of its page

    def one_of(self, parts: int) -> "Check":
        """The same check as one of so many parts, each of which could contradict the claim."""
        return replace(self, options=self.options.stricter(parts))

    def __call__(self, *looked_at: Any, options: CheckOptions | None = None) -> Finding:
        return self.judge(*looked_at, options or self.options)


def of(part: Mapping[str, Any]) -> Check:
    """The check that a part names, with the part's keys as its options."""
    name = part["check"]
    page = catalog.module("checks", name)
    known = {option.name for option in option_fields("checks", name)}
    options = page.Options(**{key: value for key, value in part.items() if key in known})
    return Check(options, page.judge, catalog.summary("checks", name))
