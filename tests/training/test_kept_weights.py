"""The weights that stay beside the rows: the same bytes however they came about, and those that test read."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from rnnlimits import rows
from rnnlimits.execution import job
from rnnlimits.planning import kept_weights, provenance
from rnnlimits.planning.job import Job
from rnnlimits.training import build, groups, protocol
from rnnlimits.training import kept_weights as writer
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import flat
from support.small_shards import BUDGET, a_shard, budgeted

SHORT = BUDGET | {"updates": 20, "validate_every": 5}
# One rate makes every replica diverge, one is too small to learn.
SHARD = a_shard(seeds=3, learning_rates=[1e30, 1e-30, 1e-2], budget=SHORT)


def kept(shard, folder, keep="chosen", **means) -> bytes:
    """The file that a job of the shard leaves beside its rows."""
    out = folder / "rows.parquet"
    job.run(Job(shard=shard, out=out, keep_weights=keep, **means))
    return (folder / "rows.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    return kept(SHARD, tmp_path_factory.mktemp("whole"))


def test_chosen_are_the_replicas_of_one_rate_and_all_are_those_of_every_rate(tmp_path, whole):
    """Neither who asks for more nor a rate that diverges changes a number of the others."""
    kept(SHARD, tmp_path, "all")
    every = load_file(tmp_path / "rows.safetensors")
    (tmp_path / "chosen.safetensors").write_bytes(whole)
    chosen = load_file(tmp_path / "chosen.safetensors")
    assert {name.split("/")[0] for name in chosen} == {"learning_rate_0.01"}
    assert {name.split("/")[1] for name in chosen} == {"seed_0", "seed_1", "seed_2"}
    assert {name.split("/")[0] for name in every} == {f"learning_rate_{r!r}" for r in SHARD.learning_rates}
    assert all(torch.equal(tensor, every[name]) for name, tensor in chosen.items())
    with safe_open(tmp_path / "rows.safetensors", framework="pt") as file:
        told = json.loads(file.metadata()["rnnlimits"])
    assert told["spec"] == json.loads(SHARD.to_json())
    assert sorted(told["replicas"]) == sorted(
        [rate, seed] for rate in SHARD.learning_rates for seed in range(3)
    )
    facts = rows.facts_of(tmp_path / "rows.parquet", SHARD.id)["weights"]
    assert (facts["kept"], facts["file"]) == ("all", "rows.safetensors")
    assert facts["bytes"] == (tmp_path / "rows.safetensors").stat().st_size


def test_what_is_kept_is_what_test_was_read_with(tmp_path, whole):
    """Read again with the weights of the file, all seeds at once as then, every score has the same bits."""
    (tmp_path / "kept.safetensors").write_bytes(whole)
    found = load_file(tmp_path / "kept.safetensors")
    setup = build.set_up(SHARD)
    for seed, model in setup.models.items():
        prefix = writer.name(1e-2, seed)
        model.load_state_dict({name.removeprefix(prefix): found[name] for name in found if prefix in name})
    replicas = [
        Replica(seed, 1e-2, best_theta_P=flat(list(model.parameters())))
        for seed, model in setup.models.items()
    ]
    again = dict(enumerate(groups.read_test(setup, replicas)))
    measured, _ = protocol.run(Job(shard=SHARD, out=tmp_path / "rows.parquet"))
    read = {seed: {} for seed in again}
    for row in measured:
        if row.split == "test" and row.metric != "solved":
            read[row.seed][row.metric] = row.value
    assert again == read


def test_a_part_by_seed_leaves_the_same_file(tmp_path, whole):
    files = [tmp_path / "0.trained", tmp_path / "2.trained"]
    for seeds, file in zip((range(2), range(2, 3)), files, strict=True):
        job.run(Job(shard=SHARD, out=file, seeds=seeds, keep_weights="chosen"))
    assert sorted(tmp_path.iterdir()) == files, "a part keeps none: its file has all that is needed"
    assert kept(SHARD, tmp_path, parts=tuple(files)) == whole


def test_a_job_that_was_killed_before_it_wrote_its_rows_leaves_the_same_file(tmp_path, whole, monkeypatch):
    """Its training had ended: the next job goes on from the last checkpoint, and trains nothing."""
    means = {"checkpoints": tmp_path / "checkpoints", "checkpoint_every_s": 1e-9}
    unread = protocol.read_test

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(protocol, "read_test", killed)
    with pytest.raises(KeyboardInterrupt):
        kept(SHARD, tmp_path, **means)
    monkeypatch.setattr(protocol, "read_test", unread)
    assert [path.suffix for path in means["checkpoints"].glob("*.checkpoint")] == [".checkpoint"]
    assert not list(tmp_path.glob("rows.*"))
    assert kept(SHARD, tmp_path, **means) == whole
    assert rows.facts_of(tmp_path / "rows.parquet", SHARD.id)["resumed_from_updates"] == [20]


def test_replicas_in_groups_leave_the_same_file(tmp_path, whole):
    assert kept(SHARD, tmp_path, memory_mb=1) == whole
    assert len(rows.facts_of(tmp_path / "rows.parquet", SHARD.id)["groups"]) > 1


def test_rows_do_not_depend_on_what_is_kept(tmp_path):
    digests = set()
    for keep in kept_weights.KINDS:
        job.run(Job(shard=SHARD, out=tmp_path / "rows.parquet", keep_weights=keep))
        digests.add(rows.content_digest(tmp_path / "rows.parquet"))
    assert len(digests) == 1
    # `none` came last, and the weights of other rows do not stay beside these.
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
    assert rows.facts_of(tmp_path / "rows.parquet", SHARD.id)["weights"] == {"kept": "none"}


@pytest.mark.parametrize(
    ("changes", "of_all", "of_chosen"),
    [
        ({}, 9, 3),
        ({"kind": "refit"}, 3, 3),
        ({"kind": "cross_validation", "folds": 2}, 0, 0),
        ({"budget": BUDGET | {"updates": 0}}, 0, 0),
        ({"kind": "simulation", "budget": None}, 0, 0),
    ],
)
def test_so_many_replicas_are_kept(changes, of_all, of_chosen):
    shard = a_shard(**{"seeds": 3, "learning_rates": [1e-3, 1e-2, 1e-1]} | changes)
    assert kept_weights.replicas(shard, "all") == of_all
    assert kept_weights.replicas(shard, "chosen") == of_chosen
    assert kept_weights.replicas(shard, "none") == kept_weights.size_bytes(shard, "none") == 0


@pytest.mark.parametrize(
    ("page", "options"),
    [("lstm", {}), ("echo_state", {}), ("leaky", {"leak": "fixed"}), ("stacked", {"of": "unitary"})],
)
def test_planning_knows_the_size_of_the_file_but_for_the_names(page, options, tmp_path):
    shard = budgeted(a_shard(page, architecture_options=options), updates=1, validate_every=1)
    shard = replace(shard, parameters=build.set_up(shard).shard.parameters)
    kept(shard, tmp_path)
    numbers = sum(tensor.numel() for tensor in load_file(tmp_path / "rows.safetensors").values())
    assert kept_weights.size_bytes(shard, "chosen") == 4 * numbers


def test_only_the_code_of_the_model_is_its_fingerprint():
    """Another task or another trainer computes the same outputs with the same weights."""
    lstm = provenance.fingerprint_of_model(a_shard("lstm"))
    assert lstm == provenance.fingerprint_of_model(a_shard("lstm", task="copy_memory"))
    assert lstm != provenance.fingerprint_of_model(a_shard("gru"))
    assert lstm != provenance.fingerprint_of_model(a_shard("stacked", architecture_options={"of": "lstm"}))
