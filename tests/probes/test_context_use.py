"""How much context a network uses: known for networks that are built to use just so much."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import pad

from rnnlimits import catalog
from rnnlimits.architectures._model import Model
from rnnlimits.architectures.base import Architecture
from rnnlimits.contracts import ArchitectureOptions, TaskOptions
from rnnlimits.probes._asked import asked
from rnnlimits.probes.context_use import Options, measure
from rnnlimits.tasks._families import NumberAtEachStep, NumberAtEnd
from rnnlimits.tasks.base import Batch, generator
from support.probe_models import a_model, a_task, curve, scalars


class Delayed(Architecture):
    """y_t = x_{t - delay}, and zero before."""

    delay = 7

    def forward(self, x_BTI, state=None):
        return pad(x_BTI, (0, 0, self.delay, 0))[:, : x_BTI.shape[1]], ()


class Sum(Architecture):
    """y_t = x_1 + ... + x_t: a bag of words."""

    def forward(self, x_BTI, state=None):
        return x_BTI.cumsum(1), ()


class OneToOne(TaskOptions):
    def widths(self, length):
        return 1, 1


class Echo(NumberAtEachStep):
    """The input of `delay` steps ago, of N(0, 1); the steps before do not count."""

    right_within = 0.1
    delay = 7
    chance = {"mean_squared_error": 1.0}  # noqa: RUF012

    def sample(self, batch, generator):
        x_BTI = torch.randn(batch, self.length, 1, generator=generator)
        counts_BT = (torch.arange(self.length) >= self.delay).float().expand(batch, -1)
        return Batch(x_BTI, x_BTI.roll(self.delay, 1), counts_BT)

    def solved(self, scores):
        return False


class Count(NumberAtEnd):
    """How many steps there were; each input is 1."""

    metric, higher_is_better, chance = "mean_squared_error", False, {}
    units = {"mean_squared_error": "squared error", "loss": "squared error"}  # noqa: RUF012

    def sample(self, batch, generator):
        return Batch(torch.ones(batch, self.length, 1), torch.full((batch, 1), float(self.length)))

    def scores(self, output_NTO, batch):
        loss_N = self.loss_N(output_NTO, batch)
        return {"loss": loss_N, "mean_squared_error": loss_N}

    def solved(self, scores):
        return False


def passed_on(page: type[Architecture], reads_last: bool) -> Model:
    """The architecture alone: its output is the answer."""
    readout = nn.Linear(1, 1, bias=False)
    nn.init.ones_(readout.weight)
    return Model(nn.Identity(), page(1, 1, 1, ArchitectureOptions()), readout, reads_last).double()


def found_for(model, task, **options):
    return measure(model, task, Options(**options), generator(0, "probe"))


@pytest.mark.parametrize("delay", [0, 1, 4, 7, 12])
def test_a_network_that_copies_needs_the_delay_and_one_input_and_their_order(delay, monkeypatch):
    monkeypatch.setattr(Delayed, "delay", delay)
    monkeypatch.setattr(Echo, "delay", delay)
    found = found_for(passed_on(Delayed, False), Echo(20, OneToOne()))
    assert scalars(found)["context_needed"] == scalars(found)["order_needed"] == delay + 1
    assert scalars(found)["context_score_full"] == 0
    assert scalars(found)["context_score_chance"] == 1
    for lag, loss in curve(found, "context_score").items():
        assert loss == (0 if lag >= delay else pytest.approx(1, abs=0.3)), lag  # nothing read: the zero
    shuffled = curve(found, "context_score_shuffled")
    assert list(shuffled) == [0, 1, 3, 7, 15, 19]
    assert [lag for lag, loss in shuffled.items() if loss == 0] == [lag for lag in shuffled if lag >= delay]


def test_a_bag_of_words_loses_nothing_by_shuffling():
    found = found_for(passed_on(Sum, True), Count(41, OneToOne()), sequences=5)
    assert set(curve(found, "context_score_shuffled").values()) == {0}
    assert curve(found, "context_score") == {k - 1: (41 - k) ** 2 for k in (1, 2, 4, 8, 16, 32, 41)}
    # (41 - k)^2 is to be at most a twentieth of 40^2: 41 - 33 = 8 is, 9 is not.
    assert scalars(found) | {"context_gain": 1600} == {
        "context_score_full": 0, "context_gain": 1600, "context_needed": 33, "order_needed": 1,
    }  # fmt: skip


def test_a_larger_share_of_the_gain_may_be_left():
    found = found_for(passed_on(Sum, True), Count(41, OneToOne()), share_left=0.5)
    assert scalars(found)["context_needed"] == 13  # 28^2 = 784 is below 800, 29^2 is not


@pytest.mark.parametrize(
    ("task_name", "length", "options"),
    [
        ("adding", 12, {}),
        ("copy_memory", 3, {"symbols": 2}),
        ("parity", 12, {}),
        ("associative_recall", 16, {"vocabulary": 20}),
    ],
)
def test_with_all_inputs_the_score_is_that_of_the_task(task_name, length, options):
    task = a_task(task_name, length=length, **options)
    model = a_model("gru", task)
    found = found_for(model, task, sequences=7)
    (part,) = asked(task, 7, None, generator(0, "probe"))
    scores = task.scores(model(part.x)[0].detach(), part.batch)[task.metric]
    assert scalars(found)["context_score_full"] == pytest.approx(float(scores.double().mean()), rel=1e-10)
    assert scalars(found)["context_score_full"] == list(curve(found, "context_score").values())[-1]


@pytest.mark.parametrize("name", ["feed_forward", "temporal_convolution"])
def test_beyond_its_window_a_network_uses_nothing(name):
    task = a_task(length=40)
    model = a_model(name, task, **({"window_steps": 8} if name == "feed_forward" else {"layers": 1}))
    found = found_for(model, task, sequences=20)
    field = model.architecture.receptive_field
    beyond = [loss for lag, loss in curve(found, "context_score").items() if lag + 1 >= field]
    assert len(beyond) >= 2
    assert beyond == pytest.approx([scalars(found)["context_score_full"]] * len(beyond), rel=1e-10)


def test_a_text_is_read_on_from_window_to_window_up_to_the_place_that_is_judged():
    task = a_task("character_language_model", length=5, characters=3000)
    (part,) = asked(task, 9, 12, generator(0, "probe"))
    validation = task.token_T[2400:2700].tolist()
    assert part.x.shape == (9, 12)
    for read, answer in zip(part.x.tolist(), part.batch.target[:, 0].tolist()):
        text = [*read, answer]
        assert any(validation[i : i + 12] == text[1:] for i in range(300))
    (short,) = asked(task, 9, None, generator(0, "probe"))
    assert short.x.shape[1] == 5


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_every_architecture_has_both_curves(name):
    task = a_task(length=9)
    model = a_model(name, task, hidden=4)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    found = found_for(model, task, sequences=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    for metric in ("context_score", "context_score_shuffled"):
        assert list(curve(found, metric)) == [0, 1, 3, 7, 8]
        assert all(math.isfinite(value) for value in curve(found, metric).values())
    assert repr(found) == repr(found_for(model, task, sequences=3))


def test_a_gain_within_its_own_noise_has_no_share():
    """An untrained network is as good with one input as with all: what is left is chance."""
    task = a_task(length=20)
    few = scalars(found_for(a_model("elman", task), task, sequences=3))
    assert math.isnan(few["context_needed"])
    assert math.isfinite(few["context_gain"])


def test_a_single_step_needs_no_more_than_that_step():
    task = a_task("character_language_model", length=1, characters=60)
    found = found_for(a_model("elman", task, hidden=1), task, sequences=1)
    assert list(curve(found, "context_score")) == [0]
    assert scalars(found)["context_needed"] == scalars(found)["order_needed"] == 1


@pytest.mark.parametrize("wrong", [{"sequences": 0}, {"longest": 0}, {"share_left": 0.0}])
def test_impossible_options_are_refused_while_planning(wrong):
    with pytest.raises(ValueError, match=r"context_use: .*correct the options"):
        catalog.options("probes", "context_use")(**wrong)


def test_more_answers_take_longer_and_no_more_memory():
    options = Options()
    assert options.followed_steps(100, asked=100) > 10 * options.followed_steps(100) > 0
    assert options.peak_numbers(100, 10, 5) == options.peak_numbers(200, 10, 5)
