"""A stack of layers: torch's own deep networks, its residual sums, its options, its place in the plan."""

import dataclasses

import pytest
import torch
from torch.nn.functional import layer_norm

from rnnlimits import catalog
from rnnlimits.architectures import gru, kernels, lstm, stacked
from rnnlimits.planning import grid, memory, provenance, time_loops
from rnnlimits.planning.load import checked
from rnnlimits.training import protocol
from support.double_precision import double_and_seeded
from support.example_config import GOOD, changed
from support.small_shards import BUDGET, a_job, a_shard
from support.wrong_configs import lines

# Shape letters: B sequences, T time steps, I inputs.
PLACE = ("studies", "trained", "architectures")

_double_and_seeded = double_and_seeded(seed=4)


def stack(**options) -> stacked.Stacked:
    return stacked.Stacked(3, 6, 10, stacked.Options(**options))


def test_three_layers_of_lstm_are_torchs():
    ours, theirs = stack(of="lstm", layers=3), torch.nn.LSTM(3, 6, num_layers=3, batch_first=True)
    with torch.no_grad():
        for number, layer in enumerate(ours.layers):
            for name, weight in zip(("weight_ih", "weight_hh", "bias_ih"), layer.parameters(), strict=True):
                getattr(theirs, f"{name}_l{number}").copy_(weight)
            getattr(theirs, f"bias_hh_l{number}").zero_()
    x_BTI = torch.randn(4, 10, 3)
    y_BTH, state = ours(x_BTI)
    theirs_BTH, (h_LBH, c_LBH) = theirs(x_BTI)
    torch.testing.assert_close(y_BTH, theirs_BTH)
    torch.testing.assert_close(torch.stack(state[0::2]), h_LBH)
    torch.testing.assert_close(torch.stack(state[1::2]), c_LBH)


def test_one_layer_is_the_page_alone():
    torch.manual_seed(1)
    alone = gru.GRU(3, 6, 10, gru.Options())
    torch.manual_seed(1)
    x_BTI = torch.ones(4, 10, 3)
    torch.testing.assert_close(stack(layers=1)(x_BTI), alone(x_BTI))


@pytest.mark.parametrize("residual", ["plain", "pre_norm"])
def test_from_the_second_layer_on_a_residual_stack_adds_what_went_in(residual):
    layer, x_BTI = stack(layers=3, residual=residual), torch.randn(4, 10, 3)
    if residual == "pre_norm":
        torch.nn.init.normal_(layer.norms_LNH)
    y_BTH, _ = layer.layers[0](x_BTI)
    for number in (1, 2):
        given_BTH = y_BTH
        if residual == "pre_norm":
            gain_H, bias_H = layer.norms_LNH[number - 1]
            given_BTH = layer_norm(y_BTH, (6,), gain_H, bias_H)
        y_BTH = y_BTH + layer.layers[number](given_BTH)[0]
    torch.testing.assert_close(layer(x_BTI)[0], y_BTH)


def test_only_the_last_layer_has_the_options_of_the_last_layer():
    layer = stack(of="lstm", layers=3, inner={"forget_bias": 2.0}, last_layer={"forget_bias": 5.0})
    assert [float(one.b_G[6].detach()) for one in layer.layers] == [2, 2, 5]
    assert isinstance(layer.layers[0], lstm.LSTM)


# The options in a config


def deep(**options) -> dict:
    return {"deep": {"page": "stacked", **options}}


def test_the_options_of_the_layers_are_filled_in_and_part_of_the_plan():
    options = deep(of="lstm", last_layer={"forget_bias": 3})
    planned = checked(changed(GOOD, PLACE, options))
    shard = next(shard for shard in grid.shards(planned) if shard.architecture == "stacked")
    filled = {"initialisation": "default", "forget_bias": 1.0, "t_max_steps": 0}
    assert shard.architecture_options["inner"] == filled
    assert shard.architecture_options["last_layer"] == filled | {"forget_bias": 3.0}
    again = checked(planned.model_dump())
    assert grid.shards(again) == grid.shards(planned)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"of": "gruu"}, "no architecture 'gruu'; did you mean 'gru'?"),
        (
            {"of": "lstm", "inner": {"forget_bais": 1}},
            "unknown key 'forget_bais'; did you mean 'forget_bias'?",
        ),
        (
            {"of": "lstm", "inner": {"forget_bias": "high"}},
            "deep.inner: forget_bias: got 'high'; expected a number",
        ),
        ({"of": "lstm", "last_layer": {"nothing": 1}}, "deep.last_layer: nothing: unknown key 'nothing'"),
        ({"of": "attention"}, "stacked: of=attention; a page with a recurrence"),
        ({"of": "stacked"}, "stacked: of=stacked; a page with a recurrence"),
        ({"layers": 0}, "stacked: layers=0; 1 to 100"),
        ({"layers": 101}, "stacked: layers=101; 1 to 100"),
        ({"of": "lstm", "last_layer": {"t_max_steps": 9}}, "lstm: t_max_steps needs initialisation chrono"),
    ],
)
def test_a_mistake_in_a_stack_is_told_at_its_place(tmp_path, options, said):
    (line,) = lines(tmp_path / "config.yaml", (".".join(PLACE), deep(**options)))
    assert line.startswith("studies.trained.architectures.deep")
    assert said in line


# The plan


def test_a_stack_depends_on_the_page_of_its_layers():
    shard = a_shard("stacked", architecture_options={"of": "minimal_gru"})
    assert catalog.path("architectures", "minimal_gru") in provenance.files(shard)
    assert catalog.path("architectures", "gru") not in provenance.files(shard)


PAGES = [
    "lstm", "lstm_1997", "independent", "minimal_gru", "diagonal_state_space", "selective_state_space",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_stack_is_estimated_by_the_layers_it_has(page):
    # Each step is read: of the last layer alone some pages compute the last step only.
    alone = a_shard(page, "copy_memory", hidden_size=64, length=400)
    options = {"of": page, "layers": 2}
    two = dataclasses.replace(alone, architecture="stacked", architecture_options=options)
    assert 1.2 < memory.data(two) / memory.data(alone) < 2.3
    assert time_loops.compiled(two, "cpu") == time_loops.compiled(alone, "cpu")


@pytest.mark.parametrize("of", ["independent", "long_expressive_memory", "leaky", "orthogonal"])
def test_every_layer_of_a_stack_runs_in_its_compiled_loop(monkeypatch, of):
    if not kernels.available(of, torch.empty(0, dtype=torch.float64)):
        pytest.skip("no compiled loops here")
    page, lasts = kernels.KERNELS[of], []
    scan = page.scan
    monkeypatch.setattr(page, "scan", lambda *given, last: (lasts.append(last), scan(*given, last=last))[1])
    layers = [stack(of=of, layers=3) for _ in range(2)]
    weights_R = {
        key: torch.stack([layer.state_dict()[key] for layer in layers]) for key in layers[0].state_dict()
    }
    x_RBTI = torch.randn(2, 4, 10, 3)
    y_RB1H, _ = stacked.Stacked.forward_replicas(layers[0], weights_R, x_RBTI, last=True)
    assert lasts == [False, False, True]
    alone = [layer(x_BTI)[0][:, -1:] for layer, x_BTI in zip(layers, x_RBTI)]
    torch.testing.assert_close(y_RB1H, torch.stack(alone))


@pytest.mark.parametrize("page", PAGES)
def test_a_stack_trains_and_its_layers_use_their_compiled_loops(page):
    shard = a_shard(
        "stacked", architecture_options={"of": page, "layers": 2, "residual": "pre_norm"},
        budget=BUDGET | {"updates": 4, "validate_every": 2}, probes={"gradient_reach": {"sequences": 2}},
    )  # fmt: skip
    found, facts = protocol.run(a_job(shard))
    alone = protocol.run(a_job(a_shard(page, budget=BUDGET | {"updates": 0}, probes={"gradient_reach": {}})))
    assert facts["backend"] == alone[1]["backend"]
    losses = [row.value for row in found if row.metric == "loss" and row.split == "train"]
    assert losses
    assert all(loss is not None for loss in losses)
