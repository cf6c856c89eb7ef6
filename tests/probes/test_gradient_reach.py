"""How far gradients reach: closed forms, finite differences, and other ways to differentiate."""

import math

import pytest
import torch
from torch.nn import functional

from rnnlimits import catalog
from rnnlimits.architectures.base import Recurrent
from rnnlimits.probes import gradient_reach
from rnnlimits.probes.base import Measurement, flatten, last_step, sequences_of, slope, unflatten
from rnnlimits.probes.gradient_reach import Options, ln_gradient, ln_input_sensitivity, measure
from rnnlimits.tasks.base import Batch, generator
from support import pretend_data
from support.probe_models import a_model, a_task, curve, linear, only_a_forget_gate, orthogonal, scalars

ARCHITECTURES = catalog.names("architectures")
RECURRENT = [n for n in ARCHITECTURES if issubclass(catalog.page_class("architectures", n), Recurrent)]
# The state is the output and something else.
MORE_THAN_THE_OUTPUT = {"coupled_oscillatory", "long_expressive_memory", "lstm", "lstm_1997", "stacked"}


def probe(model, task, **options) -> list[Measurement]:
    return measure(model, task, Options(**options), generator(0, "probe"))


def ln_gradient_of(model, task, batch) -> torch.Tensor:
    return ln_gradient(model, model.architecture, task, batch)


def loss_of_the_last_step(model, task, y_BTH, batch) -> torch.Tensor:
    output_BO = model.readout(y_BTH[:, -1])
    if task.reads_last:
        return task.loss_N(output_BO.unsqueeze(1), batch).sum()
    return functional.cross_entropy(output_BO, batch.target[:, -1], reduction="sum")


def loss_from(model, task, batch: Batch, lag: int):
    """The full state at the lag, and the loss as a function of it: the network run on from there."""
    start = batch.x.shape[1] - lag
    _, state = model.architecture(batch.x[:, :start])

    def loss(s_BS: torch.Tensor) -> torch.Tensor:
        y_BTH, _ = model.architecture(batch.x[:, start:], unflatten(s_BS, state))
        return loss_of_the_last_step(model, task, y_BTH, batch)

    return flatten(state).detach(), loss


# rho = 0.01 reaches 1e-198, whose square is no float64 any more.
@pytest.mark.parametrize("rho", [0.01, 0.9, 1.0, 1.1])
def test_a_scaled_rotation_shrinks_the_gradient_by_rho_each_step(rho):
    task = a_task(length=100)
    found = probe(linear(rho * orthogonal(6), task), task)
    for level in ("median", "p10", "p90"):
        lost = curve(found, f"gradient_log10_{level}")
        assert {0, 1, 10, 99} <= set(lost)
        assert all(abs(lost[k] - lost[0] - k * math.log10(rho)) < 1e-10 for k in lost)
    assert abs(scalars(found)["gradient_slope"] - math.log(rho)) < 1e-10
    expected = -1 / math.log(rho) if rho < 1 else math.nan
    assert scalars(found)["gradient_time_constant"] == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("forget", [0.9, 1.0])
def test_an_lstm_keeps_its_gradient_in_c_where_h_alone_would_show_none(forget):
    # dL/dh_{T-k} = 0 for k >= 1, for U = 0; the path is dh_T/dc_T = o tanh'(0) = 1/2, then f each step.
    task = a_task(length=60)
    found = probe(only_a_forget_gate(task, forget), task)
    lost = curve(found, "gradient_log10_median")
    assert all(abs(lost[k] - lost[0] - math.log10(0.5 * forget**k)) < 1e-7 for k in lost if k > 0)
    assert abs(scalars(found)["gradient_slope"] - math.log(forget)) < 1e-8


def test_the_output_only_gradient_of_an_lstm_is_a_product_of_dh_dh_at_fixed_c():
    task = a_task(length=30)
    model, batch = a_model("lstm", task, seed=1), sequences_of(task, 1, generator(0, "probe"))
    lstm, (h_BH, c_BH) = model.architecture, model.architecture.initial_state(1)
    jacobians = []
    for x_BI in batch.x.unbind(1):
        fixed = c_BH.detach()

        def output(h_BH, x_BI=x_BI, fixed=fixed):
            return lstm.step(x_BI, (h_BH, fixed))[0]

        jacobians.append(torch.autograd.functional.jacobian(output, h_BH)[0, :, 0])
        _, (h_BH, c_BH) = lstm.step(x_BI, (h_BH, c_BH))
    reached_H = torch.autograd.functional.jacobian(
        lambda h_BH: task.loss_N(model.readout(h_BH).unsqueeze(1), batch).sum(), h_BH
    )[0]
    norms = [reached_H.norm()]
    for jacobian_HH in reversed(jacobians[1:]):
        reached_H = reached_H @ jacobian_HH
        norms.append(reached_H.norm())
    expected = slope(torch.stack(norms).detach().log(), 20, 100)
    measured = probe(model, task, sequences=1, output_only=True)
    by_lag = curve(measured, "gradient_output_only_log10_median")
    assert by_lag[10] == pytest.approx(float(norms[10].detach().log10()), rel=1e-9)
    found = scalars(measured)
    assert found["gradient_output_only_slope"] == pytest.approx(expected, rel=1e-9)
    assert found["gradient_output_only_slope"] < found["gradient_slope"]


@pytest.mark.parametrize("task_name", ["adding", "copy_memory"])
@pytest.mark.parametrize("name", RECURRENT)
def test_gradients_equal_those_of_the_network_run_on_from_that_state(name, task_name):
    task = a_task(task_name, length=9)
    model, batch = a_model(name, task, seed=1), sequences_of(task, 3, generator(0, "probe"))
    ln_KB = ln_gradient_of(model, task, batch)
    for lag in (1, 2, 8):
        s_BS, loss = loss_from(model, task, batch, lag)
        expected_BS = torch.autograd.functional.jacobian(loss, s_BS)
        torch.testing.assert_close(ln_KB[lag].exp(), expected_BS.norm(dim=1), rtol=1e-11, atol=0)


@pytest.mark.parametrize("task_name", ["adding", "copy_memory"])
@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_gradients_equal_central_differences_through_the_model(name, task_name):
    task = a_task(task_name, length=9)
    model, batch = a_model(name, task, hidden=3, seed=2), sequences_of(task, 1, generator(0, "probe"))
    s_1S, loss = loss_from(model, task, batch, lag=5)
    step = 1e-5 * torch.eye(s_1S.shape[1], dtype=torch.float64)
    with torch.no_grad():
        difference_S = torch.stack([(loss(s_1S + one) - loss(s_1S - one)) / 2e-5 for one in step])
    assert math.isclose(ln_gradient_of(model, task, batch)[5].exp(), difference_S.norm(), rel_tol=1e-6)


def test_earlier_answers_of_a_task_that_reads_every_step_do_not_count():
    task = a_task("copy_memory", length=5)
    model, batch = a_model("elman", task), sequences_of(task, 2, generator(0, "probe"))
    other = Batch(batch.x, torch.cat([batch.target[:, :-1] * 0, batch.target[:, -1:]], 1))
    assert not torch.equal(other.target, batch.target)
    assert torch.equal(ln_gradient_of(model, task, batch), ln_gradient_of(model, task, other))


def exact_sensitivity(model, x_BTI) -> torch.Tensor:
    """The Frobenius norms, by the whole Jacobian of one sequence after another."""

    def last_output(x_TI):
        return model.readout(model.architecture(x_TI.unsqueeze(0))[0][0, -1])

    jacobians = [torch.autograd.functional.jacobian(last_output, x_TI) for x_TI in x_BTI]
    return torch.stack([jacobian_OTI.norm(dim=(0, 2)) for jacobian_OTI in jacobians], 1).flip(0)


@pytest.mark.parametrize("name", ["elman", "lstm", "temporal_convolution"])
def test_input_sensitivity_is_the_norm_of_the_whole_jacobian(name):
    task = a_task("copy_memory", length=4)  # nine outputs: exact
    model, batch = a_model(name, task), sequences_of(task, 3, generator(0, "probe"))
    ln_KB = ln_input_sensitivity(model, batch, projections=1, generator=generator(0, "probe"))
    torch.testing.assert_close(ln_KB.exp(), exact_sensitivity(model, batch.x), rtol=1e-10, atol=1e-300)


def test_random_readouts_estimate_the_input_sensitivity_of_many_outputs_without_bias():
    task = a_task("copy_memory", length=2, symbols=2, alphabet=11)  # twelve outputs
    model, batch = a_model("gru", task), sequences_of(task, 2, generator(0, "probe"))
    expected_KB, stream = exact_sensitivity(model, batch.x), generator(0, "probe")
    all_KB = ln_input_sensitivity(model, batch, 12, stream).exp()
    torch.testing.assert_close(all_KB, expected_KB, rtol=1e-10, atol=0)  # as many read-outs as outputs: exact
    square_NKB = torch.stack([ln_input_sensitivity(model, batch, 4, stream).mul(2).exp() for _ in range(200)])
    torch.testing.assert_close(square_NKB.mean(0), expected_KB.square(), rtol=0.1, atol=0)


def test_the_input_of_a_token_task_is_the_embedding_vector():
    task = a_task("character_language_model", length=6, embedding=5)
    model, stream = a_model("elman", task), generator(0, "probe")
    batch = sequences_of(task, 2, stream)
    ln_KB = ln_input_sensitivity(model, batch, task.outputs, stream)
    expected_KB = exact_sensitivity(model, model.encoder(batch.x).detach())
    torch.testing.assert_close(ln_KB.exp(), expected_KB, rtol=1e-10, atol=0)


def test_windows_of_a_text_that_were_filled_up_are_left_out():
    task = a_task("character_language_model", length=1000)
    whole = sum(int((batch.mask_BT[:, -1] > 0).sum()) for batch in task.evaluation("validation", 0, None))
    everything = sequences_of(task, 10**6, generator(0, "probe"))
    assert len(everything.x) == whole
    assert len(sequences_of(task, 3, generator(0, "probe")).x) == 3
    assert torch.equal(last_step(everything).target[:, 0], everything.target[:, 999])


@pytest.mark.parametrize("readout", ["last", "mean"])
def test_of_sentences_of_different_lengths_the_last_words_are_read_up_to_the_own_end(monkeypatch, readout):
    pretend_data.sentences(monkeypatch)
    task = a_task("sentiment", length=64, embedding=3, readout=readout)
    steps_N, word_NT = task.steps_N[task.rows["validation"]], task.word_NT[task.rows["validation"]]
    median = int(steps_N.median())
    ends = [words[end - median : end] for words, end in zip(word_NT, steps_N) if end >= median]
    read = sequences_of(task, len(ends), generator(0, "probe")).x
    assert sorted(read.tolist()) == sorted(words.tolist() for words in ends)
    assert len(ends) >= len(steps_N) / 2


def test_a_window_network_is_blind_beyond_its_window_and_that_is_nan():
    task = a_task(length=30)
    found = probe(a_model("feed_forward", task, window_steps=5), task)
    reach = curve(found, "input_sensitivity_log10_median")
    assert {lag for lag, value in reach.items() if math.isfinite(value)} == {0, 1, 2, 3, 4}
    assert math.isnan(scalars(found)["input_sensitivity_slope"])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_has_an_input_sensitivity_and_a_recurrent_one_a_gradient(name):
    task = a_task(length=12)
    found = probe(a_model(name, task, hidden=16), task, sequences=2)
    sensitivity, gradient = "input_sensitivity", "gradient"
    quantities = [sensitivity, gradient] if name in RECURRENT else [sensitivity]
    expected = {f"{one}_slope" for one in quantities}
    expected |= {f"{one}_log10_{level}" for one in quantities for level in ("median", "p10", "p90")}
    expected |= {"gradient_time_constant"} if name in RECURRENT else set()
    expected |= {"gradient_output_only_slope"} if name in MORE_THAN_THE_OUTPUT else set()
    assert {one.metric for one in found} == expected
    # One step back: where the output is read off the state, as of a state space, it is no part of the next.
    assert all(math.isfinite(curve(found, f"{one}_log10_median")[1]) for one in quantities)


def test_a_finite_task_lends_different_images_and_the_same_stream_the_same_ones():
    task = a_task("sequential_digits", length=64)
    first, again = (sequences_of(task, 5, generator(0, "probe")) for _ in range(2))
    assert torch.equal(first.x, again.x)
    assert first.x.dtype == torch.float64
    assert len({tuple(image.flatten().tolist()) for image in first.x}) == 5


def test_a_caller_that_has_switched_gradients_off_gets_them_all_the_same():
    task = a_task(length=8)
    model = a_model("elman", task)
    with torch.no_grad():
        assert probe(model, task)[:5] == probe(model, task)[:5]


@pytest.mark.parametrize(
    ("steps", "bounds", "fitted"),
    [(200, (20, 100), (20, 100)), (50, (20, 100), (20, 49)), (20, (20, 100), (5, 19))],
)
def test_a_slope_is_fitted_between_both_ends_or_over_the_last_three_quarters(steps, bounds, fitted):
    first, last = fitted
    straight_inside = torch.full((steps,), 7.0)
    straight_inside[first : last + 1] = -0.25 * torch.arange(first, last + 1)
    assert math.isclose(slope(straight_inside, *bounds), -0.25, rel_tol=1e-6)
    straight_inside[last] = -math.inf
    assert math.isnan(slope(straight_inside, *bounds))


@pytest.mark.parametrize("wrong", [{"sequences": 0}, {"projections": 0}, {"slope_from": 50, "slope_to": 50}])
def test_impossible_options_are_refused_while_planning(wrong):
    with pytest.raises(ValueError, match=r"gradient_reach: .* must be 1 or more.*correct the options"):
        catalog.options("probes", "gradient_reach")(**wrong)
    assert gradient_reach.Options().sequences == 16


@pytest.mark.parametrize(
    ("name", "steps", "options"),
    [
        ("parity", None, {}),
        ("time_warping", 11, {"warping": "uniform", "filled_with": "zeros", "maximum_warping": 4}),
    ],
)
def test_sequences_are_probed_where_most_of_them_are_asked(name, steps, options):
    batch = sequences_of(a_task(name, length=12, **options), 16, generator(0, "probe"))
    assert 2 <= len(batch.x) <= 16
    assert batch.mask_BT is None
    assert (batch.x.sum(2) == 1).all()  # no step after the last bit
    assert batch.x.shape[1] == batch.target.shape[1] == (steps or batch.x.shape[1])
