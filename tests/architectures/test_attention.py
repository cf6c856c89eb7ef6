"""Attention against torch's own layer, and what it sees without any recurrence."""

import pytest
import torch
from torch import Tensor, nn

from rnnlimits.architectures import attention
from support.double_precision import double_and_seeded

# Shape letters: B sequences, T time steps, I inputs, H hidden units.


_double_and_seeded = double_and_seeded(seed=5)


def of_torch(layer: attention.Layer, hidden: int, heads: int) -> nn.TransformerEncoderLayer:
    """torch's layer with our weights."""
    theirs = nn.TransformerEncoderLayer(hidden, heads, hidden, dropout=0, batch_first=True, norm_first=True)
    pairs = {
        "self_attn.in_proj_": layer.QKV, "self_attn.out_proj.": layer.O, "norm1.": layer.norm,
        "norm2.": layer.alone[0], "linear1.": layer.alone[1], "linear2.": layer.alone[3],
    }  # fmt: skip
    state = {
        f"{name}{kind}": getattr(ours, kind) for name, ours in pairs.items() for kind in ("weight", "bias")
    }
    theirs.load_state_dict(state)
    return theirs


@pytest.mark.parametrize("heads", [1, 3])
def test_attention_equals_the_pre_norm_layers_of_torch_under_a_causal_mask(heads):
    layer = attention.Attention(2, 6, 10, attention.Options(layers=2, heads=heads, positions="none"))
    x_BTI = torch.randn(3, 9, 2)
    h_BTH = layer.input(x_BTI)
    mask_TT = nn.Transformer.generate_square_subsequent_mask(9, dtype=torch.float64)
    for ours in layer.layers:
        h_BTH = of_torch(ours, 6, heads)(h_BTH, src_mask=mask_TT, is_causal=True)
    torch.testing.assert_close(layer(x_BTI)[0], h_BTH, rtol=1e-10, atol=1e-10)


def after_swapping(positions: str) -> tuple[Tensor, Tensor]:
    """The last outputs for a sequence and for the same with two early steps exchanged, of a single layer."""
    layer = attention.Attention(2, 6, 10, attention.Options(layers=1, positions=positions))
    x_BTI = torch.randn(1, 9, 2)
    swapped_BTI = x_BTI[:, [1, 0, *range(2, 9)]]
    return layer(x_BTI)[0][:, -1], layer(swapped_BTI)[0][:, -1]


def test_a_single_layer_without_positions_does_not_know_the_order_of_the_past():
    torch.testing.assert_close(*after_swapping("none"))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(*after_swapping("sinusoidal"))


def test_the_first_step_is_seen_undiminished_from_a_thousand_steps_away():
    layer = attention.Attention(1, 4, 10, attention.Options(layers=1, positions="none"))
    with torch.no_grad():
        layer.layers[0].QKV.weight[:8] = 0  # all steps weigh the same: the mean over the past
        layer.layers[0].QKV.bias[:8] = 0
    x_BTI = torch.randn(1, 1000, 1)
    x_BTI[0, 0] = x_BTI[0, 900]  # equal inputs, equal gradients, however far back
    (by_input_BTI,) = torch.autograd.grad(layer(x_BTI.requires_grad_())[0][0, -1, 0], x_BTI)
    torch.testing.assert_close(by_input_BTI[0, 0], by_input_BTI[0, 900], rtol=1e-10, atol=0)
    assert by_input_BTI.all()


@pytest.mark.parametrize("options", [{"layers": 0}, {"heads": 0}, {"heads": 3}])
def test_heads_that_do_not_divide_the_hidden_size_are_refused(options):
    assert "heads must divide hidden size 8" in attention.Options(**options).problem(hidden=8, length=5)
    assert attention.Options(heads=4).problem(hidden=8, length=5) is None
