"""How far a run is and when it will be done: by the work that its jobs are, not by their count.

    62 % done, about 4.1 min left | memory: adding by lstm, 100 steps, update 1,200 of 2,000, 3 of 10 solved

The plan says how long each training takes if nothing stops early; what they took so far corrects it.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rnnlimits import rows
from rnnlimits.planning import duration, grid, plan_table, progress, provenance
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.parts import Part
from rnnlimits.planning.shard import Shard

OTHER_S = 5.0  # of a job that trains nothing: tables, figures, verdicts, report
# So many seconds count as if they had come as planned, until there are enough that really came.
TRUSTED_S = 20.0
SHOWN = 3  # trainings that one line names
MAKES = {
    "table": "tables", "plot": "figures", "judge": "verdicts", "verdicts": "the page of verdicts",
    "one_verdict": "the page of a verdict", "report": "the report", "archive": "the archive",
}  # fmt: skip


@dataclass
class RunProgress:
    """What Snakemake's jobs are to a person who waits for them.

    A job is known by what it makes: a training by its shard's id, another by the name of its rule.
    """

    shards: dict[str, Shard]  # those that the run is about, by id
    planned_s: dict[str, float]  # of one core, by id
    others: int  # jobs to run that train nothing
    at_once: int  # how many jobs run side by side
    results: Path
    done: set[str] = field(default_factory=set)  # shards whose rows are there
    took_s: dict[str, float] = field(default_factory=dict)  # as the rows of a shard say
    others_done: int = 0
    joined: set[str] = field(default_factory=set)  # shards that are trained in parts
    running: dict[str, None] = field(default_factory=dict)  # in the order in which they began

    def begin(self, name: str) -> None:
        self.running[name] = None

    def end(self, name: str) -> None:
        """It is finished."""
        self.running.pop(name, None)
        if name in self.shards:
            self.done.add(name)
            self.look_up([name])
        elif rule(name) in MAKES:
            self.others_done += 1

    def fail(self, name: str) -> None:
        self.running.pop(name, None)

    def look_up(self, names: Iterable[str]) -> None:
        """How long the trainings behind these rows took, as far as the rows say it."""
        for name in names:
            if name in self.joined:  # its rows tell of all its parts
                continue
            with contextlib.suppress(OSError, ValueError):
                facts = rows.facts_of(self.results / "rows" / f"{name}.parquet", name)
                self.took_s[name] = float(facts.get("seconds_total", self.planned_s[name]))

    def slower(self, told: Mapping[str, progress.Progress]) -> float:
        """By what factor a training takes longer than its plan says; less than 1 where many stop early.

        Those at work count as far as they have come.
        """
        planned = sum(self.planned_s[name] for name in self.took_s)
        took = sum(self.took_s.values())
        for name, said in told.items():
            if said.whole_s:
                planned += said.share * self.planned_s[name]
                took += said.share * said.whole_s
        return (took + TRUSTED_S) / (planned + TRUSTED_S)

    def told(self) -> dict[str, progress.Progress]:
        """What the trainings at work say of themselves, the longest one first."""
        at_work = sorted(self.running.keys() & self.shards.keys(), key=lambda name: -self.planned_s[name])
        found = {name: progress.read(self.progress_path(name)) for name in at_work}
        return {name: said for name, said in found.items() if said}

    def progress_path(self, name: str) -> Path:
        return self.results / "checkpoints" / f"{name}.progress"

    def remaining_s(self, told: Mapping[str, progress.Progress]) -> dict[str, float]:
        """Planned seconds of one core that are left of each training."""
        return {
            name: seconds * (1 - (told[name].share if name in told else 0))
            for name, seconds in self.planned_s.items()
            if name not in self.done
        }

    def line(self) -> str:
        """The whole status in one line."""
        told = self.told()
        left_s = self.remaining_s(told)
        others_left_s = OTHER_S * (self.others - self.others_done)
        whole = sum(self.planned_s.values()) + OTHER_S * self.others
        share = 1 - (sum(left_s.values()) + others_left_s) / whole if whole else 1.0
        return " | ".join(
            [f"{100 * share:.0f} % done, {self.time_left(left_s, others_left_s, told)}", *self.at_work(told)]
        )

    def time_left(
        self, left_s: Mapping[str, float], others_s: float, told: Mapping[str, progress.Progress]
    ) -> str:
        """No sooner than its longest training, and no sooner than all of them side by side."""
        longest_s = max(left_s.values(), default=0.0)
        seconds = self.slower(told) * max(sum(left_s.values()) / self.at_once, longest_s) + others_s
        return f"about {duration.in_words(max(1.0, seconds))} left"

    def at_work(self, told: dict[str, progress.Progress]) -> list[str]:
        """What is being learned now, and by whom; without a training, what is being made."""
        training = [f"{in_words(self.shards[name])}, {said}" for name, said in told.items()]
        more = [f"{len(training) - SHOWN} more"] if len(training) > SHOWN else []
        if training:
            return training[:SHOWN] + more
        starting = [in_words(self.shards[name]) for name in self.running if name in self.shards]
        return starting[:SHOWN] or [MAKES[rule(name)] for name in self.running if rule(name) in MAKES]

    def is_begun(self, name: str) -> bool:
        return is_of_today(self.results / "checkpoints" / f"{name}.checkpoint", self.shards[name])

    def beginning(self) -> str:
        """The first line: what is to be done, and, of a run that was stopped, where it goes on."""
        left_s = self.remaining_s({})
        cores = f"{self.at_once} at once" if self.at_once > 1 else "one after another"
        left = self.time_left(left_s, OTHER_S * self.others, {}).removesuffix(" left")
        begun = sum(map(self.is_begun, left_s))
        what = f"{_count(len(left_s), 'job')} that measure" if left_s else "nothing to measure"
        if not self.done and not begun:
            return f"starts: {what}, {cores}, {left}"
        goes_on = f"; {_count(begun, 'training')} from a checkpoint" if begun else ""
        return (
            f"goes on: {len(self.done)} of {_count(len(self.shards), 'job')} are done, "
            f"{len(left_s)} left, {cores}, {left}{goes_on}"
        )


class Job(Protocol):
    """What is asked of one of Snakemake's jobs."""

    rule: Any  # it has a name
    wildcards: Mapping[str, str]


def of(
    config: Config, shards: dict[str, Shard], parts: Mapping[str, Mapping[str, Part]], jobs: Iterable[Job],
    to_do: Iterable[Job], at_once: int,
) -> RunProgress:  # fmt: skip
    """Of all `jobs` of the run, those `to_do` are not done yet; `parts` of shards are jobs, too."""
    about, waiting = {job_name(job.rule.name, job.wildcards) for job in jobs}, list(to_do)
    left = {job_name(job.rule.name, job.wildcards) for job in waiting}
    seconds = plan_table.seconds_of(config, grid.shards(config))
    known, planned_s = dict(shards), {name: seconds[name] for name in shards}
    for shard, of_one in parts.items():
        planned_s[shard] = OTHER_S  # its parts are joined
        for name, part in of_one.items():
            known[f"{shard}.seeds_{name}"] = part.trained
            planned_s[f"{shard}.seeds_{name}"] = duration.seconds(part.trained)
    run = RunProgress(
        shards={name: shard for name, shard in known.items() if name in about},
        planned_s={name: seconds for name, seconds in planned_s.items() if name in about},
        others=sum(rule(name) in MAKES for name in left),
        at_once=max(1, min(at_once, len(waiting))),
        results=Path(config.results),
        done=(about - left) & known.keys(),
        joined=set(parts),
    )
    run.look_up(sorted(run.done))
    return run


def job_name(rule_name: str, wildcards: Mapping[str, str]) -> str:
    """By what a job is known here.

    >>> job_name("train", {"shard": "a.t10"}), job_name("train_part", {"shard": "a.t10", "seeds": "0-4"})
    ('a.t10', 'a.t10.seeds_0-4')
    """
    if "seeds" in wildcards.keys():  # noqa: SIM118  Snakemake's are no mapping
        return f"{wildcards['shard']}.seeds_{wildcards['seeds']}"
    return wildcards["shard"] if "shard" in wildcards.keys() else rule_name  # noqa: SIM118


def rule(name: str) -> str:
    """The rule that another one is like."""
    return name.removesuffix("_from_archive")


def in_words(shard: Shard) -> str:
    """What a shard learns."""
    if shard.kind == "simulation":
        return f"{shard.study}: {shard.task}"
    return f"{shard.study}: {shard.task} by {shard.variant}, {shard.length_steps:,} steps"


def is_of_today(checkpoint: Path, shard: Shard) -> bool:
    """A training goes on only with the code and the spec with which it was begun."""
    made_for = {"spec": provenance.config_hash(shard), "code": provenance.fingerprint(shard)}
    try:
        with checkpoint.open("rb") as file:
            said = json.loads(file.readline())["made_for"]
        return all(said.get(key) == value for key, value in made_for.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # none, or damaged: the job will tell
        return False


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
