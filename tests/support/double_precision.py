"""What tests of equations share: float64, numbers that are the same each time, and how near is equal."""

import pytest
import torch


def double_and_seeded(seed: int):
    """A fixture for all tests of the module that gives it a name."""

    @pytest.fixture(autouse=True)
    def prepared():
        torch.set_default_dtype(torch.float64)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
        torch.set_default_dtype(torch.float32)

    return prepared


def close(ours, theirs) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
