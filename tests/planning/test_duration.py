"""The estimate of a shard's time against the archive, which says how long each shard took."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from rnnlimits import rows
from rnnlimits.execution import pipeline
from rnnlimits.planning import duration, grid, memory
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.load import load
from support.repository_copy import ROOT
from support.small_shards import BUDGET, a_shard, budgeted

ARCHIVE = ROOT / "results" / "archive" / "laptop" / "rows.parquet"
WORTH_A_JOB_S = 1  # shorter ones are a matter of starting them


@pytest.fixture(scope="module")
def compared():
    """{shard: (estimate for the steps that were run, seconds taken)}"""
    shards = {shard.id: shard for shard in grid.shards(load(ROOT / "config" / "config.yaml"))}
    found = {}
    for name, facts in rows.read_provenance(ARCHIVE)["shards"].items():
        shard = memory.sized(shards[name], shards)
        if shard.kind != "simulation":
            shard = budgeted(shard, updates=facts["updates_run"])
        taken = facts["seconds_total"] - facts["seconds_import"]
        found[name] = duration.seconds(shard), taken
    return found


def test_all_shards_together_took_what_was_estimated(compared):
    estimate, taken = (sum(seconds) for seconds in zip(*compared.values(), strict=True))
    assert 0.5 * taken < estimate < 2 * taken


def test_nine_of_ten_shards_are_within_a_factor_of_two_and_a_half(compared):
    ratios = [estimate / taken for estimate, taken in compared.values() if taken > WORTH_A_JOB_S]
    assert len(ratios) > 50
    assert sum(0.4 < ratio < 2.5 for ratio in ratios) > 0.9 * len(ratios)


def test_no_shard_took_longer_than_a_cluster_would_be_asked_for(compared):
    shards = {shard.id: shard for shard in grid.shards(load(ROOT / "config" / "config.yaml"))}
    settings = SimpleNamespace(device_of=lambda study: "cpu", memory_mb=None)
    assert all(pipeline.runtime(settings, shards, name) * 60 > taken for name, (_, taken) in compared.items())


@pytest.mark.parametrize("page", ["gru", "minimal_gru", "selective_state_space"])
def test_more_of_anything_takes_longer(page):
    small = a_shard(page, parameters=400, learning_rates=[1e-3], probes={"gradient_reach": {"sequences": 2}})
    for more in (
        {"budget": Budget(**BUDGET | {"updates": 10_000})},
        {"budget": Budget(**BUDGET | {"batch_size": 1000})},
        {"length_steps": 500}, {"seeds": 50}, {"learning_rates": [1e-3] * 20}, {"parameters": 10**6},
        {"probes": {"lyapunov": {}}},
    ):  # fmt: skip
        assert duration.seconds(replace(small, **more)) > duration.seconds(small), more
    assert duration.seconds(replace(small, probes={})) < duration.seconds(small)


def test_a_page_without_a_compiled_loop_takes_longer(monkeypatch):
    compiled = duration.seconds(a_shard("gru", length=200))
    monkeypatch.setenv("RNNLIMITS_BACKEND", "torch")
    assert duration.seconds(a_shard("gru", length=200)) > 3 * compiled


def test_a_cluster_is_asked_for_more_time_at_each_attempt_up_to_a_day():
    settings = SimpleNamespace(device_of=lambda study: "cpu", memory_mb=None)
    shard = a_shard("gru", budget=BUDGET | {"updates": 200_000}, length=200, parameters=4000)
    asked = [pipeline.runtime(settings, {shard.id: shard}, shard.id, attempt) for attempt in (1, 2, 3)]
    assert asked[0] * 60 > 3 * duration.seconds(shard)
    assert asked[1:] == [2 * asked[0], 3 * asked[0]]
    endless = budgeted(shard, updates=10**9)
    assert pipeline.runtime(settings, {shard.id: endless}, shard.id, attempt=3) == 24 * 60


def test_only_what_trains_asks_for_a_gpu():
    trained, probed = a_shard(), a_shard(budget=BUDGET | {"updates": 0})
    shards = {"trained": trained, "probed": probed}
    for device, asked in (("cpu", [0, 0]), ("cuda", [1, 0])):
        settings = SimpleNamespace(device_of=lambda study, device=device: device)
        assert [pipeline.gpus(settings, shards, name) for name in shards] == asked
