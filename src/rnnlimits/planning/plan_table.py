"""What a config asks for, as lines to read: its jobs with their time and memory, the long ones first.

    shard                       replicas  parameters  deviation       time  memory (MB)
    memory.adding.gru.h64.t200        10       12929          -    3.2 min          610
    ...
    3 studies wait for a GPU: 24 jobs, 5.1 h on a GPU (...); set RNNLIMITS_GPU=1 where there is one

Studies that wait for a GPU stand apart, with the same numbers, and are left out of the sums.  With
`split_hours`, a long shard names its parts.
"""

from collections.abc import Iterator, Mapping, Sequence

from rnnlimits.planning import duration, gpu, grid, kept_weights, memory, parts, without_data
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.duration import BY_CONSTANTS, Made, Speed
from rnnlimits.planning.parts import Part
from rnnlimits.planning.shard import Shard

GUESSED = "a guess: no GPU was measured"


def lines(
    config: Config, jobs: Sequence[Shard], speed: Speed = BY_CONSTANTS, of_machine: Sequence[str] = (),
    of_gpu: str = GUESSED,
) -> Iterator[str]:  # fmt: skip
    """`jobs` are those of this machine: what waits for a GPU comes after them, unless it is among them.

    `speed` is the machine's, and `of_machine` what else is to be said of its time, `of_gpu` of that of a GPU.
    """
    planned = grid.shards(config)
    there = {shard.id for shard in [*jobs, *without_data.left_out(planned)]}
    waiting = [shard for shard in planned if shard.id not in there]
    seconds, peaks = seconds_of(config, planned, speed), _peaks(config, planned)
    width = max(len(shard.id) for shard in planned)
    yield f"{'shard':{width}}  replicas  parameters  deviation       time  memory (MB)"
    split = {shard.id: found for shard in jobs if (found := parts_of(config, shard))}
    for shard in jobs:
        line = _of(shard, width, seconds[shard.id], peaks[shard.id])
        yield f"{line}  {_in_parts(split[shard.id])}" if shard.id in split else line
    if waiting:
        yield f"{waits(config, waiting, speed, of_gpu)}:"
        yield from (_of(shard, width, seconds[shard.id], peaks[shard.id]) for shard in waiting)
    if jobs:
        yield from _sums(config, jobs, seconds, peaks, of_machine, of_gpu)
    if split:
        yield _sum_of_parts(split)
    if waiting:
        yield f"{waits(config, waiting, speed, of_gpu)}; {remedy(config, waiting)}"
    if told := without_data.said(planned):
        yield told


def seconds_of(
    config: Config, planned: Sequence[Shard], speed: Speed = BY_CONSTANTS,
    made: Mapping[str, Made] | None = None,
) -> dict[str, float]:  # fmt: skip
    """shard id -> seconds, each on the device of its study."""
    return {
        name: seconds
        for device in ("cpu", "cuda")
        for name, seconds in duration.planned(_on(config, planned, device), device, speed, made).items()
    }


def waits(
    config: Config, waiting: Sequence[Shard], speed: Speed = BY_CONSTANTS, of_gpu: str = GUESSED
) -> str:
    """How much waits for a GPU."""
    studies = len({shard.study for shard in waiting})
    who = f"{studies} {'studies wait' if studies > 1 else 'study waits'}"
    return f"{who} for a GPU: {takes(config, waiting, speed, of_gpu)}"


def takes(
    config: Config, waiting: Sequence[Shard], speed: Speed = BY_CONSTANTS, of_gpu: str = GUESSED
) -> str:
    """Of jobs for a GPU, how many and how long; of those that can do without, on the CPU, too."""
    jobs = f"{len(waiting)} jobs" if len(waiting) > 1 else "1 job"
    said = f"{jobs}, {_whole(waiting, 'cuda', speed)} on a GPU ({of_gpu})"
    if not (able := _without(config, waiting)):
        return said
    which = "" if len(able) == len(waiting) else f"{len(able)} of them "
    return f"{said}, {which}{_whole(able, 'cpu', speed)} on one core without"


def remedy(config: Config, waiting: Sequence[Shard]) -> str:
    """What to do about it."""
    without = f", or {gpu.VARIABLE}=0 to do without" if _without(config, waiting) else ""
    return f"set {gpu.VARIABLE}=1 where there is one{without}"


def _without(config: Config, waiting: Sequence[Shard]) -> list[Shard]:
    return [shard for shard in waiting if config.asked_for(shard.study) == "any"]


def _whole(shards: Sequence[Shard], device: str, speed: Speed) -> str:
    return duration.in_words(sum(duration.planned(shards, device, speed).values()))


def _peaks(config: Config, planned: Sequence[Shard]) -> dict[str, float]:
    return {
        name: peak
        for device in ("cpu", "cuda")
        for name, peak in memory.planned(_on(config, planned, device), config.memory_mb, device).items()
    }


def _on(config: Config, planned: Sequence[Shard], device: str) -> list[Shard]:
    return [shard for shard in planned if config.device_of(shard.study) == device]


def _of(shard: Shard, width: int, seconds: float, peak: float) -> str:
    budget = shard.parameters_target
    deviation = f"{100 * (shard.parameters - budget) / budget:+.1f} %" if budget else "-"
    counts = f"{shard.replicas:8}  {shard.parameters or '-':>10}  {deviation:>9}"
    return f"{shard.id:{width}}  {counts}  {duration.in_words(seconds):>9}  {peak:11.0f}"


def _sums(
    config: Config, jobs: Sequence[Shard], seconds: dict[str, float], peaks: dict[str, float],
    of_machine: Sequence[str], of_gpu: str,
) -> Iterator[str]:  # fmt: skip
    trained = sum(shard.replicas for shard in jobs if shard.updates)
    probed = sum(shard.replicas for shard in jobs if shard.budget and not shard.updates)
    simulated = sum(shard.kind == "simulation" for shard in jobs)
    models = f"{trained} models to train, {probed} to probe untrained"
    yield f"{len(jobs)} shards: {models}, {simulated} simulations"
    longest = max(jobs, key=lambda shard: seconds[shard.id]).id
    whole, one = (
        duration.in_words(sum(seconds[shard.id] for shard in jobs)),
        duration.in_words(seconds[longest]),
    )
    guessed = f"; {of_gpu}" if _on(config, jobs, "cuda") else ""
    yield f"time, if nothing stops early: {whole} one after another, {one} the longest ({longest}){guessed}"
    yield from of_machine
    largest = max(jobs, key=lambda shard: peaks[shard.id]).id
    yield f"memory: at most {peaks[largest]:.0f} MB a job ({largest})"
    yield from _weights(config, jobs)


def _weights(config: Config, jobs: Sequence[Shard]) -> Iterator[str]:
    """How much disk the weights take that are kept; a refit counts with its largest size."""
    by_id = {shard.id: shard for shard in grid.shards(config)}
    kept = [(memory.sized(shard, by_id), config.keep_weights_of(shard.study)) for shard in jobs]
    if count := sum(kept_weights.replicas(*one) for one in kept):
        size_mb = sum(kept_weights.size_bytes(*one) for one in kept) / 1e6
        yield f"weights: {count:,} models are kept, {size_mb:,.1f} MB in {config.results}/rows"


def parts_of(config: Config, shard: Shard) -> list[Part]:
    """Those that it is trained in; none where it is one job.  Cut by the constants, so alike everywhere."""
    return parts.parts(shard, config.split_hours, config.device_of(shard.study))


def _longest(split: Sequence[Part]) -> tuple[float, Part]:
    return max(((duration.seconds(part.trained), part) for part in split), key=lambda one: one[0])


def _in_parts(split: Sequence[Part]) -> str:
    return f"{len(split)} parts, {duration.in_words(_longest(split)[0])} the longest"


def _sum_of_parts(split: dict[str, list[Part]]) -> str:
    every = [part for of_one in split.values() for part in of_one]
    longest, part = _longest(every)
    return (
        f"parts by seed: {len(every)} of {len(split)} {'shards' if len(split) > 1 else 'shard'}, "
        f"{duration.in_words(longest)} the longest ({part.shard.id}, seeds {part.name})"
    )
