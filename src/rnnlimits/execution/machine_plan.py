"""The plan as it is printed: what a config asks for, and how long that takes on this machine.

Training may stop early, which no plan can know beforehand.  Where rows of the same jobs are there, of the
last run or in the archive, they say when it did.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rnnlimits import rows
from rnnlimits.execution import pipeline, planned_rows, speed_trial
from rnnlimits.planning import calibration, duration, gpu_calibration, longest_first, machine, plan_table
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.duration import Made, Speed
from rnnlimits.planning.shard import SECONDS, Shard


def lines(config: Config, as_json: bool, calibrate: bool, cores: int | None) -> Iterator[str]:
    """What `rnnlimits plan` prints; `calibrate` measures this machine first, and keeps what it finds."""
    known, jobs = measured_now() if calibrate else calibration.known(), pipeline.here(config)
    if as_json:
        yield from specs(config, jobs, known)
        return
    speed, of_gpu = with_gpu(config, known.speed)
    of_machine = [known.said]
    if jobs:
        of_machine.append(on_cores(config, jobs, speed, cores or machine.cores()))
    yield from plan_table.lines(config, jobs, speed, of_machine, of_gpu)


def with_gpu(config: Config, speed: Speed) -> tuple[Speed, str]:
    """The speed with that of this machine's GPU, where a study asks for one and it was measured."""
    asked = any(config.asked_for(study) != "cpu" for study in config.studies)
    return (asked and gpu_calibration.known(speed)) or (speed, plan_table.GUESSED)


def measured_now() -> calibration.Calibration:
    """The speed of this machine, kept for the plans to come where that is possible."""
    speed = speed_trial.measured()
    try:
        calibration.keep(speed)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        said = f"speed: measured just now; {calibration.file()} cannot be written ({why}), so not kept"
        return calibration.Calibration(speed=speed, said=said, measured=True)
    return calibration.known()


def specs(config: Config, jobs: Sequence[Shard], known: calibration.Calibration) -> Iterator[str]:
    """A line of JSON for each job: its spec, and its seconds, which `train --spec` passes over."""
    by_constants = plan_table.seconds_of(config, jobs)
    speed, _ = with_gpu(config, known.speed)
    here = plan_table.seconds_of(config, jobs, speed) if known.measured else {}
    for job in jobs:
        seconds = {"by_constants": by_constants[job.id], "on_this_machine": here.get(job.id)}
        yield job.to_json()[:-1] + f',"{SECONDS}":{json.dumps(seconds)}}}'


def on_cores(config: Config, jobs: Sequence[Shard], speed: Speed, cores: int) -> str:
    """The line that says how long all jobs take on so many cores."""

    def wall(made: dict[str, Made]) -> str:
        seconds = plan_table.seconds_of(config, jobs, speed, made)
        return duration.in_words(longest_first.wall_seconds(*in_parts(config, jobs, seconds), cores))

    said = f"on {cores} {'cores' if cores > 1 else 'core'}: {wall({})} if nothing stops early"
    source = planned_rows.archived(config)
    if made := made_before(jobs, source):
        trained = sum(job.updates > 0 for job in jobs)
        some = "" if len(made) == trained else f" ({len(made)} of {trained} jobs are there)"
        said += f", {wall(made)} if training stops where it did in {source}{some}"
    return f"{said}; tables, figures and report come on top"


def in_parts(
    config: Config, jobs: Sequence[Shard], seconds: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Seconds of each job, and the jobs that it waits for, where a long shard is trained in parts by seed."""
    taken, needs = {}, {}
    for job in jobs:
        taken[job.id], needs[job.id] = seconds[job.id], list(job.needs)
        by_constants = duration.seconds(job) if (split := plan_table.parts_of(config, job)) else 1.0
        for part in split:
            name = f"{job.id} {part.name}"
            taken[name] = seconds[job.id] * duration.seconds(part.trained) / by_constants
            # The job that joins the parts is left with the probes.
            taken[job.id] = max(0.0, taken[job.id] - taken[name])
            needs[job.id].append(name)
    return taken, needs


def made_before(jobs: Sequence[Shard], source: Path) -> dict[str, Made]:
    """shard id -> the updates that were made, of those whose rows are there and fit the budget."""
    budgets = {job.id: job.updates for job in jobs if job.updates}
    files = [source] if source.is_file() else [source / f"{name}.parquet" for name in budgets]
    found: dict[str, Made] = {}
    for file in files:
        with contextlib.suppress(ValueError, OSError):  # not there, or damaged: who needs the rows will tell
            found |= made_in(file)
    return {name: made for name, made in found.items() if made.longest <= budgets.get(name, 0)}


def made_in(file: Path) -> dict[str, Made]:
    """The same of one file of rows, by the last validation of each replica."""
    from pyarrow import compute

    table = rows.table(file)
    validated = table.filter(compute.equal(table["split"], "validation"))
    replicas = validated.group_by(["shard", "seed", "fold", "learning_rate"]).aggregate([("update", "max")])
    shards = replicas.group_by("shard").aggregate([("update_max", "max"), ("update_max", "mean")])
    return {one["shard"]: Made(one["update_max_max"], one["update_max_mean"]) for one in shards.to_pylist()}
