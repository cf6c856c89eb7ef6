"""Architectures by the names that people know them by, and variants by what sets them apart."""

import dataclasses
from collections.abc import Iterator

from rnnlimits.planning.config.options import Page
from rnnlimits.planning.config.schema import Config

KNOWN = {
    "antisymmetric": "antisymmetric RNN",
    "attention": "attention",
    "convolution": "convolution",
    "coupled_oscillatory": "coRNN",
    "diagonal_state_space": "S4D",
    "echo_state": "echo state network",
    "elman": "plain RNN (Elman)",
    "feed_forward": "feed-forward network",
    "gru": "GRU",
    "independent": "IndRNN",
    "irnn": "IRNN",
    "leaky": "leaky RNN",
    "linear_recurrent_unit": "LRU",
    "long_expressive_memory": "LEM",
    "lstm": "LSTM",
    "lstm_1997": "LSTM of 1997",
    "minimal_gru": "minGRU",
    "minimal_lstm": "minLSTM",
    "orthogonal": "orthogonal RNN",
    "selective_state_space": "selective state space (S6)",
    "stacked": "stack of layers",
    "temporal_convolution": "temporal convolution (TCN)",
    "unitary": "unitary RNN",
}


def known(architecture: str) -> str:
    """
    >>> known("lstm"), known("my_new_cell")
    ('LSTM', 'my new cell')
    """
    return KNOWN.get(architecture, architecture.replace("_", " "))


def key(config: Config) -> dict[str, str]:
    """What is said beside the name of each variant that bears another one than its page: its own options."""
    said: dict[str, str] = {}
    for study in config.studies.values():
        for variant, page in getattr(study, "architectures", {}).items():
            if variant != page.page:
                said.setdefault(variant, ", ".join(_changed(page)))
    return said


def _changed(page: Page) -> Iterator[str]:
    defaults = {field.name: field.default for field in dataclasses.fields(page.options)}
    for name, value in page.values.items():
        if value != defaults[name] and not isinstance(value, dict):
            yield f"{name.replace('_', ' ')} {value}"
