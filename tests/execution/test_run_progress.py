"""How far a run is: by work, corrected by what was measured; and where a second start goes on."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from rnnlimits import rows
from rnnlimits.execution import run_progress
from rnnlimits.execution.run_progress import OTHER_S, TRUSTED_S, RunProgress
from rnnlimits.planning import grid, provenance
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.load import load
from rnnlimits.planning.parts import Part, can_be_split
from rnnlimits.planning.progress import Progress
from support.example_config import GOOD


@pytest.fixture
def config(tmp_path, monkeypatch) -> Config:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(GOOD))
    return load("config.yaml")


def run_of(config: Config, done: int = 0, **changes) -> RunProgress:
    """With so many shards done; each is planned for 100 s."""
    shards = {shard.id: shard for shard in grid.shards(config)}
    known = {
        "shards": shards, "planned_s": dict.fromkeys(shards, 100.0), "others": 0, "at_once": 2,
        "results": Path(config.results), "done": set(list(shards)[:done]),
    }  # fmt: skip
    return RunProgress(**(known | changes))


def said(share: float, whole_s: float | None = None) -> Progress:
    return Progress(
        update=round(2000 * share), updates=2000, replicas=10, solved=3, diverged=1, share=share,
        whole_s=whole_s,
    )  # fmt: skip


def test_a_job_counts_by_its_work_and_not_as_one_of_many(config):
    run = run_of(config)
    first, *others = run.shards
    run.planned_s = dict.fromkeys(others, 1.0) | {first: 99.0 * len(others)}
    for name in others:
        run.begin(name)
        run.end(name)
    assert run.line().startswith("1 % done, ")


def test_a_training_at_work_counts_as_far_as_it_says_and_is_shown(config):
    run = run_of(config)
    name = next(one for one, shard in run.shards.items() if shard.kind == "training")
    run.planned_s = {name: 100.0}
    run.begin(name)
    said(0.6).write(run.progress_path(name))
    shard = run.shards[name]
    assert run.line() == (
        f"60 % done, about 40 s left | {shard.study}: {shard.task} by {shard.variant}, "
        f"{shard.length_steps} steps, update 1,200 of 2,000, 3 of 10 solved, 1 diverged"
    )


def test_what_the_trainings_took_corrects_the_time_left(config):
    run = run_of(config)
    first, second, *_ = run.shards
    run.took_s[first] = 300.0
    assert run.slower({}) == (300 + TRUSTED_S) / (100 + TRUSTED_S)
    running = {second: said(0.5, whole_s=300.0)}
    assert run.slower(running) == (300 + 150 + TRUSTED_S) / (100 + 50 + TRUSTED_S)
    assert run.slower({second: said(0.001)}) == run.slower({}), "too early to say"


def test_it_lasts_as_long_as_its_longest_training(config):
    run = run_of(config, at_once=50)
    names = list(run.shards)
    assert run.time_left(dict.fromkeys(names, 60.0) | {names[0]: 600.0}, 0.0, {}) == "about 10.0 min left"


def test_what_a_finished_training_took_is_read_from_its_rows(config):
    run = run_of(config)
    first, second, *_ = run.shards
    facts = {"seconds_total": 250.0}
    rows.write([], facts, run.results / "rows" / f"{first}.parquet", first)
    for name in (first, second):  # of the second there is no file: it teaches nothing
        run.begin(name)
        run.end(name)
    assert run.took_s == {first: 250.0}
    assert run.done == {first, second}


def test_a_job_that_failed_is_neither_done_nor_at_work(config):
    run = run_of(config)
    run.begin("table")
    run.fail("table")
    assert (run.running, run.others_done, run.done) == ({}, 0, set())


def test_the_first_line_says_what_is_to_be_done(config):
    run = run_of(config, others=4)
    assert run.beginning().startswith(f"starts: {len(run.shards)} jobs that measure, 2 at once, about ")


def test_a_second_start_says_where_it_goes_on(config):
    run = run_of(config, done=2)
    left = [name for name, shard in run.shards.items() if name not in run.done and shard.kind == "training"]
    for name, code in zip(left, (provenance.fingerprint(run.shards[left[0]]), "of another day")):
        made_for = {"spec": provenance.config_hash(run.shards[name]), "code": code}
        checkpoint = run.results / "checkpoints" / f"{name}.checkpoint"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write_bytes(json.dumps({"made_for": made_for}).encode() + b"\nand weights")
    text = run.beginning()
    assert text.startswith(f"goes on: 2 of {len(run.shards)} jobs are done, {len(run.shards) - 2} left, ")
    assert text.endswith("; 1 training from a checkpoint"), "other code would begin the second one anew"


def test_it_is_about_the_jobs_that_snakemake_has_in_mind(config):
    def job(rule: str, shard: str = ""):
        wildcards = {"shard": shard} if shard else {}
        return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards=wildcards)

    shards = {shard.id: shard for shard in grid.shards(config)}
    first, second, *_ = shards
    jobs = [job("train", first), job("train", second), job("table"), job("report"), job("all")]
    run = run_progress.of(config, shards, {}, jobs, jobs[1:], at_once=8)
    assert (set(run.shards), run.done, run.others, run.at_once) == ({first, second}, {first}, 2, 4)
    run.begin("report")
    run.end("report")
    assert (run.others_done, run.running) == (1, {})
    whole = sum(run.planned_s.values()) + 2 * OTHER_S
    assert run.line().startswith(f"{100 * (run.planned_s[first] + OTHER_S) / whole:.0f} % done, ")


def test_the_parts_of_a_shard_are_jobs_of_their_own_and_joining_them_is_little_work(config):
    shards = {shard.id: shard for shard in grid.shards(config)}
    whole = next(shard for shard in shards.values() if can_be_split(shard))
    parts = {
        part.name: part for part in (Part(shard=whole, seeds=range(1)), Part(shard=whole, seeds=range(1, 2)))
    }
    names = [run_progress.job_name("train_part", {"shard": whole.id, "seeds": name}) for name in parts]

    def job(rule: str, **wildcards: str):
        return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards=wildcards)

    jobs = [job("train_part", shard=whole.id, seeds=name) for name in parts]
    jobs.append(job("join_parts", shard=whole.id))
    run = run_progress.of(config, shards, {whole.id: parts}, jobs, jobs, at_once=2)
    assert set(run.shards) == {whole.id, *names}
    assert run.planned_s[whole.id] == OTHER_S
    run.begin(names[0])
    run.end(names[0])
    assert run.done == {names[0]}, "the shard is not done with its first part"
