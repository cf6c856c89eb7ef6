"""What cannot be measured is one line that says why and what would make it possible; each was caused here."""

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss
from torch.nn.utils import parametrizations, parametrize
from torch.nn.utils.rnn import pack_padded_sequence

import rnnlimits
from support.probe_models import a_model, a_task

x_BTI = torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(0))


class Function(nn.Module):
    """A module with a forward of the test's own."""

    def __init__(self, forward, **parts: nn.Module):
        super().__init__()
        self.own = forward
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *given):
        return self.own(self, *given)


def layer(**options) -> nn.GRU:
    return nn.GRU(2, 3, batch_first=True, **options)


def refused(module, said: str, x=x_BTI, **given) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        rnnlimits.gradient_reach(module, x, **given)
    assert "\n" not in str(caught.value)


def test_a_layer_that_reads_both_ways_has_no_lag():
    refused(layer(bidirectional=True), r"GRU: got bidirectional=True; .*measure each direction by itself")


def test_dropout_and_batch_normalisation_must_be_switched_off():
    refused(layer(num_layers=2, dropout=0.1), r"GRU: got dropout in training mode; .*call \.eval\(\)")
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    refused(net, "Sequential: got dropout in training mode at 1;")
    norm = Function(lambda own, x: own.norm(x.mT).mT, norm=nn.BatchNorm1d(2))
    refused(norm, "got batch normalisation in training mode at norm; it mixes the sequences")
    for one in (layer(num_layers=2, dropout=0.1), net, norm):
        assert len(rnnlimits.gradient_reach(one.eval(), x_BTI))


def test_a_packed_sequence_must_be_padded():
    packed = pack_padded_sequence(x_BTI, torch.tensor([8, 5, 2]), batch_first=True)
    refused(layer(), r"got a packed sequence; .*pad_packed_sequence.*mask=", x=packed)


def test_tokens_have_no_gradient():
    refused(layer(), "got torch.int64; .*give what the embedding makes of them", x=torch.ones(3, 8).long())


def test_inputs_and_weights_must_be_finite():
    broken = x_BTI.clone()
    broken[1, 3] = torch.nan
    refused(layer(), "x: got nan or infinite numbers", x=broken)
    diverged = layer()
    diverged.weight_hh_l0.data[0, 0] = torch.inf
    refused(diverged, "got weights that are nan or infinite; .*did it diverge")
    refused(lambda x: (x.cumsum(1) - 100).sqrt(), "got an output of nan or infinity first at step 0")
    refused(
        lambda x, h: h * 1e200 + 1,
        "nan or infinity first at step 1",
        state=torch.ones(2),
    )


@pytest.mark.parametrize("shape", [(8,), (3, 8, 2, 1), (3, 0, 2)])
def test_inputs_must_be_sequences(shape):
    refused(layer(), r"x: got shape .*expected \(B, T, I\), or \(T, I\)", x=torch.zeros(shape))


def test_the_wrong_width_is_said_in_the_words_of_torch():
    refused(
        layer(),
        r"GRU: its float64 copy fails on the CPU \(RuntimeError: .*check the shape of x",
        x=x_BTI[..., :1],
    )


@pytest.mark.parametrize(
    "forward",
    [
        lambda own, x: own.both(x)[0],
        lambda own, x: x.flip(1),
        lambda own, x: x - x.mean(1, keepdim=True),
        lambda own, x: own.attention(x, x, x)[0],
        lambda own, x: torch.cat([x[:, 1:], x[:, :1]], 1),
    ],
)
def test_a_module_that_sees_later_inputs_is_found_out_on_the_input(forward):
    both = nn.GRU(2, 3, batch_first=True, bidirectional=True)
    attention = nn.MultiheadAttention(2, 1, batch_first=True)
    module = Function(forward, both=both, attention=attention)
    refused(
        module, r"it is not causal: the output at step \d changes with inputs after step \d; .*mask attention"
    )


def test_causal_attention_and_convolution_pass():
    class Window(nn.Module):
        def __init__(self):
            super().__init__()
            self.taps = nn.Conv1d(2, 3, 4)

        def forward(self, x):
            return self.taps(nn.functional.pad(x.mT, (3, 0))).mT

    found = rnnlimits.input_sensitivity(Window(), x_BTI)
    medians = found[found.metric == "input_sensitivity_log10_median"]
    assert medians.value.notna().tolist() == [True] * 4 + [False] * 4


def test_what_is_random_or_remembers_calls_is_found_out():
    refused(lambda x: x + torch.rand_like(x), "got two different outputs for one input")
    calls = []
    refused(lambda x: x * (calls.append(1) or len(calls)), "got two different outputs for one input")


def test_sequences_must_not_see_each_other():
    refused(lambda x: x - x.mean(0), "got another output for a sequence alone than in its batch")
    # The wrong order of batch and time looks the same.
    refused(
        Function(lambda own, x: own.layer(x)[0], layer=nn.GRU(2, 3)), "another output for a sequence alone"
    )


@pytest.mark.parametrize("cut", [lambda x: x.detach(), lambda x: x > 0])
def test_an_output_that_autograd_cannot_follow_is_refused(cut):
    refused(lambda x: cut(x) * 1.0, "got an output without a gradient with respect to x; .*look for detach")


def test_a_state_that_autograd_cannot_follow_is_refused():
    said = "got a state without a gradient with respect to the one before; .*look for detach"
    refused(lambda x, h: torch.tanh(x + h.detach()), said, state=torch.zeros(2))


def test_a_state_must_keep_its_form():
    said = r"got \(3, 2\) from a state of \(3, 5\); expected f\(x_t, state\) -> state"
    refused(lambda x, h: x + h.sum(), said, state=torch.zeros(5))
    refused(lambda x, h: x, "state: got dict; expected a tensor", state={"h": torch.zeros(2)})

    class StrangeCell(nn.Module):
        def forward(self, x_BI, h_BH=None):
            return x_BI + (1.0 if h_BH is None else h_BH)

    refused(
        StrangeCell(), r"StrangeCell: found no state that is zero .*give the state of one sequence as state="
    )
    assert len(rnnlimits.gradient_reach(StrangeCell(), x_BTI, state=torch.ones(2)))


def test_an_output_must_have_steps_and_batches():
    refused(lambda x: x.sum(), r"output: got .* for x of \(3, 8, 2\); expected \(B, T, O\).*batch_first=True")
    refused(lambda x: None, "output: got .*NoneType")


def test_a_layer_of_torch_that_computes_something_else_is_not_what_its_weights_say():
    class Twice(nn.GRU):
        def forward(self, *given):
            y_BTH, state = super().forward(*given)
            return 2 * y_BTH, state

    refused(Twice(2, 3, batch_first=True), "Twice: got other outputs than the weights and equations of torch")


def test_a_parametrised_layer_of_torch_cannot_be_copied_until_that_is_taken_off():
    """It would go on with the weights that it was made with: pytorch issue 65688."""
    one = parametrizations.orthogonal(layer(), "weight_hh_l0")
    one(x_BTI)
    refused(one, r"it cannot be copied .*parametrised layer of torch\.nn.*remove_parametrizations")
    parametrize.remove_parametrizations(one, "weight_hh_l0")
    assert len(rnnlimits.gradient_reach(one, x_BTI))


def test_a_module_that_cannot_be_copied_is_said():
    class Fixed(nn.Linear):
        def __deepcopy__(self, memo):
            raise RuntimeError("not me\nand more")

    refused(Fixed(2, 3), r"Fixed: it cannot be copied \(RuntimeError: not me\); weights that are made")


def test_a_function_of_float32_weights_is_told_to_be_a_module():
    inner = nn.Linear(2, 2)
    refused(lambda x: inner(x), r"fails on the CPU .*a function float64 weights: give an nn\.Module")


def test_what_nobody_would_ask_for_is_refused():
    refused(layer(), "GRU: got a state; expected none, as its own is known", state=torch.zeros(3))
    model = a_model("gru", a_task(length=8))
    refused(model, "Model: got a readout; expected none", readout=nn.Linear(1, 1))
    with pytest.raises(ValueError, match="GRU: got weights; expected none, as they are known: U_GH"):
        rnnlimits.parameter_gradient(layer(), x_BTI, torch.zeros(3, 3), mse_loss, weights=["weight_hh_l0"])
    with pytest.raises(ValueError, match="lyapunov: inputs: got 'task'; expected 'given', 'zero' or 'both'"):
        rnnlimits.lyapunov(layer(), x_BTI, inputs="task")
    with pytest.raises(ValueError, match="exponents=4; expected at most 3, the size of the full state"):
        rnnlimits.lyapunov(layer(), x_BTI, exponents=4)


def test_a_step_without_a_derivative_forwards_has_no_exponents():
    class Backwards(torch.autograd.Function):
        @staticmethod
        def forward(context, h_BH):
            return h_BH / 2

        @staticmethod
        def backward(context, gradient_BH):
            return gradient_BH / 2

    def step(x_BI, h_BH):
        return x_BI + Backwards.apply(h_BH)

    with pytest.raises(ValueError, match=r"step: its step has no derivative forwards .*jacobian_spectrum"):
        rnnlimits.lyapunov(step, x_BTI, state=torch.zeros(2), steps=5, burn_in=0)
    assert len(rnnlimits.jacobian_spectrum(step, x_BTI, state=torch.zeros(2)))


def test_what_a_module_itself_refuses_is_one_line():
    def picky(x):
        assert x.shape[2] == 7, "seven inputs\nat least"

    refused(
        picky, r"picky: its float64 copy fails on the CPU \(AssertionError: seven inputs\); check the shape"
    )
    refused(lambda x_BI, h_BH: x_BI + h_BH, r"missing 1 required .*a step f\(x_t, state\) needs state=")


def test_a_loss_without_a_gradient_is_refused():
    with pytest.raises(ValueError, match="loss: got a number without a gradient"):
        rnnlimits.parameter_gradient(layer(), x_BTI, torch.zeros(3, 3), lambda y, t: mse_loss(y.detach(), t))
    with pytest.raises(ValueError, match="loss: got float; expected a tensor"):
        rnnlimits.gradient_reach(layer(), x_BTI, torch.zeros(3, 3), lambda y, t: 1.0)
