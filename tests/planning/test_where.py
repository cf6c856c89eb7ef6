"""What one claim needs is planned without pandas, and must be what judging it looks at."""

import dataclasses
from pathlib import Path

import pytest

from rnnlimits.analysis.claims import selection
from rnnlimits.planning import claim_plan, grid
from rnnlimits.planning import where as rule
from rnnlimits.planning.load import load

CONFIGS = sorted(path for path in Path("config").glob("*.yaml") if "claims" not in path.name)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_claim_is_planned_with_the_shards_that_judging_it_looks_at(path):
    loaded = load(path)
    planned = grid.shards(loaded)
    plan = selection.plan_of(None, planned)
    for claim in loaded.claims_content["claims"]:
        wanted = {
            name
            for part in claim["parts"]
            for where in rule.selections(part)
            for name in selection.matching(plan, part, where).shard
        }
        assert wanted
        assert [shard.id for shard in rule.shards_of(claim, planned)] == [
            shard.id for shard in planned if shard.id in wanted
        ], claim["id"]


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"hidden_size": "largest"}, {"a8", "b4"}),  # of each variant, its own
        ({"hidden_size": ["smallest", 8]}, {"a4", "a8", "b4"}),
        ({"variant": "a", "hidden_size": 4}, {"a4"}),
        ({"parameters_target": "largest"}, set()),  # nobody aimed at a size
        ({"metric": "loss"}, {"a4", "a8", "b4"}),  # no column of a shard
    ],
)
def test_ends_are_those_of_each_variant(where, left):
    shards = {name: shard(variant=name[0], hidden_size=int(name[1])) for name in ("a4", "a8", "b4")}
    claim = {"parts": [{"study": "trained", "where": where}]}
    found = rule.shards_of(claim, shards.values())
    assert {name for name, one in shards.items() if one in found} == left


def test_the_largest_size_is_sought_in_each_study_of_its_own():
    """Two studies, and only the smaller size of one of them has the length that is asked for next."""
    short, long = shard(hidden_size=8, length_steps=10), shard(hidden_size=4, length_steps=20)
    long = dataclasses.replace(long, study="other")
    claim = {
        "parts": [{"study": ["trained", "other"], "where": {"hidden_size": "largest", "length_steps": 20}}]
    }
    assert rule.shards_of(claim, [short, long]) == [long]
    planned = ["trained", "other"], [short, long]
    assert claim_plan.problems([{"id": "c", **claim}], *planned) == []


@pytest.mark.parametrize("word", ["shortest", "longest", "first", "last"])
def test_a_length_may_be_named_by_its_end(word):
    short, long = shard(length_steps=10), shard(length_steps=20)
    claim = {"id": "c", "parts": [{"study": "trained", "where": {"length_steps": word}}]}
    assert rule.shards_of(claim, [short, long]) == [short if word in ("shortest", "first") else long]
    assert claim_plan.problems([claim], ["trained"], [short, long]) == []


def shard(**changes):
    first = next(one for one in grid.shards(load("config/smoke.yaml")) if one.study == "hidden_size")
    return dataclasses.replace(first, study="trained", **changes)
