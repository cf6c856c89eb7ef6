"""What one claim needs is planned without pandas, and must be what judging it looks at."""

import dataclasses
from pathlib import Path

import pytest

from rnnlimits.analysis import claims
from rnnlimits.analysis.claims import selection
from rnnlimits.planning import claim_shards, grid
from rnnlimits.planning.config.plain_yaml import read_yaml
from rnnlimits.planning.load import load

CONFIGS = sorted(path for path in Path("config").glob("*.yaml") if "claims" not in path.name)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_claim_is_planned_with_the_shards_that_judging_it_looks_at(path):
    loaded = load(path)
    planned = grid.shards(loaded)
    plan = selection.plan_of(None, planned)
    for claim in read_yaml(loaded.claims_path)["claims"]:
        wanted = {
            name
            for part in claim["parts"]
            for where in claims.selections(part)
            for name in selection.matching(plan, part, where).shard
        }
        assert wanted
        assert [shard.id for shard in claim_shards.shards_of(claim, planned)] == [
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
    found = claim_shards.shards_of(claim, shards.values())
    assert {name for name, one in shards.items() if one in found} == left


def shard(**changes):
    first = next(one for one in grid.shards(load("config/smoke.yaml")) if one.study == "hidden_size")
    return dataclasses.replace(first, study="trained", **changes)
