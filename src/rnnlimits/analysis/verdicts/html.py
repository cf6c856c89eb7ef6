"""Verdicts, findings and figures ─► one HTML page that stands alone: each claim with what it rests on.

The page shows what `rnnlimits judge` wrote and judges nothing itself.  The same files give the same bytes;
the seconds, in which two equal runs differ, stand between the two comments that say so.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from rnnlimits.analysis import report
from rnnlimits.analysis.figures import _style as style
from rnnlimits.analysis.report import display as tables
from rnnlimits.analysis.verdicts import display, figure
from rnnlimits.planning import grid, plan_table
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.shard import Shard

FINDINGS = [
    "claim",
    "part",
    "finding",
    "check",
    "verdict",
    "sentence",
    "bound",
    "why",
    "seeds_to_decide",
    "positive_control",
]
CHANGES = ["claim", "part", "finding", "change", "verdict", "estimate", "low", "high"]
GIVEN = [
    "claim", "part", "finding", "side", "shard", "variant", "parameters", "updates_planned", "updates_taken",
    "sequences_seen", "trials", "learning_rate", "rate_edge", "seconds",
]  # fmt: skip
# What a file of verdicts need not say of a claim.
OPTIONAL = ("paper", "bounds", "tried", "reduced", "sensitivity", "disputes", "reference", "shards", "scale")


@dataclasses.dataclass(frozen=True)
class Section:
    """A claim, as the template shows it."""

    claim: dict[str, str]
    svg: Markup | None  # None: nothing was measured
    needs: str  # what of it waits for a GPU; empty where nothing does
    findings: tables.Table
    sensitivity: tables.Table
    fairness: tables.Table
    seconds: tables.Table

    @property
    def anchor(self) -> str:
        return f"claim-{self.claim['id']}"


def build(config: Config, claims_csv: Path, details: Path, figures: Path) -> str:
    """The page as text; the figures are read from their folder."""
    claims = _claims(claims_csv)
    sections = [_section(config, claim, details, figures) for claim in claims]
    counts = Counter(section.claim["verdict"] for section in sections)
    return (
        report.environment()
        .get_template("verdicts.html")
        .render(
            name=config.name,
            confidence=f"{100 * config.confidence:g} %",
            error=f"{100 * (1 - config.confidence):.3g} %",
            wrong=f"{(1 - config.confidence) * len(claims):.1f}",
            sections=sections,
            counts=[(verdict, counts[verdict]) for verdict in report.SIGNS],
            signs=report.SIGNS,
            scales=report.SCALES,
            waits=_needs(config, claims, plan_table.waits),
            remedy=_needs(config, claims, plan_table.remedy),
        )
    )


def plot(claims_csv: Path, details: Path, folder: Path) -> None:
    """A figure of each claim of which anything was measured."""
    findings, evidence = (pd.read_csv(details / f"{name}.csv") for name in ("findings", "evidence"))
    folder.mkdir(parents=True, exist_ok=True)
    for claim in _claims(claims_csv):
        mine = [table[table.claim == claim["id"]] for table in (findings, evidence)]
        if drawn := figure.plot(claim["title"], *mine):
            style.save(drawn, folder / claim["id"])


def _claims(path: Path) -> list[dict[str, str]]:
    table = _texts(path)
    return [
        dict.fromkeys(OPTIONAL, "") | {str(key): line[key] for key in line}
        for line in table.to_dict("records")
    ]


def _section(config: Config, claim: dict[str, str], details: Path, figures: Path) -> Section:
    def mine(name: str, columns: list[str]) -> pd.DataFrame:
        table = _texts(details / f"{name}.csv", columns)
        return table[table.claim == claim["id"]]

    file = figures / f"{claim['id']}.svg"
    given = mine("fairness", GIVEN)
    return Section(
        claim=claim,
        svg=_inlined(file, claim) if file.exists() else None,
        needs=_needs(config, [claim], plan_table.takes),
        findings=display.findings(mine("findings", FINDINGS)),
        sensitivity=display.sensitivity(mine("sensitivity", CHANGES)),
        fairness=display.fairness(given),
        seconds=display.seconds(given),
    )


def _texts(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A table as texts; without lines where it was not written, as there was nothing to say."""
    if not path.exists():
        return pd.DataFrame(columns=columns or [])
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return table.reindex(columns=columns, fill_value="") if columns else table


def _inlined(file: Path, claim: dict[str, str]) -> Markup:
    return report.inline(file.read_text(encoding="utf-8"), f"claim-{claim['id']}", claim["title"])


def _needs(
    config: Config, claims: Iterable[dict[str, str]], say: Callable[[Config, list[Shard]], str]
) -> str:
    """What those of the claims that were not run want of a GPU, be there one or not: the page never tells."""
    missing = [claim["shards"].split() for claim in claims if claim["verdict"] == "not run"]
    named = {shard for shards in missing for shard in shards}
    waiting = [shard for shard in grid.for_a_gpu(config) if shard.id in named]
    return say(config, waiting) if waiting else ""
