"""Shard ─► rows for what needs no training: one page of simulations/, once for each seed."""

import time
from typing import Any

from rnnlimits import catalog
from rnnlimits.planning import origin
from rnnlimits.planning.job import Job
from rnnlimits.rows import Row


def run(job: Job) -> tuple[list[Row], dict[str, Any]]:
    """The rows of a simulation and where they come from."""
    shard, started = job.shard, time.monotonic()
    page = catalog.module("simulations", shard.task_page)
    seconds_import = time.monotonic() - started
    options = catalog.make(page.Options, shard.task_options)
    rows = [
        shard.row(
            seed=seed,
            selected=True,
            split="simulation",
            stage="final",
            update=0,
            metric=measured.metric,
            lag_steps=measured.lag,
            value=measured.value,
            unit=measured.unit,
            status="measured",
        )
        for seed in range(shard.seeds)
        for measured in page.simulate(options, seed)
    ]
    times = {"seconds_import": seconds_import, "seconds_total": time.monotonic() - started}
    return rows, origin.collect(shard, "cpu") | times | {"replicas": shard.replicas, "updates_run": 0}
