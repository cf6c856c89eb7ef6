"""Parts of a shard, trained apart and joined, give the rows of the shard in one job, byte for byte."""

import os
import signal
from dataclasses import replace

import pytest

from rnnlimits import rows
from rnnlimits.execution import job, part_plan, parts, planned_rows
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.job import Job
from rnnlimits.training.module import ReplicaTraining
from support.example_config import GOOD
from support.forked_job import ForkedJob
from support.small_shards import BUDGET, a_shard

SHORT = BUDGET | {
    "updates": 20,
    "probe_at": 0.4,
    "patience": 1,
    "patience_from": 0,
    "test_last_weights": True,
}
# One rate makes every replica diverge, one improves nothing.
SHARDS = {
    name: a_shard(
        name, seeds=3, learning_rates=[1e30, 1e-30, 1e-2], budget=SHORT,
        probes={"gradient_reach": {"sequences": 4}},
    )
    for name in ("elman", "temporal_convolution")
}  # fmt: skip
SEEDS = (range(2), range(2, 3))
one = pytest.mark.parametrize("trained", ["elman"], indirect=True)  # for what no architecture has a part in


def told_to_end() -> None:
    """The job gets a SIGTERM in its ninth step, as of a scheduler."""
    whole, taken = ReplicaTraining.training_step, []

    def step(self, batch):
        taken.append(batch)
        if len(taken) == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        return whole(self, batch)

    ReplicaTraining.training_step = step


@pytest.fixture(scope="module", params=SHARDS)
def trained(request, tmp_path_factory):
    """A shard in one job, and in two parts of which the first was told to end and went on."""
    folder = tmp_path_factory.mktemp(request.param)
    shard = SHARDS[request.param]
    whole = Job(shard=shard, out=folder / "whole.parquet")
    job.run(whole)
    files = [folder / f"{seeds[0]}.trained" for seeds in SEEDS]
    for seeds, out in zip(SEEDS, files, strict=True):
        part = Job(shard=shard, out=out, seeds=seeds, checkpoints=folder / "checkpoints")
        if seeds is SEEDS[0]:
            command = ["train", "--spec", shard.to_json(), "--seeds", "0-1", "--out", str(out)]
            told = ForkedJob([*command, "--checkpoints", str(part.checkpoints)], folder / "log", told_to_end)
            assert told.wait() == 128 + signal.SIGTERM
            assert part.checkpoint_path.exists()
        job.run(part)
    return whole, tuple(files)


@pytest.fixture
def joining(trained, tmp_path):
    """The job that joins, on parts of its own."""
    whole, files = trained
    own = [tmp_path / "parts" / file.name for file in files]
    own[0].parent.mkdir()
    for file, copy in zip(files, own, strict=True):
        copy.write_bytes(file.read_bytes())
    return Job(shard=whole.shard, out=tmp_path / "joined.parquet", parts=tuple(own))


def test_joined_parts_are_the_rows_of_the_shard_in_one_job(trained, joining, capsys):
    job.run(joining)
    assert rows.content_digest(joining.out) == rows.content_digest(trained[0].out)
    assert rows.table(joining.out).equals(rows.table(trained[0].out))
    assert planned_rows.are_done(joining.shard, joining.out)
    assert sorted(path.name for path in joining.parts[0].parent.iterdir()) == ["0.trained", "2.trained"]

    whole = rows.facts_of(trained[0].out, joining.shard.id)
    facts = rows.facts_of(joining.out, joining.shard.id)
    assert facts.keys() == whole.keys() | {"parts"}
    same = ("config_hash", "code_fingerprint", "arithmetic", "replicas", "updates_run", "chosen_by")
    assert {name: facts[name] for name in same} == {name: whole[name] for name in same}
    first, second = facts["parts"]
    assert (first["seeds"], second["seeds"]) == ("0-1", "2-2")
    assert first["host"] == whole["host"]
    assert facts["resumed_from_updates"] == first["resumed_from_updates"] == [9]
    assert facts["groups"] == first["groups"] + second["groups"] == [6, 3]
    assert facts["peak_memory_mb"] >= first["peak_memory_mb"] > 0
    assert facts["seconds_training"] >= first["seconds_training"] + second["seconds_training"]
    assert (
        facts["seconds_total"] > facts["seconds_before"] == first["seconds_total"] + second["seconds_total"]
    )

    planned = part_plan.recorded(joining.shard, facts)
    assert [part.seeds for part in planned] == list(SEEDS)
    assert part_plan.recorded(joining.shard, {"parts": [{"seeds": "7-9"}]}) == []
    assert part_plan.recorded(joining.shard, {"parts": "none"}) == []


@one
def test_a_damaged_part_is_set_aside_so_that_it_is_trained_again(joining):
    first = joining.parts[0]
    content = first.read_bytes()
    first.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"damaged .*; set aside as 0\.trained\.damaged: run it again"):
        job.run(joining)
    assert not first.exists()
    assert not joining.out.exists()


@one
def test_every_seed_must_be_there_once(joining):
    for files, seeds in (((0,), "0-1"), ((0, 1, 1), "0-1, 2-2, 2-2")):
        some = replace(joining, parts=tuple(joining.parts[number] for number in files))
        with pytest.raises(ValueError, match=f"got parts of the seeds {seeds}; expected 0-2, each once"):
            parts.join(some)


@one
def test_parts_are_not_joined_where_numbers_are_rounded_differently(joining, monkeypatch):
    monkeypatch.setenv("RNNLIMITS_BACKEND", "torch")
    with pytest.raises(ValueError, match=r"rounded differently .*; join it where it was trained, or remove"):
        job.run(joining)
    assert joining.parts[0].exists()


@one
def test_a_part_knows_what_another_process_has_left(trained):
    whole, files = trained
    part = Job(shard=whole.shard, out=files[0], seeds=SEEDS[0])
    assert parts.is_done(part)
    assert not parts.is_done(replace(part, shard=replace(whole.shard, seeds=4)))
    assert not parts.is_done(replace(part, out=files[0].with_name("missing")))


@one
def test_what_is_done_or_begun_another_way_keeps_its_way(trained, tmp_path):
    whole = trained[0]
    shard = whole.shard
    asked = GOOD | {"results": "r", "split_hours": 1e-9}
    config = Config.model_validate(asked, context={"feasibility": lambda _: ()})
    config = config.model_copy(update={"results": str(tmp_path), "studies": {"s": config.studies["trained"]}})
    names = ["0-0", "1-1", "2-2"]
    assert list(part_plan.planned(config, {shard.id: shard})[shard.id]) == names
    begun = tmp_path / "checkpoints" / f"{shard.id}.checkpoint"
    begun.parent.mkdir()
    begun.touch()
    assert part_plan.planned(config, {shard.id: shard}) == {}
    begun.unlink()
    done = tmp_path / "rows" / f"{shard.id}.parquet"
    done.parent.mkdir()
    done.write_bytes(whole.out.read_bytes())
    assert part_plan.planned(config, {shard.id: shard}) == {}
    other = replace(shard, learning_rates=[0.5])  # what is there was made of another config
    assert list(part_plan.planned(config, {shard.id: other})[shard.id]) == names
