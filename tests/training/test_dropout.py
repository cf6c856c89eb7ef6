"""Dropout: each seed's masks are its own, the mean stays, and only updates have any."""

import math

import pytest
import torch

from rnnlimits.planning import memory
from rnnlimits.planning.config.budget import Budget
from rnnlimits.tasks.base import generator
from rnnlimits.training.build import build_model, build_task
from rnnlimits.training.dropout import Dropout
from rnnlimits.training.evaluation import evaluate
from rnnlimits.training.replica import Replica
from support.small_shards import BUDGET, a_shard, budgeted, train, weights

SHARE = 0.3
UPDATES = 20
TEXT = {"embedding": 5, "characters": 4000}
RECALL = {"vocabulary": 64, "embedding": 5, "pairs": 2}
SHARDS = {
    "the last step is read": a_shard("lstm"),
    "a compiled loop": a_shard("elman"),
    "a window": a_shard("feed_forward", architecture_options={"window_steps": 5}),
    "some steps are asked": a_shard("gru", "associative_recall", 12, task_options=RECALL),
    "the state is carried on": a_shard("gru", "character_language_model", 7, task_options=TEXT),
    "replicas one by one": a_shard("attention", length=8),
}


def trained(shard, *replicas, **budget):
    return train(shard, list(replicas), {"updates": UPDATES, "dropout": SHARE} | budget)


def a_mask(seed=0, share=SHARE, times=1):
    dropout = Dropout(share, [seed])
    for _ in range(times):
        kept_RBTI, kept_RBTH = dropout.draw([seed], torch.zeros(1, 50, 40), inputs=3, hidden=5)
    return torch.cat([kept_RBTI, kept_RBTH], -1)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_mask_keeps_the_mean_and_leaves_out_its_share(share):
    kept = a_mask(share=share)
    assert sorted(set(kept.flatten().tolist())) == pytest.approx([0, 1 / (1 - share)])
    deviation = math.sqrt(share / (1 - share))  # of one number: 0 or 1 / (1 - p), with a mean of 1
    assert float(kept.mean()) == pytest.approx(1, abs=4 * deviation / math.sqrt(kept.numel()))


def test_every_seed_and_every_update_has_another_mask():
    assert torch.equal(a_mask(0), a_mask(0))
    assert not torch.equal(a_mask(0), a_mask(1))
    assert not torch.equal(a_mask(0), a_mask(0, times=2))


def test_a_stream_goes_on_where_another_was():
    first, again = (Dropout(SHARE, [3, 4]) for _ in range(2))
    given = [4, 3], torch.zeros(2, 5, 6), 2, 2
    first.draw(*given)
    again.restore(first.state())
    for one, other in zip(first.draw(*given), again.draw(*given), strict=True):
        assert torch.equal(one, other)


def test_a_seed_has_the_same_masks_to_the_byte_whoever_else_is_trained():
    many, alone = Dropout(SHARE, [0, 1, 2]), Dropout(SHARE, [2])
    for seeds in ([0, 1, 2, 2], [1, 2], [2]):  # replicas stop, and two of a seed differ in the rate
        x = torch.zeros(len(seeds), 5, 6)
        kept, own = many.draw(seeds, x, 2, 3), alone.draw([2], x, 2, 3)
        for one, other in zip(kept, own, strict=True):
            assert torch.equal(one[-1], other[0])


@pytest.mark.parametrize("case", SHARDS)
def test_a_replica_among_others_is_a_plain_loop_with_its_own_masks(case):
    shard = SHARDS[case]
    replicas = [Replica(0, 1e-2), Replica(1, 3e-3), Replica(1, 1e-2)]
    among = trained(shard, *replicas)

    task = build_task(shard)
    model = build_model(shard, task, seed=1).double()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    stream, masks = task.batches(BUDGET["batch_size"], generator(1, "data")), generator(1, "dropout")
    state = None
    for _ in range(UPDATES):
        batch = next(stream)
        optimiser.zero_grad()
        x_BTI = model.encoder(batch.x if batch.x.dtype == torch.long else batch.x.double())
        width = x_BTI.shape[-1] + shard.hidden_size
        kept = (torch.rand(*x_BTI.shape[:2], width, generator=masks) >= SHARE) / (1 - SHARE)
        kept_BTI, kept_BTH = kept.double().split([x_BTI.shape[-1], shard.hidden_size], -1)
        y_BTH, state = model.architecture(x_BTI * kept_BTI, state if batch.carry else None)
        state = tuple(part.detach() for part in state)
        output = model.readout(y_BTH * kept_BTH)
        task.loss_N(output[:, -1:] if task.reads_last else output, batch).mean().backward()
        norm = torch.linalg.vector_norm(torch.cat([w.grad.flatten() for w in model.parameters()]))
        for weight in model.parameters():
            weight.grad *= min(1.0, BUDGET["clip_norm"] / norm.item())
        optimiser.step()
    alone = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    torch.testing.assert_close(weights(among, 2), alone, rtol=0, atol=1e-7)
    without = weights(trained(shard, Replica(1, 1e-2), dropout=None), 0)
    assert (weights(among, 2) - without).abs().max() > 1e-4


def test_validation_sees_all_numbers():
    module = trained(SHARDS["a compiled loop"], Replica(0, 1e-2))
    theta_RP = module.models.theta([0]).detach()
    (read,) = [
        one.value for one in module.readings
        if (one.split, one.metric, one.update) == ("validation", "loss", UPDATES)
    ]  # fmt: skip
    for _ in range(2):
        scores = evaluate(module.models, module.task, [0], theta_RP, [module.validation[0]])
        assert scores["loss"] == [read]


def test_without_dropout_a_spec_does_not_name_it():
    shard = a_shard()
    assert "dropout" not in shard.to_json()
    assert '"dropout":0.3' in budgeted(shard, dropout=SHARE).to_json()
    assert type(shard).from_json(budgeted(shard, dropout=SHARE).to_json()).budget.dropout == SHARE
    assert Budget(**BUDGET) == Budget(**BUDGET | {"dropout": None})


def test_masks_take_memory():
    shard = a_shard(length=100, hidden_size=50)
    assert memory.estimate(budgeted(shard, dropout=SHARE)) > memory.estimate(shard)
