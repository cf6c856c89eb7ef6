"""What verdicts rest on, as tables: findings, seeds, what each side was given, what is fragile."""

from collections.abc import Iterator, Mapping, Sequence
from math import isinf
from pathlib import Path
from typing import Any

from pandas import DataFrame

from rnnlimits.analysis import tables
from rnnlimits.analysis.claims import checks, fairness
from rnnlimits.analysis.claims.bounds import counted
from rnnlimits.analysis.claims.finding import Change, Finding

PLACE = ["claim", "part", "finding"]  # parts and findings are counted from 1
NUMBERS = ["estimate", "low", "high", "estimator", "bound_low", "bound_high", "n", "seeds_to_decide"]
FINDINGS = [*PLACE, "check", "verdict", "sentence", "bound", "why", *NUMBERS, "positive_control"]
OF_ROW = ["study", "shard", "task", "variant", "hidden_size", "length_steps", "metric", "unit", "seed"]
SENSITIVITY = [*PLACE, "change", "verdict", "estimate", "low", "high"]
FAIRNESS = [*PLACE, *fairness.COLUMNS]
EVIDENCE = [*PLACE, "side", "label", "measure", *OF_ROW, "value", "chance", "status"]
WHOLE = (
    "seed",
    "hidden_size",
    "length_steps",
    "n",
    "seeds_to_decide",
    "parameters",
    "updates_planned",
    "trials",
)
Line = dict[str, Any]


def write(
    judgements: Sequence[Any], rows: DataFrame, provenance: Mapping[str, Mapping[str, Any]], folder: Path
) -> None:
    """findings.csv, evidence.csv, sensitivity.csv and fairness.csv; only its seconds differ in equal runs."""
    found = [spot for judgement in judgements for spot in places(judgement)]
    given = [
        place | side
        for place, part, finding in found
        for side in fairness.sides(finding, _compares(part), rows, provenance)
    ]
    lines = {
        "findings": (FINDINGS, [place | numbers(part, finding) for place, part, finding in found]),
        "evidence": (EVIDENCE, [line for spot in found for line in seeds(*spot)]),
        "sensitivity": (
            SENSITIVITY,
            [place | _changed(one) for place, _, found in found for one in found.changes],
        ),
        "fairness": (FAIRNESS, given),
    }
    for name, (columns, content) in lines.items():
        table = DataFrame(content, columns=columns)
        whole = {column: "Int64" for column in WHOLE if column in columns}
        tables.to_csv(table.astype(whole), folder / f"{name}.csv")


def places(judgement: Any) -> Iterator[tuple[Line, Mapping[str, Any], Finding]]:
    """Every finding of a claim with its place and the part that asked for it."""
    for part, (asked, findings) in enumerate(zip(judgement.claim["parts"], judgement.parts), 1):
        for number, finding in enumerate(findings, 1):
            yield {"claim": judgement.claim["id"], "part": part, "finding": number}, asked, finding


def numbers(part: Mapping[str, Any], finding: Finding) -> Line:
    """A finding as a line of findings.csv has it, without its place."""
    low, high = (None if isinf(end) else end for end in finding.limits)
    words = {key: getattr(finding, key) for key in ("verdict", "sentence", "bound", "why")}
    interval = finding.interval._asdict()
    control = part.get("positive_control", False)
    return {
        "check": part["check"],
        **words,
        **interval,
        "bound_low": low,
        "bound_high": high,
        "seeds_to_decide": finding.seeds_to_decide,
        "positive_control": control,
    }


def _changed(one: Change) -> Line:
    return {"change": one.change, "verdict": one.verdict, **one.interval._asdict()}


def _compares(part: Mapping[str, Any]) -> bool:
    return checks.of(part).options.looks_at == "pair"


def seeds(place: Line, part: Mapping[str, Any], finding: Finding) -> Iterator[Line]:
    """Of each cell the number that was judged, seed by seed; of networks at once, their rows."""
    for number, cell in enumerate(finding.cells):
        side = "other" if _compares(part) and number else "one"
        same = place | {"side": side, "label": cell.label, "measure": cell.metric}
        value, _ = counted(cell)
        for row in cell.rows.sort_values("seed").to_dict("records"):
            judged = {"value": value[row["seed"]]}
            yield same | {str(key): row[key] for key in row if key in EVIDENCE} | judged
    for rows in finding.rows if not finding.cells else ():
        for row in rows.to_dict("records"):
            label = f"{row['variant']} on {row['task']} {row['metric']}"
            same = place | {"side": "one", "label": label, "measure": row["metric"]}
            yield same | {key: row[key] for key in row if key in EVIDENCE}
