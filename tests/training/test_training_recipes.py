"""What a budget asks of an update beside an optimiser, each against its formula or torch's own class."""

import math

import pytest
import torch

from rnnlimits.planning.config.budget import Budget
from rnnlimits.tasks.base import generator
from rnnlimits.training.build import build_model, build_task
from rnnlimits.training.gradient_norm_penalty import penalty_and_gradient
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas, clip, shrink, stack
from rnnlimits.training.schedules import rate
from support.small_shards import a_shard, train, weights

# Shape letters: R replicas, P trainable weights, B sequences, T steps, H hidden units.
STEPS, BATCH = 30, 4
SGD = {"optimiser": "sgd", "clip_norm": None, "updates": STEPS}


# The regulariser


def gradients(shard, models, **budget):
    task = build_task(shard)
    asked = shard.budget.model_copy(update=budget)
    module = ReplicaTraining(Replicas(models), [Replica(0, 0.1)] * len(models), {0: task}, {}, asked)
    stream = task.batches(BATCH, generator(0, "data"))
    batches = [next(stream) for _ in models]
    theta_RP = module.models.theta(range(len(models)))
    together = stack(batches, theta_RP)
    given = together.x, together.target, together.mask_BT, together.asked_BA
    found_RP, *_ = module.gradients(theta_RP, module.models.frozen_RQ, *given)
    return module, batches, found_RP


def omega_by_autograd(model, task, batch):
    """The formula, written down: (Omega, its gradient by U) with dE/dh_k and f' held fixed."""
    layer = model.architecture
    h_BH, z_T, h_T = torch.zeros(BATCH, layer.hidden, dtype=torch.float64), [], []
    for x_BI in batch.x.double().unbind(1):
        z_T.append(layer.project(x_BI) + h_BH @ layer.U_HH.T)
        h_T.append(h_BH := layer.f(z_T[-1]))
    read = h_T[-1][:, None] if task.reads_last else torch.stack(h_T, 1)
    error = task.loss_N(model.readout(read), batch).mean()
    by_h_T = torch.autograd.grad(error, h_T, retain_graph=True)  # of the whole path through later steps
    terms = []
    for by_h_BH, z_BH in zip(by_h_T, z_T, strict=True):
        z_BH = z_BH.detach().requires_grad_()
        (slope_BH,) = torch.autograd.grad(layer.f(z_BH).sum(), z_BH)
        before_BH = (by_h_BH * slope_BH) @ layer.U_HH
        there_B = by_h_BH.square().sum(1) >= 1e-20
        ratio_B = before_BH[there_B].square().sum(1) / by_h_BH[there_B].square().sum(1)
        terms.append((ratio_B - 1).square())
    omega = torch.cat(terms).mean()
    return omega, torch.autograd.grad(omega, layer.U_HH)[0]


@pytest.mark.parametrize("nonlinearity", ["tanh", "sigmoid", "relu", "identity"])
@pytest.mark.parametrize("name", ["adding", "parity"])  # reads the last step, reads every step
def test_omega_adds_the_immediate_derivative_of_its_formula_to_the_recurrent_matrix_alone(name, nonlinearity):
    options = {"nonlinearity": nonlinearity, "initialisation": "gaussian"}
    shard = a_shard(task=name, architecture_options=options)
    task = build_task(shard)
    models = [build_model(shard, task, seed).double() for seed in (0, 1)]
    module, batches, plain_RP = gradients(shard, models, clip_norm=None)
    _, _, found_RP = gradients(shard, models, clip_norm=None, gradient_norm_penalty=3.0)
    added_RP = found_RP - plain_RP
    place = module.models.layout.place("architecture.U_HH")
    for r, (model, batch) in enumerate(zip(models, batches, strict=True)):
        _, by_U_HH = omega_by_autograd(model, task, batch)
        assert by_U_HH.abs().max() > 1e-3
        torch.testing.assert_close(added_RP[r, place], 3 * by_U_HH.flatten(), rtol=1e-9, atol=1e-12)
    added_RP[:, place] = 0
    assert not added_RP.any()


def test_a_gradient_that_has_vanished_has_no_part_in_omega():
    U_RHH, h_RBTH, direct_RBTH = torch.randn(1, 5, 5), torch.rand(1, 2, 6, 5), torch.zeros(1, 2, 6, 5)
    omega_R, by_U_RHH = penalty_and_gradient(U_RHH, h_RBTH, direct_RBTH, "tanh")
    assert not omega_R.any()
    assert not by_U_RHH.any()
    direct_RBTH[0, 0, -1] = 1  # one of the two sequences has a gradient: the mean is over its steps
    omega_R, by_U_RHH = penalty_and_gradient(U_RHH, h_RBTH, direct_RBTH, "tanh")
    alone = penalty_and_gradient(U_RHH, h_RBTH[:, :1], direct_RBTH[:, :1], "tanh")
    torch.testing.assert_close([omega_R, by_U_RHH], list(alone))
    assert by_U_RHH.any()


def test_omega_is_in_the_norm_that_is_clipped():
    shard = a_shard(architecture_options={"initialisation": "gaussian"})
    models = [build_model(shard, build_task(shard), seed).double() for seed in (0, 1)]
    for omega, clip_norm in ((None, 1e-3), (3.0, 1e-3)):
        _, _, found_RP = gradients(shard, models, gradient_norm_penalty=omega, clip_norm=clip_norm)
        assert found_RP.norm(dim=1).tolist() == pytest.approx([clip_norm] * 2)


# Clipping


def test_every_number_is_cut_after_the_norm_is():
    gradient_RP = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    clipped_RP, norms_R = clip(gradient_RP, None, 1.0)
    assert clipped_RP.tolist() == torch.tensor([[1.0, -1.0], [0.3, 0.4]]).tolist()
    assert norms_R.tolist() == pytest.approx([5.0, 0.5])
    clipped_RP, _ = clip(gradient_RP, 2.5, 1.8)
    torch.testing.assert_close(clipped_RP, torch.tensor([[1.5, -1.8], [0.3, 0.4]]))


def test_a_training_whose_numbers_are_cut_is_that_of_a_plain_loop():
    module = train(a_shard(), [Replica(0, 0.5), Replica(1, 0.5)], SGD | {"clip_value": 0.05})
    plain = plain_loop(1, 0.5, lambda weights: torch.nn.utils.clip_grad_value_(weights, 0.05))
    torch.testing.assert_close(weights(module, 1), plain, rtol=0, atol=1e-9)


def plain_loop(seed, learning_rate, before_step=lambda weights: None, scheduler=None, batch=BATCH):
    """STEPS updates of plain SGD."""
    shard = a_shard()
    task = build_task(shard)
    model = build_model(shard, task, seed).double()
    optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate)
    schedule = scheduler and scheduler(optimiser)
    stream = task.batches(batch, generator(seed, "data"))
    for _ in range(STEPS):
        drawn = next(stream)
        optimiser.zero_grad()
        output, _ = model(drawn.x.double())
        task.loss_N(output, drawn).mean().backward()
        before_step(list(model.parameters()))
        optimiser.step()
        if schedule:
            schedule.step()
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_online_updates_are_those_of_a_plain_loop_of_single_sequences():
    module = train(a_shard(), [Replica(0, 0.05), Replica(1, 0.05)], SGD | {"batch_size": 1})
    torch.testing.assert_close(weights(module, 1), plain_loop(1, 0.05, batch=1), rtol=0, atol=1e-9)


# A norm that is not finite


def test_a_matrix_shrinks_by_a_fiftieth_where_the_norm_cannot_be_trusted():
    theta_RP = torch.arange(1.0, 13.0).view(4, 3)
    gradient_RP, matrix = torch.full((4, 3), 0.1), slice(1, 3)
    norms_R = torch.tensor([1e10, 1.1e10, math.inf, math.nan])
    found_RP = shrink(gradient_RP, norms_R, theta_RP, matrix)
    expected_RP = 0.02 * theta_RP
    expected_RP[:, 0] = 0
    expected_RP[0] = 0.1
    assert torch.equal(found_RP, expected_RP)


# Of a linear network after 11 products: a loss of 1e24 and 1e265, so a norm above 1e10, and none at all.
@pytest.mark.parametrize(("gain", "ends"), [(10.0, False), (1e12, True)])
def test_a_gradient_that_explodes_ends_a_replica_or_shrinks_its_matrix_and_moves_nothing_else(gain, ends):
    explosive = {"nonlinearity": "identity", "initialisation": "orthogonal", "gain": gain}
    shard = a_shard(architecture_options=explosive)
    if ends:
        ended = train(shard, [Replica(0, 0.1)], SGD)
        assert (ended.replicas[0].status, ended.replicas[0].stop_update) == ("diverged", 1)
    module = train(shard, [Replica(0, 0.1)], SGD | {"not_finite": "shrink", "updates": 5})
    assert (module.replicas[0].status, module.replicas[0].stop_update) == ("out_of_updates", 5)
    model = build_model(shard, build_task(shard), 0).double()
    expected_P = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    expected_P[module.models.layout.place("architecture.U_HH")] *= (1 - 0.02 * 0.1) ** 5
    torch.testing.assert_close(weights(module, 0), expected_P, rtol=1e-12, atol=0)


# Schedules


def halving(plateau):
    return {"schedule": "halve_on_plateau", "plateau": plateau}


STEP_DECAY = {"schedule": "step_decay", "decay_every": 7}
COSINE = {"schedule": "cosine"}
SCHEDULERS = torch.optim.lr_scheduler


def cosine(optimiser, warmup=0):
    last = 1e-3 * optimiser.param_groups[0]["lr"]
    down = SCHEDULERS.CosineAnnealingLR(optimiser, STEPS - warmup, eta_min=last)
    if not warmup:
        return down
    up = SCHEDULERS.LinearLR(optimiser, 1 / warmup, total_iters=warmup - 1)
    return SCHEDULERS.SequentialLR(optimiser, [up, down], [warmup])


def rates_of(scheduler, learning_rate):
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=learning_rate)
    schedule = scheduler(optimiser)
    rates = []
    for _ in range(STEPS):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


@pytest.mark.filterwarnings("ignore:.*epoch parameter:UserWarning")
@pytest.mark.parametrize(
    ("budget", "scheduler"),
    [
        (STEP_DECAY, lambda optimiser: SCHEDULERS.StepLR(optimiser, 7, 0.1)),
        (COSINE, cosine),
        (COSINE | {"warmup": 6}, lambda optimiser: cosine(optimiser, 6)),
        ({}, lambda optimiser: SCHEDULERS.ConstantLR(optimiser, 1)),
    ],
)
def test_the_rates_are_those_of_torchs_scheduler(budget, scheduler):
    ours = [rate(Budget(**budget | {"updates": STEPS}), 0.3, step) for step in range(STEPS)]
    assert ours == pytest.approx(rates_of(scheduler, 0.3), rel=1e-9)


def test_a_training_with_decaying_rates_is_that_of_a_plain_loop_for_each_replica():
    module = train(a_shard(), [Replica(1, 0.05), Replica(1, 0.2)], SGD | STEP_DECAY)
    for r, learning_rate in enumerate((0.05, 0.2)):
        plain = plain_loop(1, learning_rate, scheduler=lambda one: SCHEDULERS.StepLR(one, 7, 0.1))
        torch.testing.assert_close(weights(module, r), plain, rtol=0, atol=1e-9)


@pytest.mark.parametrize("plateau", [1, 3])
def test_halvings_are_those_of_torchs_reduction_on_a_plateau(plateau):
    module = train(a_shard(), [Replica(0, 0.1)], SGD | halving(plateau) | {"updates": 1})
    one = Replica(0, 0.1)
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    # torch lets `patience` validations pass and reduces at the next.
    theirs = SCHEDULERS.ReduceLROnPlateau(optimiser, factor=0.5, patience=plateau - 1, threshold=0, eps=0)
    for loss in [*torch.rand(60, generator=generator(0, "data")).tolist(), math.nan, math.inf]:
        one.watch_the_plateau(loss, plateau)
        theirs.step(loss)
        assert rate(module.budget, 0.1, 0, one.halvings) == optimiser.param_groups[0]["lr"]
    assert one.halvings > 5


def test_a_replica_on_a_plateau_halves_its_rate_and_its_neighbour_keeps_its_own():
    budget = SGD | halving(1) | {"validate_every": 10}
    module = train(a_shard(), [Replica(0, 1e-30), Replica(1, 1e-2)], budget)
    assert module.replicas[0].halvings == 3  # after each of the three validations that follow the first
    assert module.optimiser.param_groups[0]["lr"] == 1e-30 / 4  # of the last update: two of them before it
    assert module.replicas[1].halvings < 3
