"""Noise in the place of data that would have to be downloaded."""

import numpy as np
import pytest

from rnnlimits.tasks.data import electricity_transformer

HOURS = {"train": (0, 400), "validation": (400, 520), "test": (520, 640)}


def transformer(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A short series of as many columns; gives it."""
    table = np.random.default_rng(0).standard_normal((700, len(electricity_transformer.COLUMNS)))
    monkeypatch.setattr(electricity_transformer, "SPLITS", HOURS)
    monkeypatch.setattr(electricity_transformer, "read", lambda: table)
    return table
