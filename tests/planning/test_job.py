"""A job: what follows from its fields."""

from pathlib import Path

import pytest

from support.small_shards import BUDGET, a_job, a_shard

TRAINED, PROBED = a_shard(), a_shard(budget=BUDGET | {"updates": 0})


@pytest.mark.parametrize(
    ("shard", "device", "on_gpu"),
    [(TRAINED, "cuda", True), (TRAINED, "cpu", False), (PROBED, "cuda", False)],
)
def test_only_what_trains_takes_a_gpu(shard, device, on_gpu):
    assert a_job(shard, device=device).on_gpu is on_gpu


def test_a_checkpoint_is_named_after_its_shard_and_needs_a_folder_and_a_period():
    folder = Path("results/checkpoints")
    assert a_job(TRAINED, checkpoints=folder).checkpoint_path == folder / f"{TRAINED.id}.checkpoint"
    assert a_job(TRAINED).checkpoint_path is None
    assert a_job(TRAINED, checkpoints=folder, checkpoint_every_s=0).checkpoint_path is None
