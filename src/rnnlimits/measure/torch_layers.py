"""torch.nn's recurrent layers and cells as our pages, with the same weights: their steps and full states.

torch's own kernels hide the steps of a layer.  That a page is the layer is not believed, either: `modules`
compares their outputs on the caller's input.
"""

import torch
from torch import Tensor, nn

from rnnlimits.architectures._stack import Stack
from rnnlimits.architectures.base import Recurrent
from rnnlimits.architectures.elman import Elman
from rnnlimits.architectures.elman import Options as ElmanOptions
from rnnlimits.architectures.gru import GRU
from rnnlimits.architectures.gru import Options as GRUOptions
from rnnlimits.architectures.lstm import LSTM
from rnnlimits.architectures.lstm import Options as LSTMOptions

# Shape letters: I inputs, H hidden units, G gates.
Layer = nn.RNNBase | nn.RNNCellBase


def as_page(layer: Layer) -> Recurrent:
    """One page a layer, in a stack where there are several; the state is (h, c) of each layer in turn."""
    names = [""] if isinstance(layer, nn.RNNCellBase) else [f"_l{n}" for n in range(layer.num_layers)]
    pages = [_with_weights(layer, name) for name in names]
    if len(pages) == 1:
        return pages[0]
    return Stack(layer.input_size, layer.hidden_size, 1, None, pages, residual="none")


def _with_weights(layer: Layer, name: str) -> Recurrent:
    W_GI, U_GH = (getattr(layer, f"weight_{which}{name}").detach() for which in ("ih", "hh"))
    none_G = W_GI.new_zeros(len(W_GI))
    b_G, c_G = (getattr(layer, f"bias_{which}{name}") if layer.bias else none_G for which in ("ih", "hh"))
    inputs, H = W_GI.shape[1], layer.hidden_size
    if isinstance(layer, nn.LSTM | nn.LSTMCell):
        return _given(LSTM(inputs, H, 1, LSTMOptions()), W_GI=W_GI, U_GH=U_GH, b_G=b_G + c_G)
    if isinstance(layer, nn.GRU | nn.GRUCell):
        # The reset gate acts on the third bias of the state's side, which cannot be added to the other.
        added_G = torch.cat([c_G[: 2 * H], c_G.new_zeros(H)])
        gru = GRU(inputs, H, 1, GRUOptions())
        return _given(gru, W_GI=W_GI, U_GH=U_GH, b_G=b_G + added_G, c_H=c_G[2 * H :])
    if not isinstance(layer, nn.RNN | nn.RNNCell):
        raise TypeError(type(layer))
    elman = Elman(inputs, H, 1, ElmanOptions(nonlinearity="tanh" if layer.nonlinearity == "tanh" else "relu"))
    return _given(elman, W_HI=W_GI, U_HH=U_GH, b_H=b_G + c_G)


def _given(page: Recurrent, **weights: Tensor) -> Recurrent:
    """A page with these weights, all of them."""
    assert weights.keys() == dict(page.named_parameters()).keys()
    with torch.no_grad():
        for name, weight in page.named_parameters():
            weight.copy_(weights[name])
    return page
