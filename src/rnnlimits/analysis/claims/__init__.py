"""Rows ─► verdicts: each claim of claims.yaml is a sentence, a source, and checks that rows can answer.

Four verdicts: reproduced, contradicted, undecided, not run.  A claim of several parts is contradicted if one
of them is, and reproduced only if all are.  A contradicted claim is a finding; a missing shard is none.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas import DataFrame, Series

from rnnlimits.analysis import statistics, tables
from rnnlimits.analysis.claims import details, document, multiplicity, questions, sensitivity, sizes
from rnnlimits.analysis.claims.finding import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, Finding
from rnnlimits.analysis.claims.selection import matching, plan_of
from rnnlimits.planning import grid
from rnnlimits.planning import where as rule
from rnnlimits.planning.config import claim_form
from rnnlimits.planning.config.messages import ConfigError
from rnnlimits.planning.config.plain_yaml import read_yaml
from rnnlimits.planning.config.schema import Config

COLUMNS = [
    "id", "title", "says", "source", "place", "type", "verdict", "scale", "reduced", "paper", "bounds",
    "measured", "bound", "seeds", "training", "sensitivity", "disputes", "tried", "reference", "shards",
]  # fmt: skip
# The first of these that any part has is the verdict on the whole: one contradiction outweighs all else.
WEIGHT = (CONTRADICTED, NOT_RUN, UNDECIDED, REPRODUCED)
TEXTS = ("id", "title", "says", "type", "reduced", "paper", "bounds", "disputes", "tried")
Claim = Mapping[str, Any]


def judge(
    rows_paths: Sequence[str | Path],
    claims_path: str | Path | None,
    out_csv: str | Path,
    config: Config | None = None,
    details_dir: str | Path | None = None,
    only: str | None = None,
) -> DataFrame:
    """Every claim's verdict, as a table and as a CSV file; without a file of claims, a table without lines.

    Beside the CSV file stands the same with all findings as JSON, for programs: see `document`.  What the
    verdicts rest on goes into `details_dir`; `only` is the id of the one claim to judge.

    With a config, a shard that it plans and the rows lack makes a claim *not run*; without one, what the
    rows hold is all that was planned.
    """
    out = Path(out_csv)
    if out.suffix == ".json":
        raise ValueError(
            f"{out}: got a .json for the table of verdicts; name a .csv, and the .json stands beside it"
        )
    if config is not None:
        content = config.claims_content
    else:
        content = load(Path(claims_path)) if claims_path else {"claims": [], "sources": {}}
    rows, digests = tables.read_with_digests(rows_paths)
    plan = plan_of(rows, None if config is None else grid.shards(config))
    confidence = statistics.CONFIDENCE if config is None else config.confidence
    wanted = [claim for claim in content["claims"] if only in (None, claim["id"])]
    weighed = [weigh(claim, rows, plan, confidence) for claim in wanted]
    lines = [line(judgement, content["sources"]) for judgement in weighed]
    table = DataFrame(lines, columns=COLUMNS)
    tables.to_csv(table, out)
    run = None if config is None else config.name
    document.write([*zip(weighed, lines)], digests, run, confidence, out.with_suffix(".json"))
    if details_dir:
        details.write(weighed, rows, tables.provenance(rows_paths), Path(details_dir))
    return table


def load(path: Path) -> dict[str, Any]:
    """The content of a claims file, its form checked."""
    content: dict[str, Any] = read_yaml(path)
    if found := claim_form.problems(content):
        raise ConfigError(f"{path}: {line}" for line in found)
    return content


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A claim with what was found, part by part: the verdict, and all that it rests on."""

    claim: Claim
    parts: list[list[Finding]]  # in the order of the claim's own parts
    shards: DataFrame  # the planned shards that it speaks of

    @property
    def findings(self) -> list[Finding]:
        return [finding for part in self.parts for finding in part]

    @property
    def verdict(self) -> str:
        """A positive control that failed contradicts nothing, but no failure says anything beside it."""
        weighed = []
        for part, findings in zip(self.claim["parts"], self.parts):
            softer = {CONTRADICTED: UNDECIDED} if part.get("positive_control") else {}
            weighed += [softer.get(finding.verdict, finding.verdict) for finding in findings]
        return combine(weighed)


def weigh(claim: Claim, rows: DataFrame, plan: DataFrame, confidence: float) -> Judgement:
    """Every part of a claim held against the rows."""
    wheres = [(part, where) for part in claim["parts"] for where in rule.selections(part)]
    shards = pd.concat([matching(plan, *where) for where in wheres]).drop_duplicates("shard")
    asked = [list(questions.of(part, rows, plan, confidence)) for part in claim["parts"]]
    return Judgement(claim, multiplicity.answered(asked, claim["parts"], rows), shards)


def line(judgement: Judgement, sources: Mapping[str, str]) -> dict[str, str]:
    """One claim's line of the table."""
    claim, verdict, shards = judgement.claim, judgement.verdict, judgement.shards
    said = [finding.sentence for finding in judgement.findings]
    if verdict == NOT_RUN and "needs" in claim:
        said.append(f"needs {claim['needs']}")
    texts = {key: _one_line(claim.get(key, "")) for key in TEXTS}
    return texts | {
        "source": claim["source"]["key"],
        "place": _one_line(claim["source"]["place"]),
        "reference": _one_line(sources[claim["source"]["key"]]),
        "verdict": verdict,
        "scale": sizes.scale(claim.get("full"), shards, "reduced" in claim),
        "measured": "; ".join(said),
        "bound": "; ".join(dict.fromkeys(finding.bound for finding in judgement.findings if finding.bound)),
        "seeds": _range(shards.seeds),
        "training": training(shards),
        "sensitivity": sensitivity.in_words(judgement.findings),
        "shards": " ".join(sorted(shards.shard)),
    }


def combine(verdicts: Sequence[str]) -> str:
    """The verdict on the whole, from those on its parts.

    >>> combine(["reproduced", "undecided"]), combine(["not run", "contradicted"])
    ('undecided', 'contradicted')
    """
    return min(verdicts, key=WEIGHT.index)


def training(shards: DataFrame) -> str:
    """How long was trained at most: a failure is a failure within this budget only."""
    trained = shards[shards.updates > 0]
    if trained.empty:
        return "no training"
    batch = _range(trained.batch_size.dropna())
    return f"up to {_range(trained.updates)} updates" + (f" of {batch} sequences" if batch else "")


def _range(numbers: Series) -> str:
    """
    >>> _range(Series([1500.0, 600.0])), _range(Series([3]))
    ('600-1,500', '3')
    """
    ends = sorted({int(numbers.min()), int(numbers.max())}) if len(numbers) else []
    return "-".join(f"{end:,}" for end in ends)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
