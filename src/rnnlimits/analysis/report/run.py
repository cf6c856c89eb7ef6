"""How it was run: studies, machines, versions and time, from the config and the provenance in the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rnnlimits import rows
from rnnlimits.analysis.report.answer import number
from rnnlimits.analysis.report.display import Table
from rnnlimits.planning import grid
from rnnlimits.planning.config.schema import Config, Grid
from rnnlimits.planning.shard import Shard

Provenance = dict[str, dict[str, Any]]
PACKAGES_FIRST = ("rnnlimits", "python", "torch", "lightning", "numpy")


@dataclass(frozen=True)
class Run:
    """What the template needs about the run."""

    studies: Table
    machines: Table
    versions: list[tuple[str, str]]
    facts: list[tuple[str, str]]
    config: str
    planned: int
    missing: list[str] = field(default_factory=list)


def provenance(paths: Sequence[str | Path]) -> Provenance:
    """What each shard says of its run, from files of one shard or from an archive of many."""
    found: Provenance = {}
    for path in paths:
        found |= rows.read_provenance(path)["shards"]
    return dict(sorted(found.items()))


def describe(config: Config, found: Provenance) -> Run:
    """The run of a config, as far as its rows are there."""
    planned = grid.shards(config)
    waiting = {shard.id for shard in grid.for_a_gpu(config)} - found.keys()
    return Run(
        studies=_studies(config, planned, found),
        machines=_machines(found),
        versions=_versions(found),
        facts=_facts(found),
        config=yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100),
        planned=len(planned) - len(waiting),
        missing=sorted({shard.id for shard in planned} - found.keys() - waiting),
    )


def _studies(config: Config, planned: Sequence[Shard], found: Provenance) -> Table:
    lines = []
    for label, study in config.studies.items():
        shards = [shard for shard in planned if shard.study == label]
        ran = [found[shard.id] for shard in shards if shard.id in found]
        budget = study.budget if isinstance(study, Grid) else None
        line = {
            "study": label,
            "title": study.title,
            "kind": study.kind.replace("_", " "),
            "tasks": _each(shard.task for shard in shards),
            "architectures": _each(shard.variant for shard in shards if shard.variant != "none"),
            "T (steps)": _each(shard.length_steps for shard in shards if shard.length_steps),
            "units": _each(shard.hidden_size for shard in shards if shard.hidden_size),
            "seeds": str(study.seeds),
            "learning rates": _each(study.learning_rates if isinstance(study, Grid) else []),
            "updates × batch": f"{budget.updates:,} × {budget.batch_size}" if budget else "–",
            "jobs": f"{len(ran)} of {len(shards)}",
            "minutes": number(sum(entry.get("seconds_total") or 0 for entry in ran) / 60),
        }
        lines.append(line)
    note = "The same learning rates are searched for every architecture; minutes are added up over jobs."
    return _table("Studies", note, lines, {"seeds", "jobs", "minutes"})


def _machines(found: Provenance) -> Table:
    by_machine: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for entry in found.values():
        machine = [str(entry.get(key) or "–") for key in ("host", "device", "backend")]
        code = (
            "unknown" if "git_refused" in entry else _commit(entry.get("git_commit"), entry.get("git_clean"))
        )
        by_machine.setdefault((*machine, code), []).append(entry)
    lines = []
    for where, entries in sorted(by_machine.items()):
        memory = [entry["peak_memory_mb"] for entry in entries if entry.get("peak_memory_mb")]
        line = {
            **dict(zip(("host", "device", "backend", "code"), where)),
            "first job started": min(str(entry.get("started", "–")) for entry in entries),
            "jobs": str(len(entries)),
            "hours": number(sum(entry.get("seconds_total") or 0 for entry in entries) / 3600),
            "peak memory (MB)": number(max(memory)) if memory else "–",
        }
        lines.append(line)
    return _table("Hardware", "", lines, {"jobs", "hours", "peak memory (MB)"})


def _table(title: str, note: str, lines: list[dict[str, str]], numeric: set[str]) -> Table:
    headings = list(lines[0]) if lines else []
    rows = [list(line.values()) for line in lines]
    return Table(title.lower(), title, note, headings, rows, [heading in numeric for heading in headings])


def _commit(commit: str | None, clean: bool | None) -> str:
    """
    >>> _commit("0123456789abcdef", False), _commit(None, None)
    ('0123456789 with changes', 'not under git')
    """
    if not isinstance(commit, str):
        return "not under git"
    return commit[:10] + ("" if clean else " with changes")


def _versions(found: Provenance) -> list[tuple[str, str]]:
    seen: dict[str, set[str]] = {}
    for entry in found.values():
        for package, version in (entry.get("versions") or {}).items():
            seen.setdefault(package, set()).add(version)
    first = {package: rank for rank, package in enumerate(PACKAGES_FIRST)}
    order = sorted(seen, key=lambda package: (first.get(package, len(first)), package))
    return [(package, ", ".join(sorted(seen[package]))) for package in order]


def _facts(found: Provenance) -> list[tuple[str, str]]:
    """What tasks say of their data: names and checksums."""
    pairs = {
        (name, str(value)) for entry in found.values() for name, value in (entry.get("facts") or {}).items()
    }
    return sorted(pairs)


def _each(values: Any) -> str:
    """
    >>> _each([64, 32, 64]), _each(["lstm", "gru"]), _each([])
    ('32, 64', 'gru, lstm', '–')
    """
    distinct = sorted(set(values))
    return ", ".join(f"{value:g}" if isinstance(value, int | float) else value for value in distinct) or "–"
