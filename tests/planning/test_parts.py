"""Which shards are split by seed, into which parts, and what `plan` says of them."""

import re
from dataclasses import replace

import pytest
import yaml

from rnnlimits.planning import machine, parts, provenance
from rnnlimits.planning.config.schema import Config
from support.command_line import run
from support.example_config import GOOD, changed
from support.small_shards import BUDGET, a_shard

LONG = a_shard(
    "lstm", length=500, hidden_size=128, parameters=70_000, seeds=7, budget=BUDGET | {"updates": 9000}
)
WHOLE_H = parts.seconds(LONG, 7) / 3600


@pytest.mark.parametrize("hours", [WHOLE_H / 1.5, WHOLE_H / 3, WHOLE_H / 4])
def test_every_seed_is_in_one_of_the_fewest_parts_that_are_short_enough(hours):
    found = parts.parts(LONG, hours)
    assert [seed for part in found for seed in part.seeds] == list(range(7))
    longest = max(len(part.seeds) for part in found)
    assert longest - min(len(part.seeds) for part in found) <= 1
    assert parts.seconds(LONG, longest) <= 3600 * hours
    assert parts.seconds(LONG, -(-7 // (len(found) - 1))) > 3600 * hours


def test_one_seed_is_the_smallest_part_however_long_it_takes():
    assert [part.name for part in parts.parts(LONG, 1e-9)] == [f"{seed}-{seed}" for seed in range(7)]


@pytest.mark.parametrize(
    ("shard", "hours", "device"),
    [
        (LONG, None, "cpu"),
        (LONG, 2 * WHOLE_H, "cpu"),
        (LONG, 1e-9, "cuda"),
        (replace(LONG, seeds=1), 1e-9, "cpu"),
        (replace(LONG, kind="cross_validation", folds=3), 1e-9, "cpu"),
        (replace(LONG, kind="refit", needs=["a"]), 1e-9, "cpu"),
        (replace(LONG, budget=LONG.budget.model_copy(update={"updates": 0})), 1e-9, "cpu"),
    ],
    ids=["not asked for", "short", "on a GPU", "one seed", "folds", "a refit", "nothing to train"],
)
def test_other_shards_stay_whole(shard, hours, device):
    assert parts.parts(shard, hours, device) == []


def test_a_name_is_read_as_the_seeds_that_it_was_made_of():
    assert [parts.read(part.name, LONG) for part in parts.parts(LONG, WHOLE_H / 3)] == [
        part.seeds for part in parts.parts(LONG, WHOLE_H / 3)
    ]


@pytest.mark.parametrize("text", ["", "3", "2-1", "0-7", "-1-2", "0-1-2", "a-b", "0-9999999"])
def test_other_seeds_are_refused(text):
    with pytest.raises(ValueError, match=re.escape(f"--seeds: got {text!r}; expected FIRST-LAST, two numb")):
        parts.read(text, LONG)


def test_a_command_trains_a_part_or_joins_parts_of_a_shard_that_has_some():
    with pytest.raises(ValueError, match="got both"):
        parts.asked("0-1", ["a.trained"], LONG)
    with pytest.raises(ValueError, match=r"^--part: .* has no parts: only a training of several seeds has"):
        parts.asked(None, ["a.trained"], replace(LONG, seeds=1))


@pytest.mark.parametrize("hours", [0, -1, "4", 1e5])
def test_hours_are_a_positive_number(hours):
    with pytest.raises(ValueError, match="split_hours"):
        Config.model_validate(GOOD | {"split_hours": hours}, context={"feasibility": lambda _: ()})


def test_plan_shows_the_parts_and_the_wall_time_and_the_shards_are_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machine, "cores", lambda: 2)
    config = changed(GOOD, ("studies", "trained", "seeds"), 3)
    (tmp_path / "whole.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "split.yaml").write_text(yaml.safe_dump(config | {"split_hours": 1e-9}))
    said = {}
    for name in ("whole", "split"):
        path = tmp_path / f"{name}.yaml"
        lines = run(monkeypatch, capsys, "plan", "--config", path)[1].splitlines()
        (wall,) = [line for line in lines if line.startswith("on 2 cores: ")]
        said[name] = [line for line in lines if line != wall]
        said[f"{name} json"] = run(monkeypatch, capsys, "plan", "--config", path, "--json")[1]
    assert said["whole json"] == said["split json"]
    split = [line for line in said["split"] if re.search(r" 3 parts, \d+ s the longest$", line)]
    assert {line.split()[0].partition(".")[0] for line in split} == {"trained"}
    assert [re.sub(r"  3 parts, .*", "", line) for line in said["split"]][:-1] == said["whole"]
    assert re.match(r"parts by seed: 24 of 8 shards, \d+ s the longest \(trained\.", said["split"][-1])


def test_what_splits_shards_is_behind_no_number():
    """Or another way to split them would be a reason to train everything anew."""
    behind = {file.name for file in provenance.files(LONG)}
    assert not behind & {"parts.py", "part_plan.py"}
