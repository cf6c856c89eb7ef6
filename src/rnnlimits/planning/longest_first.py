"""How long many jobs take on a few cores, if a free core always takes the longest job that can start."""

import heapq
from collections.abc import Mapping, Sequence


def wall_seconds(seconds: Mapping[str, float], needs: Mapping[str, Sequence[str]], cores: int) -> float:
    """Seconds from the first start to the last end; a job starts when those that it needs have ended.

    >>> wall_seconds({"a": 3, "b": 3, "c": 2, "d": 2, "e": 2}, {}, cores=2)
    7.0
    >>> wall_seconds({"refit": 5, "fold": 1, "other": 2}, {"refit": ["fold"]}, cores=2)
    6.0
    """
    missing = {job: {need for need in needs.get(job, ()) if need in seconds} for job in seconds}
    waited_for: dict[str, list[str]] = {}
    for job, before in missing.items():
        for need in before:
            waited_for.setdefault(need, []).append(job)
    ready = [(-seconds[job], job) for job, before in missing.items() if not before]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < cores:
            _, job = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[job], job))
        now, ended = heapq.heappop(running)
        for job in waited_for.get(ended, ()):
            missing[job].remove(ended)
            if not missing[job]:
                heapq.heappush(ready, (-seconds[job], job))
    return now
