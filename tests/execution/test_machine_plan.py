"""What `rnnlimits plan` says of this machine."""

import errno
import json
from dataclasses import replace

import pytest

from rnnlimits import rows
from rnnlimits.execution import machine_plan, pipeline, speed_trial
from rnnlimits.planning import calibration, duration, grid, longest_first
from rnnlimits.planning.duration import Made, Speed
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from support.repository_copy import ROOT

TWICE = Speed(
    fixed=2, compiled=2, linear=2, plain=2, window_fixed=2, window=2, evaluation=1,
    start_s=0.5, training_start_s=0.25,
)  # fmt: skip


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The smoke config, where no run and no calibration is there yet."""
    loaded = load(ROOT / "config" / "smoke.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibration, "file", lambda: tmp_path / "calibration.json")
    return loaded


def told(config, cores=2, calibrate=False):
    return list(machine_plan.lines(config, False, calibrate, cores))


def test_the_plan_says_the_time_on_so_many_cores(config):
    jobs = pipeline.here(config)
    needs = {job.id: job.needs for job in jobs}
    for cores, said in ((1, "on 1 core: "), (3, "on 3 cores: ")):
        wall = longest_first.wall_seconds(duration.planned(jobs), needs, cores)
        (line,) = [line for line in told(config, cores) if line.startswith(said)]
        assert line == f"{said}{duration.in_words(wall)} if nothing stops early; " + (
            "tables, figures and report come on top"
        )


def test_a_calibration_is_measured_kept_and_used(config, monkeypatch):
    monkeypatch.setattr(speed_trial, "measured", lambda: TWICE)
    by_constants = told(config)
    calibrated = told(config, calibrate=True)
    assert calibrated == told(config) != by_constants
    assert sum("speed: measured here on" in line for line in calibrated) == 1
    specs = list(machine_plan.lines(config, True, False, None))
    assert [Shard.from_json(line) for line in specs] == pipeline.here(config)
    for line in specs:
        seconds, shard = json.loads(line)["seconds"], Shard.from_json(line)
        if shard.kind == "training":
            start_s = 0.5 + 0.25 * (shard.updates > 0)
            assert seconds["on_this_machine"] == pytest.approx(start_s + 2 * seconds["by_constants"])


def test_without_a_calibration_the_second_number_is_left_open(config):
    for line in machine_plan.lines(config, True, False, None):
        seconds = json.loads(line)["seconds"]
        assert seconds["by_constants"] > 0
        assert seconds["on_this_machine"] is None


def test_a_speed_that_cannot_be_kept_is_used_all_the_same(config, monkeypatch):
    def full(speed):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(speed_trial, "measured", lambda: TWICE)
    monkeypatch.setattr(calibration, "keep", full)
    known = machine_plan.measured_now()
    assert known.speed == TWICE
    assert known.said.endswith("cannot be written (No space left on device), so not kept")


def test_rows_that_are_there_say_where_training_stops(config):
    shard = next(shard for shard in grid.shards(config) if shard.kind == "training" and shard.updates)
    common = {"metric": "loss", "unit": "nats", "status": "early_stopped", "stage": "training"}
    measured = [
        shard.row(seed=seed, learning_rate=0.1, split="validation", update=update, value=1.0, **common)
        for seed, last in ((0, 2), (1, 4))
        for update in range(0, last + 1, 2)
    ]
    rows.write(measured, {}, pipeline.rows_file(config, shard), shard.id)
    assert machine_plan.made_before([shard], pipeline.rows_file(config, shard).parent) == {
        shard.id: Made(4, 3)
    }
    (line,) = [line for line in told(config) if line.startswith("on 2 cores")]
    assert "if training stops where it did in results/smoke/rows (1 of " in line
    fewer, all_of_them = (
        duration.seconds(shard, made=made) for made in (Made(4, 3), Made(shard.updates, shard.updates))
    )
    assert fewer < all_of_them == duration.seconds(shard)
    pipeline.rows_file(config, shard).write_bytes(b"damaged")
    assert machine_plan.made_before([shard], pipeline.rows_file(config, shard).parent) == {}


def test_the_archived_run_is_what_the_default_plan_goes_by(monkeypatch):
    monkeypatch.chdir(ROOT)
    jobs = grid.shards(load("config/config.yaml"))
    made = machine_plan.made_before(jobs, ROOT / "results" / "archive" / "laptop" / "rows.parquet")
    assert made.keys() == {job.id for job in jobs if job.updates}
    assert all(one.mean <= one.longest for one in made.values())
    assert sum(duration.planned(jobs, made=made).values()) < sum(duration.planned(jobs).values())


def test_a_shard_in_parts_keeps_no_core_waiting(config):
    # So large that what each part pays for itself, the fixed part of an update, is little beside the rest.
    jobs = [replace(job, parameters=10**6) for job in pipeline.here(config)]
    seconds = dict.fromkeys((job.id for job in jobs), 1.0)
    longest = next(job for job in jobs if job.kind == "training" and job.updates)
    seconds[longest.id] = 1000.0
    taken, needs = machine_plan.in_parts(config.model_copy(update={"split_hours": 1e-9}), jobs, seconds)
    by_seed = [name for name in needs[longest.id] if name.startswith(f"{longest.id} ")]
    assert len(by_seed) == longest.seeds
    assert sum(taken[name] for name in (longest.id, *by_seed)) == pytest.approx(1000, rel=0.05)
    whole = longest_first.wall_seconds(*machine_plan.in_parts(config, jobs, seconds), 2)
    assert longest_first.wall_seconds(taken, needs, 2) < 0.8 * whole
