"""Before a run: how many seeds each check of a claim would take, if seeds spread as those of known rows.

C3: Adding defeats a plain network, not an IRNN or a GRU
part  check         seeds  verdict     seeds to decide it  measured
1.1   near_chance      10  undecided                   12  elman on adding (h 64, T 100) ...
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rnnlimits.analysis import claims, tables
from rnnlimits.analysis.claims import checks
from rnnlimits.analysis.claims.details import places
from rnnlimits.analysis.claims.finding import NOT_RUN, UNDECIDED, Finding
from rnnlimits.analysis.claims.selection import plan_of
from rnnlimits.catalog import pick
from rnnlimits.planning import grid
from rnnlimits.planning.config.schema import Config

HEAD = f"{'part':6}{'check':14}{'seeds':>5}  {'verdict':13}{'seeds to decide it':>18}  measured"


def lines(claim: str, config: Config, rows_paths: Sequence[str | Path]) -> Iterator[str]:
    """A line for each finding; a LookupError where the config has no such claim."""
    known = {one["id"]: one for one in config.claims_content["claims"]}
    chosen = known[pick(claim, list(known), noun="claim")]
    rows = tables.read(rows_paths)
    judged = claims.weigh(chosen, rows, plan_of(rows, grid.shards(config)), config.confidence)
    yield f"{chosen['id']}: {chosen['title']}"
    yield HEAD
    for place, part, finding in places(judged):
        yield _line(place, part, finding, config.confidence)


def _line(place: dict[str, Any], part: Any, finding: Finding, confidence: float) -> str:
    where, check = f"{place['part']}.{place['finding']}", part["check"]
    needed = _needed(finding, checks.of(part).options.fewest(confidence))
    head = f"{where:6}{check:14}{finding.interval.n:5}  {finding.verdict:13}{needed:>18}"
    return f"{head}  {finding.sentence}"


def _needed(finding: Finding, fewest: int) -> str:
    """What would decide it: known from the spread, or at least what the check asks for."""
    if finding.verdict == NOT_RUN:
        return f"at least {fewest}"
    if finding.verdict != UNDECIDED:
        return "decided"
    return f"{finding.seeds_to_decide:,}" if finding.seeds_to_decide else "no number would"
