"""What is recorded and replayed gives what a plain call gives; tested with buffers and without a GPU."""

import logging

import pytest
import torch

from rnnlimits.planning.config.budget import Budget
from rnnlimits.tasks.base import generator
from rnnlimits.training.build import build_model, build_task
from rnnlimits.training.cuda_graph import Imitation, Recording, Replayed
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas
from rnnlimits.training.trainer import fit
from support.small_shards import BUDGET, a_shard

CPU = torch.device("cpu")


def twice(x, more=None):
    return (2 * x if more is None else 2 * x + more,)


def test_a_shape_is_recorded_when_it_comes_twice_in_a_row_and_then_replayed():
    step = Replayed(twice, CPU, Imitation)
    for call, recordings in enumerate([0, 1, 1, 1]):
        (doubled,) = step(torch.full((3,), float(call)))
        assert doubled.tolist() == [2.0 * call] * 3
        assert step.recordings == recordings
    (again,) = step(torch.ones(3))
    assert again.data_ptr() == doubled.data_ptr()


def test_another_shape_just_runs_and_leaves_the_recording_in_place():
    step = Replayed(twice, CPU, Imitation)
    for x, more in [(1, None), (1, 1), (2, 1), (3, None), (4, 1)]:
        given = torch.tensor([float(x)]), None if more is None else torch.tensor([float(more)])
        assert step(*given)[0].tolist() == [2.0 * x + (more or 0)]
    assert step.recordings == 1


def test_what_was_forgotten_is_recorded_anew():
    step = Replayed(twice, CPU, Imitation)
    for _ in range(3):
        step(torch.ones(3))
    step.forget()
    assert step.recording is None
    for _ in range(3):
        assert step(torch.ones(2))[0].tolist() == [2, 2]
    assert step.recordings == 2


def test_an_output_may_be_handed_back_as_an_input():
    step = Replayed(twice, CPU, Imitation)
    x = torch.ones(1)
    for _ in range(10):
        (x,) = step(x)
    assert x.item() == 2**10


def test_what_cannot_be_recorded_runs_on_with_one_line(caplog):
    class Fails(Recording):
        def record(self, work):
            raise RuntimeError("operation not permitted when stream is capturing\nmore lines")

    step = Replayed(twice, CPU, Fails)
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            assert step(torch.ones(2))[0].tolist() == [2, 2]
    (line,) = caplog.messages
    assert line == "goes on without a CUDA graph: operation not permitted when stream is capturing"


def train(shard, replicas, recorder, **budget):
    torch.manual_seed(0)
    task = build_task(shard)
    tasks = {replica.seed: task for replica in replicas}
    models = Replicas([build_model(shard, task, replica.seed) for replica in replicas])
    validation = {seed: task.evaluation("validation", 8, generator(seed, "validation")) for seed in tasks}
    module = ReplicaTraining(models, replicas, tasks, validation, Budget(**BUDGET | budget))
    module.recorder = recorder
    fit(module, "cpu", None)
    return module


TEXT = {"task_options": {"embedding": 5, "characters": 2000}}
CASES = {
    "lstm": (a_shard("lstm"), [Replica(0, 1e-2), Replica(1, 1e-2)], {}),
    "a page of convolutions": (a_shard("temporal_convolution"), [Replica(0, 1e-2), Replica(1, 1e-2)], {}),
    "one that diverges": (a_shard(architecture_options={"nonlinearity": "relu"}),
                          [Replica(0, 1e30), Replica(1, 1e-2)], {}),
    "one that stops": (a_shard("gru"), [Replica(0, 1e-30), Replica(1, 1e-2)],
                       {"patience": 2, "patience_from": 0}),
    "a recipe with all": (a_shard(task="parity"), [Replica(0, 1e-2), Replica(1, 1e-2)], {
        "gradient_norm_penalty": 2.0, "not_finite": "shrink", "clip_value": 0.1,
        "schedule": "step_decay", "decay_every": 9,
    }),
    "one that stops, with dropout": (a_shard("gru"), [Replica(0, 1e-30), Replica(1, 1e-2)],
                                    {"patience": 2, "patience_from": 0, "dropout": 0.3}),
    # Three epochs: each begins without a state, so its first batch is of another shape.
    "a text": (a_shard("gru", "character_language_model", 20, **TEXT),
               [Replica(0, 1e-2), Replica(1, 1e-2)], {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_replayed_training_is_the_plain_one_to_the_last_bit(case):
    shard, replicas, budget = CASES[case]
    copies = [[Replica(one.seed, one.learning_rate) for one in replicas] for _ in range(2)]
    plain, replayed = (
        train(shard, copy, recorder, **budget) for copy, recorder in zip(copies, (None, Imitation))
    )
    assert replayed.step.recordings == (2 if case.startswith("one that") else 1)
    assert plain.step.recordings == 0
    assert plain.readings == replayed.readings
    for ours, theirs in zip(replayed.models.rows, plain.models.rows, strict=True):
        assert torch.equal(ours, theirs)
    assert [one.status for one in plain.replicas] == [one.status for one in replayed.replicas]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("case", CASES)
def test_on_a_gpu_a_training_is_recorded(case):
    shard, replicas, budget = CASES[case]
    task = build_task(shard)
    models = Replicas([build_model(shard, task, one.seed) for one in replicas])
    validation = {one.seed: task.evaluation("validation", 8, generator(one.seed, "data")) for one in replicas}
    copies = [Replica(one.seed, one.learning_rate) for one in replicas]
    asked = Budget(**BUDGET | budget)
    module = ReplicaTraining(models, copies, dict.fromkeys(validation, task), validation, asked)
    fit(module, "cuda", None)
    assert module.step.recordings > 0
