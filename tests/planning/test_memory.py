"""The estimate of a job's memory against the measured peak; groups of replicas that change no number."""

import dataclasses
import json
import math
import sys
from types import SimpleNamespace

import pytest
import torch
import yaml

from rnnlimits import rows
from rnnlimits.architectures import kernels
from rnnlimits.execution import pipeline
from rnnlimits.planning import machine, memory
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row
from rnnlimits.training import build, groups, protocol
from support.recipes import STEP, section
from support.repository_copy import fresh
from support.small_shards import BUDGET, a_job, a_shard

GROUPED = {
    "three_rates": a_shard("gru", learning_rates=[1e-2, 1e-3, 3e-3], budget=BUDGET | {"updates": 20}),
    "text": a_shard(
        "lstm", "character_language_model", 7, budget=BUDGET | {"updates": 20, "patience": 1},
        task_options={"embedding": 5, "characters": 4000}, probes={"gradient_reach": {"sequences": 2}},
    ),
    "folds": a_shard("elman", "sequential_digits", 64, kind="cross_validation", folds=5,
                     budget=BUDGET | {"updates": 8, "validate_every": 4}),
    "frozen": a_shard("echo_state", learning_rates=[1e-2, 1e-1], budget=BUDGET | {"updates": 20}),
    "convolution": a_shard("temporal_convolution", budget=BUDGET | {"updates": 20}),
    "one_diverges": a_shard("irnn", learning_rates=[1e30, 1e-3], budget=BUDGET | {"updates": 20}),
}  # fmt: skip


COMPILED = {
    "elman": "elman", "irnn": "elman", "gru": "gru", "lstm": "lstm", "lstm_1997": "lstm_1997",
    "long_expressive_memory": "long_expressive_memory", "independent": "independent", "leaky": "leaky",
    "antisymmetric": "antisymmetric", "coupled_oscillatory": "coupled_oscillatory",
    "orthogonal": "orthogonal",
}  # fmt: skip
LINEAR = (
    "minimal_gru", "minimal_lstm", "linear_recurrent_unit", "diagonal_state_space", "selective_state_space",
)  # fmt: skip
COMPILED |= {page: page for page in LINEAR}


def in_groups_of(size: int, shard: Shard, monkeypatch) -> tuple[list[Row], dict]:
    with monkeypatch.context() as patch:
        patch.setattr(memory, "fitting", lambda shard, *_: min(size, shard.replicas))
        return protocol.run(a_job(shard))


def assert_equal(rows: list[Row], others: list[Row], relative: float, absolute: float) -> None:
    """All but the numbers, which may differ by rounding."""
    assert len(rows) == len(others)
    for one, other in zip(rows, others, strict=True):
        assert dataclasses.replace(one, value=None) == dataclasses.replace(other, value=None)
        near = None if other.value is None else pytest.approx(other.value, relative, absolute)
        assert one.value == near


@pytest.mark.parametrize("name", GROUPED)
def test_a_replica_is_the_same_in_whatever_group(name, monkeypatch):
    build_model = build.build_model
    monkeypatch.setattr(build, "build_model", lambda *given: build_model(*given).double())
    shard = GROUPED[name]
    whole, provenance = in_groups_of(1000, shard, monkeypatch)
    assert provenance["groups"] == [shard.replicas]
    for size in (1, 2):
        parted, provenance = in_groups_of(size, shard, monkeypatch)
        assert max(provenance["groups"]) == size
        assert sum(provenance["groups"]) == shard.replicas
        assert_equal(parted, whole, 1e-9, 1e-9)


@pytest.mark.parametrize(("architecture", "kernel"), COMPILED.items())
def test_groups_change_a_replica_by_rounding_alone_where_the_loop_is_compiled(
    architecture, kernel, monkeypatch
):
    """On Intel's processors groups of two or more give equal bytes.

    On AMD's, the library behind torch multiplies small matrices by another routine where there are others of
    them, and a single matrix by another routine everywhere.
    """
    if not kernels.available(kernel):
        pytest.skip("no compiled loops here")
    budget = BUDGET | {"updates": 20, "batch_size": 32}
    shard = a_shard(architecture, hidden_size=33, learning_rates=[1e-2, 1e-3], budget=budget)
    whole, _ = in_groups_of(6, shard, monkeypatch)
    for size in (1, 2, 3):
        assert_equal(in_groups_of(size, shard, monkeypatch)[0], whole, 1e-4, 1e-6)


def test_a_replica_that_does_not_fit_alone_is_tried_with_a_warning(caplog):
    _, provenance = protocol.run(a_job(a_shard(budget=BUDGET | {"updates": 2}), memory_mb=100))
    assert provenance["groups"] == [1, 1, 1]
    (said,) = [record.getMessage() for record in caplog.records if "replica" in record.getMessage()]
    assert said.startswith("s.adding.elman.h6.t12: one replica alone needs about ")
    assert "and 100 MB may be used" in said


def test_as_many_replicas_as_fit_are_trained_at_once():
    shard = dataclasses.replace(a_shard(hidden_size=64, length=400), seeds=7)
    for count in (1, 3, 7):
        budget = memory.estimate(shard, count)
        assert memory.fitting(shard, budget) == count
        assert memory.fitting(shard, budget - 0.001) == max(1, count - 1)
    assert memory.estimate(shard, memory.fitting(shard, 600)) <= 600


def test_without_a_budget_a_job_may_use_a_core_s_part_of_the_memory(monkeypatch):
    shard = a_shard(hidden_size=64, length=400)
    monkeypatch.setattr(machine, "memory_of_a_core", lambda: memory.estimate(shard, 2))
    assert groups.sizes_that_fit(shard, a_job(shard)) == [2, 1]
    assert groups.sizes_that_fit(shard, a_job(shard, memory_mb=memory.estimate(shard, 3))) == [3]


def test_a_refit_is_estimated_with_the_largest_of_its_sizes():
    common = {"task": "sequential_digits", "length": 64, "folds": 3}
    small, large = (
        a_shard(**common, kind="cross_validation", hidden_size=size, parameters=100 * size)
        for size in (2, 64)
    )
    refit = a_shard(**common, kind="refit", hidden_size=0, needs=[small.id, large.id])
    peaks = memory.planned([small, large, refit])
    assert peaks[refit.id] == pytest.approx(peaks[large.id])


def settings(device: str, memory_mb: int | None = None) -> SimpleNamespace:
    """A config, as far as a job's needs depend on it."""
    return SimpleNamespace(device_of=lambda study: device, memory_mb=memory_mb)


def test_a_cluster_is_asked_for_the_main_memory_and_not_for_the_gpu_s():
    shard = a_shard(hidden_size=256, length=1000, budget=BUDGET | {"batch_size": 2000})
    asked = {
        device: pipeline.mem_mb(settings(device), {shard.id: shard}, shard.id) for device in ("cpu", "cuda")
    }
    assert asked["cpu"] > 1.3 * memory.estimate(shard) > 8000
    assert asked["cuda"] < 5000
    assert pipeline.mem_mb(settings("cpu", 3500), {shard.id: shard}, shard.id) < 1.3 * 3500 + 400


def test_a_longer_or_wider_probe_needs_more():
    probed = a_shard(budget=BUDGET | {"updates": 0}, hidden_size=64, length=1000)
    for probe, options, more in [
        ("gradient_reach", {"sequences": 10}, {"sequences": 100}),
        ("jacobian_spectrum", {"sequences": 1}, {"sequences": 10}),
        ("lyapunov", {"steps": 100}, {"steps": 10_000}),
    ]:
        less, much = (
            memory.estimate(dataclasses.replace(probed, probes={probe: given})) for given in (options, more)
        )
        assert much > less > memory.estimate(probed)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_peak_is_that_of_this_process():
    before = machine.peak_memory_mb()
    held = torch.ones(2**25)  # 128 MiB
    assert machine.peak_memory_mb() >= before
    assert machine.peak_memory_mb() > 128
    assert 0 < machine.memory_of_a_core() < math.inf
    del held


def test_the_limits_of_the_control_groups_count(tmp_path):
    table = tmp_path / "cgroup"
    table.write_text("4:memory:/slurm/job_7\n3:cpuset:/\n0::/user/session\n")
    for place, text in {
        "memory/slurm/job_7/memory.limit_in_bytes": "700\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "user/memory.max": "800\n",
        "user/session/memory.max": "max\n",
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    assert sorted(machine.limits(table, tmp_path)) == [700, 800, 9223372036854771712]
    assert machine.limits(tmp_path / "nowhere", tmp_path) == []


def study(task: str, architecture: str, length: int, hidden: int, seeds: int, **budget: int) -> dict:
    return {
        "kind": "training", "title": "memory", "tasks": {task: {}}, "architectures": {architecture: {}},
        "lengths": [length], "hidden_sizes": [hidden], "seeds": seeds, "learning_rates": [1e-3],
        "budget": {"updates": 2, "batch_size": 8, **budget},
    }  # fmt: skip


FEW = {"validation_sequences": 8, "test_sequences": 8}
LARGE = {
    "every_step_is_read": study("copy_memory", "lstm", 200, 64, 5, batch_size=200, **FEW),
    "evaluation": study("adding", "elman", 500, 128, 8),
    "one_by_one": study("copy_memory", "selective_state_space", 200, 64, 5, batch_size=100, **FEW),
    "blocks": study("copy_memory", "diagonal_state_space", 200, 64, 5, batch_size=160, **FEW),
    "convolution": study("adding", "temporal_convolution", 150, 64, 3, batch_size=600, **FEW),
    "probe": study("adding", "gru", 500, 64, 1, updates=0)
    | {"probes": {"gradient_reach": {"sequences": 200}}},
    "own_page": study("adding", "minimal_gated", 300, 64, 4, batch_size=250, **FEW),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A repository with the architecture of docs/recipes.md, which says nothing of memory."""
    made = fresh(tmp_path_factory.mktemp("memory"))
    step = next(STEP.finditer(section("An architecture")))
    (made.folder / step["new"]).write_text(step["content"], encoding="utf-8")
    text = yaml.safe_dump({"name": "memory", "results": "results", "studies": LARGE})
    (made.folder / "memory.yaml").write_text(text)
    made.specs = made.run("rnnlimits", "plan", "--config", "memory.yaml", "--json").stdout.splitlines()
    made.planned = made.run("rnnlimits", "plan", "--config", "memory.yaml").stdout.splitlines()
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="the peak means something else elsewhere")
@pytest.mark.parametrize("name", LARGE)
def test_the_estimate_is_within_thirty_percent_of_the_peak(name, copy):
    spec = next(line for line in copy.specs if json.loads(line)["study"] == name)
    (estimate,) = [float(line.split()[-1]) for line in copy.planned if line.startswith(f"{name}.")]
    out = copy.folder / f"{name}.parquet"
    copy.run("rnnlimits", "train", "--spec", spec, "--out", str(out), "--memory-mb", "100000")
    (provenance,) = rows.read_provenance(out)["shards"].values()
    peak = provenance["peak_memory_mb"]
    print(f"{name}: estimate {estimate:.0f} MB, peak {peak:.0f} MB, ratio {estimate / peak:.2f}")
    assert peak > 900  # at most 550 of it are the process
    assert 0.7 * peak < estimate < 1.3 * peak
