"""A page's weights in a layer of torch.nn, and tables of rnnlimits as plain numbers."""

import torch
from pandas import DataFrame
from torch import nn

from rnnlimits.architectures._stack import Stack
from rnnlimits.architectures.base import Recurrent

LAYERS = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def twin(architecture: Recurrent, of: str) -> nn.RNNBase:
    """torch's layer with the weights of `architecture`: a page named `of`, or a stack of it."""
    pages = list(architecture.layers) if isinstance(architecture, Stack) else [architecture]
    found = LAYERS[of](architecture.inputs, architecture.hidden, len(pages), batch_first=True).double()
    weights = dict(found.named_parameters())
    with torch.no_grad():
        for number, page in enumerate(pages):
            own = dict(page.named_parameters())
            weights[f"weight_ih_l{number}"].copy_(own["W_HI" if of == "elman" else "W_GI"])
            weights[f"weight_hh_l{number}"].copy_(own["U_HH" if of == "elman" else "U_GH"])
            weights[f"bias_ih_l{number}"].copy_(own["b_H" if of == "elman" else "b_G"])
            weights[f"bias_hh_l{number}"].zero_()
            if of == "gru":
                weights[f"bias_hh_l{number}"][2 * architecture.hidden :] = own["c_H"]
    return found


def numbers(table: DataFrame) -> dict[tuple[str, int | None], float]:
    """{(metric, lag or None): value}"""
    lags = [None if lag != lag else int(lag) for lag in table.lag_steps]
    return dict(zip(zip(table.metric, lags), table.value, strict=True))


def curve_of(table: DataFrame, metric: str) -> dict[int, float]:
    rows = table[(table.metric == metric) & table.lag_steps.notna()]
    return dict(zip(rows.lag_steps.astype(int), rows.value, strict=True))
