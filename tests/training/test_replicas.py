"""A replica is a run of its own: whatever its neighbours do, its numbers are those of a plain loop."""

import copy

import pytest
import torch
from torch import nn

from rnnlimits.tasks.base import Batch, generator
from rnnlimits.training.build import build_model, build_task
from rnnlimits.training.evaluation import evaluate
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas, clip, flat, stack
from support.small_shards import BUDGET, a_shard, budgeted, train, weights

ARCHITECTURES = ["elman", "lstm", "gru", "temporal_convolution", "feed_forward", "echo_state"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_replica_trained_among_others_equals_a_plain_loop_over_one_model(architecture):
    shard = a_shard(architecture)
    module = train(shard, [Replica(seed, rate) for rate in (1e-2, 3e-3) for seed in (0, 1, 2)])

    task = build_task(shard)
    model = build_model(shard, task, seed=1).double()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    stream = task.batches(BUDGET["batch_size"], generator(1, "data"))
    for _ in range(BUDGET["updates"]):
        batch = next(stream)
        optimiser.zero_grad()
        output, _ = model(batch.x.double())
        task.loss_N(output, batch).mean().backward()
        norm = torch.linalg.vector_norm(torch.cat([w.grad.flatten() for w in model.parameters()]))
        for weight in model.parameters():
            weight.grad *= min(1.0, BUDGET["clip_norm"] / norm.item())
        optimiser.step()

    alone = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    torch.testing.assert_close(weights(module, 4), alone, rtol=0, atol=1e-9)


RECALL = {"vocabulary": 64, "embedding": 5, "pairs": 2}
ASKED = {  # steps that are asked; and how many are read out
    "as often in every sequence": ("associative_recall", 12, RECALL, 2),
    "less often in some": ("associative_recall", 12, RECALL, 2),
    "once in each": ("parity", 12, {}, 1),
    "most": ("counting", 9, {"longest": 25}, 25),
}


@pytest.mark.parametrize("case", ASKED)
def test_a_read_out_of_the_asked_steps_alone_changes_no_gradient_and_no_score(case):
    name, length, options, asked = ASKED[case]
    shard = budgeted(a_shard("gru", name, length, task_options=options), clip_norm=None)
    task = build_task(shard)
    models = [build_model(shard, task, seed).double() for seed in (0, 1)]
    replicas = [Replica(seed, 0.1) for seed in (0, 1)]
    module = ReplicaTraining(Replicas(models), replicas, dict.fromkeys((0, 1), task), {}, shard.budget)
    batches = [task.evaluation("test", 7, generator(seed, "test"))[0] for seed in (0, 1)]
    if case == "less often in some":
        batches[1].mask_BT[3, batches[1].mask_BT[3].argmax()] = 0
    theta_RP = module.models.theta([0, 1])
    together = stack(batches, theta_RP)
    assert together.target.shape[2] == asked
    given = together.x, together.target, together.mask_BT, together.asked_BA
    found_RP, (losses_R, _), *_ = module.gradients(theta_RP, module.models.frozen_RQ, *given)
    scores = evaluate(module.models, task, [0, 1], theta_RP, [[batch] for batch in batches])
    for r, (model, batch) in enumerate(zip(models, batches, strict=True)):
        x, target, mask_BT = (as_double(part) for part in (batch.x, batch.target, batch.mask_BT))
        output, batch = model(x)[0], Batch(x, target, mask_BT)
        loss = task.loss_N(output, batch).mean()
        torch.testing.assert_close(losses_R[r], loss, rtol=1e-9, atol=0)
        by_weight = torch.autograd.grad(loss, list(model.parameters()))
        torch.testing.assert_close(found_RP[r], flat(by_weight), rtol=0, atol=1e-9)
        for metric, value_N in task.scores(output, batch).items():
            assert scores[metric][r] == pytest.approx(value_N.double().mean().item(), rel=1e-9)


def as_double(part: torch.Tensor) -> torch.Tensor:
    return part.double() if part.is_floating_point() else part


def test_one_replica_is_the_same_code_with_the_same_result():
    among = train(a_shard("lstm"), [Replica(seed, 1e-2) for seed in (0, 1, 2)])
    alone = train(a_shard("lstm"), [Replica(2, 1e-2)])
    torch.testing.assert_close(weights(among, 2), weights(alone, 0), rtol=0, atol=1e-9)


def test_truncated_back_propagation_carries_the_state_but_not_its_gradient():
    options = {"embedding": 5, "characters": 4000}
    shard = a_shard("gru", "character_language_model", 7, task_options=options)
    module = train(shard, [Replica(0, 1e-2), Replica(1, 1e-2)], {"updates": 20})

    task = build_task(shard)
    model = build_model(shard, task, seed=1).double()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    stream = task.batches(BUDGET["batch_size"], generator(1, "data"))
    state, carried = None, 0
    for _ in range(20):
        batch = next(stream)
        carried += batch.carry
        optimiser.zero_grad()
        output, state = model(batch.x, state if batch.carry else None)
        state = tuple(part.detach() for part in state)
        task.loss_N(output, batch).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), BUDGET["clip_norm"])
        optimiser.step()
    assert carried >= 10
    alone = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    # 1e-6 is what clip_grad_norm_ adds to the norm.
    torch.testing.assert_close(weights(module, 1), alone, rtol=0, atol=1e-5)


def test_a_replica_that_diverges_closes_alone():
    shard = a_shard(architecture_options={"nonlinearity": "relu"})
    sane = train(shard, [Replica(0, 1e-2)])
    module = train(shard, [Replica(1, 1e200), Replica(0, 1e-2)])
    lost, kept = module.replicas
    assert lost.status == "diverged"
    assert lost.stop_update < BUDGET["updates"]
    assert kept.status == "out_of_updates"
    assert kept.stop_update == BUDGET["updates"]
    torch.testing.assert_close(weights(module, 1), weights(sane, 0), rtol=0, atol=1e-9)
    assert all(r.replica == 1 for r in module.readings if r.update > lost.stop_update)


def test_a_stopped_replica_s_weights_no_longer_move():
    # A rate of 1e-30 never improves validation, so patience closes that replica after two validations.
    replicas = [Replica(0, 1e-30), Replica(1, 1e-2)]
    module = train(a_shard(), replicas, {"patience": 2, "patience_from": 0})
    assert replicas[0].status == "early_stopped"
    assert replicas[0].stop_update == 20
    short = train(
        a_shard(), [Replica(0, 1e-30), Replica(1, 1e-2)], {"patience": 2, "patience_from": 0, "updates": 20}
    )
    assert torch.equal(weights(module, 0), weights(short, 0))
    assert not torch.equal(weights(module, 1), weights(short, 1))


def test_the_best_validation_weights_are_kept():
    module = train(a_shard(), [Replica(0, 0.3), Replica(1, 0.3)])
    read = {
        (reading.replica, reading.update): reading.value
        for reading in module.readings
        if reading.metric == "mean_squared_error"
    }
    for r, replica in enumerate(module.replicas):
        mine = {step: value for (replica_number, step), value in read.items() if replica_number == r}
        assert replica.best_update == min(mine, key=mine.get)
        assert replica.best_value == min(mine.values())
        score = evaluate(
            module.models, module.task, [r], replica.best_theta_P[None], [module.validation[replica.seed]]
        )
        assert score["mean_squared_error"] == [pytest.approx(replica.best_value, rel=1e-12)]


def test_the_task_s_own_rule_says_what_is_solved():
    module = train(a_shard(), [Replica(0, 1e-2)], {"updates": 1})
    theta_P = module.models.theta([0])[0].detach()
    verdicts = [
        module.validated(0, update, {"loss": value, "mean_squared_error": value}, theta_P)
        for update, value in [(10, 0.009), (20, 0.02), (30, 0.008), (40, 0.007)]  # adding: below 0.01
    ]
    assert verdicts == [None, None, None, "solved"]
    assert module.replicas[0].updates_to_solve == 30


def test_clipping_rescales_each_replica_by_its_own_norm():
    clipped_RP, norms_R = clip(torch.tensor([[3.0, 4.0], [0.3, 0.4], [float("nan"), 1.0]]), 1.0)
    assert norms_R[:2].tolist() == pytest.approx([5.0, 0.5])
    assert not norms_R[2].isfinite()
    assert clipped_RP[0].tolist() == pytest.approx([0.6, 0.8])
    assert clipped_RP[1].tolist() == pytest.approx([0.3, 0.4])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_replicas_outputs_are_those_of_the_models_they_were_made_of(architecture):
    shard = a_shard(architecture)
    task = build_task(shard)
    models = [build_model(shard, task, seed).double() for seed in range(3)]
    x_RBTI = torch.randn(3, 2, 12, 2, dtype=torch.float64, generator=generator(0, "data"))
    together = Replicas(models)
    output_RBTO, _ = together(together.theta([0, 1, 2]), together.frozen_RQ, x_RBTI)
    for r, model in enumerate(models):
        torch.testing.assert_close(output_RBTO[r], model(x_RBTI[r])[0], rtol=0, atol=1e-12)
        copied = together.copy_into(copy.deepcopy(models[(r + 1) % 3]), together.theta([r])[0].detach(), r)
        torch.testing.assert_close(copied(x_RBTI[r])[0], model(x_RBTI[r])[0], rtol=0, atol=0)


@pytest.mark.parametrize("architecture", ["feed_forward", "convolution", "temporal_convolution"])
def test_an_answer_is_the_same_when_only_the_inputs_it_sees_are_computed(architecture):
    shard = a_shard(architecture, length=40)
    model = build_model(shard, build_task(shard), seed=0).double()
    x_BTI = torch.randn(2, 400, 2, dtype=torch.float64, generator=generator(0, "data"))
    assert -model.first_step(None) < 400
    whole_BTH, _ = model.architecture(x_BTI)
    torch.testing.assert_close(model(x_BTI)[0], model.readout(whole_BTH[:, -1:]), rtol=0, atol=1e-12)


def test_building_a_model_leaves_the_global_generator_alone_and_depends_on_the_seed_only():
    shard = a_shard("lstm")
    task = build_task(shard)
    before = torch.random.get_rng_state()
    first = build_model(shard, task, 7)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.randn(5)
    for again, weight in zip(build_model(shard, task, 7).parameters(), first.parameters(), strict=True):
        assert torch.equal(again, weight)


@pytest.mark.parametrize("architecture", ["elman", "long_expressive_memory"])
def test_a_read_out_starts_as_its_page_asks_and_no_other_weight_differs_for_it(architecture):
    task = build_task(a_shard(hidden_size=400))
    plain, small = (
        build_model(a_shard(architecture, hidden_size=400, architecture_options=options), task, 0)
        for options in ({}, {"readout_std": 0.01})
    )
    assert float(small.readout.weight.detach().std()) == pytest.approx(0.01, rel=0.15)
    assert not small.readout.bias.any()
    assert plain.readout.bias.all()
    for ours, other in zip(small.architecture.parameters(), plain.architecture.parameters(), strict=True):
        assert torch.equal(ours, other)
