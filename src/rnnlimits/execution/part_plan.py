"""Which shards the Snakefile trains in parts: the long ones, but nothing that is done or begun another way.

Rows that are there keep the parts that they were joined of, or none: to Snakemake other inputs would be a
reason to train again.  For the same reason a whole training that has left a checkpoint goes on whole.
"""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnlimits import rows
from rnnlimits.execution import pipeline
from rnnlimits.planning import provenance
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.parts import Part, can_be_split, parts, read
from rnnlimits.planning.shard import Shard

JOINING_UPDATES = 100  # cost more than reading test once
Parts = dict[str, dict[str, Part]]  # the shard's id -> the part's name -> the part


def planned(config: Config, shards: Mapping[str, Shard]) -> Parts:
    """The shards that are trained in parts, with those."""
    # A log is what a part leaves for good; without them, no rows need be looked at where nothing is split.
    logged = {
        path.name.partition(".seeds_")[0] for path in Path(config.results, "logs").glob("*.seeds_*.log")
    }
    asked = shards if config.split_hours else [name for name in shards if name in logged]
    found = {name: _of(config, shards[name]) for name in asked if can_be_split(shards[name])}
    return {name: {part.name: part for part in of_one} for name, of_one in found.items() if of_one}


def _of(config: Config, shard: Shard) -> list[Part]:
    facts = _facts(pipeline.rows_file(config, shard), shard)
    if provenance.repeated_by(shard, facts):
        return recorded(shard, facts)
    if (Path(config.results) / "checkpoints" / f"{shard.id}.checkpoint").exists():
        return []
    return parts(shard, config.split_hours, config.device_of(shard.study))


def _facts(path: Path, shard: Shard) -> dict[str, Any]:
    """What is recorded of the rows that are there; nothing of those that are missing or damaged."""
    with contextlib.suppress(ValueError, OSError):
        if path.is_file():
            return rows.facts_of(path, shard.id)
    return {}


def recorded(shard: Shard, facts: dict[str, Any]) -> list[Part]:
    """The parts that rows were joined of; none where that is not what the facts say."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return [Part(shard=shard, seeds=read(one["seeds"], shard)) for one in facts.get("parts", [])]
    return []


def mem_mb(config: Config, part: Part) -> int:
    """What to ask a cluster for, for one part."""
    return pipeline.mem_mb(config, {part.shard.id: part.trained}, part.shard.id)


def runtime(config: Config, part: Part, attempt: int = 1) -> int:
    """Minutes to ask a cluster for."""
    return pipeline.runtime(config, {part.shard.id: part.trained}, part.shard.id, attempt)


def runtime_of_joining(config: Config, shard: Shard, attempt: int = 1) -> int:
    """The same for the job that joins the parts: it probes as the shard would, and reads test."""
    assert shard.budget, "what is split is trained"
    few = shard.budget.model_copy(update={"updates": JOINING_UPDATES})
    return pipeline.runtime(config, {shard.id: replace(shard, budget=few)}, shard.id, attempt)


def files(config: Config, of_one: Mapping[str, Part]) -> list[str]:
    """Where the parts of one shard leave what they have trained."""
    return [f"{config.results}/parts/{part.shard.id}/seeds_{name}.trained" for name, part in of_one.items()]


def names(planned: Parts) -> str:
    """A pattern that fits the ids of the shards that are trained in parts, and nothing else."""
    return "|".join(map(re.escape, planned)) or "(?!)"
