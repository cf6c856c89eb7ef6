"""Intervals over seeds against scipy's, and where there is nothing to draw from."""

import numpy as np
import pytest
from scipy import stats

from rnnlimits.analysis import statistics


@pytest.mark.parametrize("seeds", [2, 3, 5, 7])
def test_few_seeds_are_enumerated_and_cut_scipys_resamples_at_the_same_share(seeds):
    values_GN = np.random.default_rng(seeds).normal(size=(20, seeds))
    _, low_G, high_G = statistics.mean_intervals(values_GN)
    drawn_GM = stats.bootstrap(
        (values_GN,), np.mean, axis=-1, n_resamples=50_000, rng=np.random.default_rng(7), method="percentile"
    ).bootstrap_distribution
    # A quantile of few different means is a jump: below it lies less than its share, up to it at least that.
    rounding = 1e-12
    for bound_G, share in ((low_G, 0.025), (high_G, 0.975)):
        assert ((drawn_GM < bound_G[:, None] - rounding).mean(axis=1) < share + 0.003).all()
        assert ((drawn_GM <= bound_G[:, None] + rounding).mean(axis=1) > share - 0.003).all()


def test_intervals_of_many_seeds_are_scipys():
    values_GN = np.random.default_rng(0).normal(size=(70, 12))
    _, low_G, high_G = statistics.mean_intervals(values_GN, confidence=0.9)
    theirs = stats.bootstrap((values_GN[66],), np.mean, method="percentile", confidence_level=0.9, rng=0)
    assert (low_G[66], high_G[66]) == pytest.approx(tuple(theirs.confidence_interval))


def test_one_seed_has_no_interval_and_equal_seeds_have_one_of_width_zero():
    assert np.isnan(statistics.mean(np.array([3.0]))[1:3]).all()
    for seeds in (2, 5, 12):
        assert statistics.mean(np.full(seeds, 0.1))[:3] == (0.1, 0.1, 0.1)
    assert statistics.mean(np.array([np.nan])).n == 0
