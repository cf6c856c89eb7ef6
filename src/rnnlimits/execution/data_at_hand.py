"""Are the data of a config's tasks to be had here?  They are fetched, once, before any job needs them."""

from collections.abc import Iterator
from dataclasses import dataclass

from rnnlimits.planning import grid
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.shard import Shard


@dataclass(frozen=True)
class Looked:
    """A task page of the config."""

    page: str
    facts: dict[str, str]  # what its data say of themselves
    problem: str = ""  # one line: why they cannot be had, and what to do; "": they are there


def look(config: Config) -> Iterator[Looked]:
    """Every task page once, by making each of its tasks; those that need no data are at hand."""
    from rnnlimits.training.build import build_task

    for page, shards in _by_page(config).items():
        facts: dict[str, str] = {}
        problem = ""
        for shard in shards:
            try:
                facts |= build_task(shard).facts()
            except (LookupError, ValueError, OSError) as error:
                problem = " ".join(str(error).split())
                break
        yield Looked(page, facts, problem)


def _by_page(config: Config) -> dict[str, list[Shard]]:
    """A shard for each task and length: all others have the same data."""
    found: dict[str, dict[tuple[str, int], Shard]] = {}
    for shard in grid.shards(config):
        if shard.kind != "simulation":
            found.setdefault(shard.task_page, {}).setdefault((shard.task, shard.length_steps), shard)
    return {page: list(of_page.values()) for page, of_page in sorted(found.items())}
