"""Shards: plain data with stable names, counted and matched by the pages' own formulas."""

import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlimits import catalog
from rnnlimits.planning import grid, memory
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from rnnlimits.planning.sizes import matched_hidden_size

STUDY = {
    "kind": "training",
    "title": "a study",
    "tasks": {"adding": {}, "text": {"page": "character_language_model", "embedding": 4}},
    "architectures": {"elman": {}, "flat": {"page": "elman", "initialisation": "orthogonal"}},
    "lengths": [5, 10],
    "hidden_sizes": [3, 4],
    "seeds": 2,
    "learning_rates": [0.1, 0.01],
    "budget": {"updates": 10},
    "probes": {"gradient_reach": {"sequences": 3}},
}
FOLDED = STUDY | {
    "kind": "cross_validation", "tasks": {"sequential_digits": {}}, "lengths": [64], "folds": 5,
}  # fmt: skip


def planned(tmp_path: Path, **studies) -> list[Shard]:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"name": "test", "results": "results", "studies": studies}))
    return grid.shards(load(path))


def test_a_study_is_the_product_of_its_lists(tmp_path):
    shards = planned(tmp_path, a=STUDY)
    assert len({shard.id for shard in shards}) == len(shards) == 2 * 2 * 2 * 2
    shard = next(shard for shard in shards if shard.id == "a.text.flat.h3.t10")
    assert (shard.task_page, shard.architecture) == ("character_language_model", "elman")
    assert shard.architecture_options["initialisation"] == "orthogonal"
    assert shard.task_options["corpus"] == "python_reference", "defaults are part of the spec"
    assert shard.probes["gradient_reach"]["sequences"] == 3
    assert shard.replicas == 2 * 2


def test_long_jobs_come_first(tmp_path):
    costs = [shard.cost for shard in planned(tmp_path, a=STUDY, b=FOLDED)]
    assert costs == sorted(costs, reverse=True)


def test_a_fold_is_more_urgent_than_an_equal_training(tmp_path):
    """The refit cannot start before it."""
    trained = STUDY | {"tasks": {"sequential_digits": {}}, "lengths": [64], "probes": {}, "seeds": 5}
    shards = planned(tmp_path, a=FOLDED, b=trained)
    folds = {shard.id.partition(".")[2]: shard for shard in shards if shard.kind == "cross_validation"}
    others = {shard.id.partition(".")[2]: shard for shard in shards if shard.kind == "training"}
    assert folds.keys() == others.keys()
    assert all(folds[name].replicas == others[name].replicas for name in folds)
    assert all(folds[name].cost > others[name].cost for name in folds)
    assert all(shard.cost > 0 for shard in shards if shard.kind == "refit"), "its size is not known yet"


def test_a_cross_validation_ends_in_one_refit_per_variant(tmp_path):
    shards = planned(tmp_path, a=FOLDED)
    folds = [shard for shard in shards if shard.kind == "cross_validation"]
    refits = [shard for shard in shards if shard.kind == "refit"]
    assert [shard.replicas for shard in folds] == [5 * 2] * 4
    assert {shard.id for shard in refits} == {
        "a.sequential_digits.elman.chosen.t64",
        "a.sequential_digits.flat.chosen.t64",
    }
    for refit in refits:
        same = {shard.id for shard in folds if shard.variant == refit.variant}
        assert set(refit.needs) == same
        assert len(same) == 2
        assert (refit.hidden_size, refit.parameters, refit.replicas) == (0, 0, 2)


def test_a_simulation_is_one_shard(tmp_path):
    study = {
        "kind": "simulation",
        "title": "x",
        "seeds": 3,
        "simulations": {"fast": {"page": "curse_of_memory"}},
    }
    (shard,) = planned(tmp_path, a=study)
    assert shard.id == "a.fast.simulation"
    assert (shard.task_page, shard.architecture, shard.replicas) == ("curse_of_memory", "none", 3)


def test_json_carries_a_shard_unchanged_in_one_canonical_line(tmp_path):
    for shard in planned(tmp_path, a=STUDY, b=FOLDED):
        line = shard.to_json()
        assert Shard.from_json(line) == shard
        assert Shard.from_json(line).to_json() == line
        assert "\n" not in line
        assert list(json.loads(line)) == sorted(json.loads(line))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda spec: spec | {"lenght_steps": 3},
            "no field of a shard 'lenght_steps'; did you mean 'length_steps'",
        ),
        (
            lambda spec: {key: spec[key] for key in spec if key != "seeds"},
            "these fields of a shard are missing: seeds",
        ),
        (lambda spec: [spec], "--spec: got list; expected a mapping"),
    ],
)
def test_a_spec_that_is_not_a_shard_is_refused(tmp_path, change, message):
    spec = json.loads(planned(tmp_path, a=STUDY)[0].to_json())
    with pytest.raises(ValueError, match="--spec: ") as error:
        Shard.from_json(json.dumps(change(spec)))
    assert message in str(error.value)


def test_a_spec_that_is_not_json_is_refused():
    with pytest.raises(ValueError, match="--spec: not JSON"):
        Shard.from_json("{study: a}")


def test_a_row_knows_its_shard(tmp_path):
    shard = next(shard for shard in planned(tmp_path, a=STUDY) if shard.variant == "flat")
    row = shard.row(
        split="test", stage="final", update=1, metric="loss", value=1.0, unit="nats", status="out_of_updates"
    )
    for column in (
        "study",
        "kind",
        "task",
        "variant",
        "architecture",
        "hidden_size",
        "length_steps",
        "parameters",
    ):
        assert getattr(row, column) == getattr(shard, column)
    assert row.shard == shard.id


@settings(max_examples=60, deadline=None)
@given(
    coefficients=st.tuples(st.integers(0, 4), st.integers(1, 30), st.integers(0, 50)),
    group=st.integers(1, 4),
    budget=st.integers(1, 5000),
)
def test_matching_finds_what_trying_every_size_finds(coefficients, group, budget):
    square, slope, constant = coefficients

    def count(hidden):  # some architectures grow only every few units
        size = -(-hidden // group) * group
        return square * size * size + slope * size + constant

    tried = min(range(1, 5100), key=lambda hidden: (abs(count(hidden) - budget), hidden))
    assert matched_hidden_size(count, budget) == tried


def test_a_budget_that_no_size_reaches_is_refused():
    with pytest.raises(ValueError, match="has only 7 parameters, not 100"):
        matched_hidden_size(lambda hidden: 7, budget=100)


@pytest.mark.parametrize("variant", catalog.names("architectures"))
@pytest.mark.parametrize("task", ["adding", "copy_memory", "character_language_model"])
def test_planned_parameters_are_those_of_the_built_model(tmp_path, variant, task):
    pytest.importorskip("torch")
    from rnnlimits.training.build import build_model, build_task

    (shard, *_) = planned(
        tmp_path, a=STUDY | {"tasks": {task: {}}, "architectures": {variant: {}}, "lengths": [12]}
    )
    model = build_model(shard, build_task(shard), 0)
    assert shard.parameters == sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def test_matched_shards_say_what_they_aimed_at(tmp_path):
    study = {key: STUDY[key] for key in STUDY if key != "hidden_sizes"}
    shards = planned(
        tmp_path, a=study | {"match": "parameters", "parameters": [2000], "tasks": {"adding": {}}}
    )
    assert {shard.parameters_target for shard in shards} == {2000}
    assert all(abs(shard.parameters - 2000) < 0.03 * 2000 for shard in shards)


def test_ten_thousand_shards_are_planned_in_two_seconds(tmp_path):
    study = STUDY | {"lengths": list(range(5, 55)), "hidden_sizes": list(range(1, 51))}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"name": "test", "results": "results", "studies": {"a": study}}))
    started = time.process_time()
    shards = grid.shards(load(path))
    assert len(memory.planned(shards)) == len(shards) == 10_000
    assert time.process_time() - started < 2
