"""The hours of a transformer: which are forecast from which, what is scaled, what simple methods reach."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnlimits.tasks.base import Batch, generator
from rnnlimits.tasks.data import downloads, electricity_transformer
from rnnlimits.tasks.forecasting import Forecasting, Options
from rnnlimits.training import protocol
from support import pretend_data
from support.repository_copy import ROOT
from support.small_shards import BUDGET, a_job, a_shard

REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or ROOT.parent / "shared" / "data")
PLACE = electricity_transformer.PUBLISHED.places[0]
needs_data = pytest.mark.skipif(
    not (REAL_DATA / PLACE).is_file(),
    reason=f"no {PLACE} in {REAL_DATA}; name a folder that has it in {downloads.DATA_VARIABLE}",
)


@pytest.fixture
def hour_HI(monkeypatch) -> np.ndarray:
    """The short series, scaled as the page says, by numpy."""
    table = pretend_data.transformer(monkeypatch)
    return (table - table[:400].mean(0)) / table[:400].std(0)


def build(length: int = 30, **options) -> Forecasting:
    return Forecasting(length, Options(**{"horizon": 5, **options}))


def whole(task: Forecasting, split: str) -> Batch:
    batches = task.evaluation(split, 1, generator(0, split))
    return Batch(*(torch.cat([getattr(one, part) for one in batches]) for part in ("x", "target")))


@pytest.mark.parametrize(("split", "start", "end"), [("validation", 400, 520), ("test", 520, 640)])
def test_every_forecast_of_a_split_is_judged_once_and_its_window_lies_before(hour_HI, split, start, end):
    batch = whole(build(), split)
    assert len(batch.x) == end - start - 5 + 1  # the last ones, too
    for row, first in enumerate(range(start, end - 4)):
        np.testing.assert_allclose(batch.x[row], hour_HI[first - 30 : first], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            batch.target[row].reshape(5, 7), hour_HI[first : first + 5], rtol=1e-5, atol=1e-6
        )


def test_the_training_is_scaled_to_mean_0_and_deviation_1_so_chance_is_1(hour_HI):
    task = build()
    train = task.scaled_HI[:400].double()
    torch.testing.assert_close(train.mean(0), torch.zeros(7).double(), atol=1e-6, rtol=0)
    assert train.square().mean().item() == pytest.approx(task.chance["mean_squared_error"], abs=1e-5)


def test_the_training_reads_no_hour_of_another_split(hour_HI):
    task = build()
    read = next(task.batches(366, generator(0, "data")))
    firsts = {row.numpy().tobytes() for row in read.x}
    expected = task.scaled_HI.unfold(0, 30, 1).transpose(1, 2)[: 400 - 30 - 5 + 1]
    assert firsts == {row.contiguous().numpy().tobytes() for row in expected}  # each once in a pass


def test_relative_to_the_last_hour_the_errors_of_the_same_forecast_are_the_same(hour_HI):
    plain, relative = whole(build(), "test"), whole(build(relative=True), "test")
    assert relative.x[:, -1].abs().max() == 0
    last_NO = plain.x[:, -1].repeat(1, 5)
    ours = build().scores(torch.zeros(len(last_NO), 1, 35), plain)
    theirs = build(relative=True).scores(-last_NO[:, None], relative)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_the_scores_of_a_forecast_are_the_means_of_its_errors(hour_HI):
    batch = Batch(torch.zeros(1, 30, 7), torch.tensor([[1.0, -3.0] + [0.0] * 33]))
    scores = build().scores(torch.zeros(1, 1, 35), batch)
    assert scores["mean_squared_error"].item() == pytest.approx(10 / 35)
    assert scores["mean_absolute_error"].item() == pytest.approx(4 / 35)
    assert scores["loss"] is scores["mean_squared_error"]


@pytest.mark.parametrize("folds", [2, 5])
def test_a_fold_learns_from_no_window_that_touches_the_block_that_it_holds_out(hour_HI, folds):
    task, held = build(), []
    for k in range(folds):
        fold = task.fold(k, folds)
        train, held_out = (fold.firsts[split].tolist() for split in ("train", "validation"))
        judged = {hour for first in held_out for hour in range(first, first + 5)}
        assert not judged & {hour for first in train for hour in range(first - 30, first + 5)}
        assert max(train + held_out) + 5 <= 520  # the test is never touched
        held += held_out
        with pytest.raises(ValueError, match="a fold has no test split; refit"):
            fold.evaluation("test", 1, generator(0, "test"))
    assert held == list(range(30, 516))  # each forecast once


def test_a_fold_that_leaves_nothing_is_refused_in_one_line(hour_HI):
    with pytest.raises(
        ValueError, match=r"^forecasting: fold 0 of 2 with windows of 280 hours leaves nothing"
    ):
        build(280).fold(0, 2)
    with pytest.raises(ValueError, match=r"fold 499 of 500 .* take a shorter length, or another number"):
        build().fold(499, 500)


def test_relative_to_the_last_hour_chance_is_not_known_by_hand(hour_HI):
    assert build(relative=True).chance == {}


def test_a_window_or_horizon_that_the_splits_do_not_have_is_refused(hour_HI):
    assert "horizon must be 1 to 120 hours" in Options(horizon=0).problem(10)
    assert "horizon must be 1 to 120 hours" in Options(horizon=121).problem(10)
    assert Options(horizon=120).problem(280) is None
    assert "windows of 1 to 280 hours" in Options(horizon=120).problem(281)


@needs_data
def test_the_references_are_those_of_a_computation_by_hand(monkeypatch):
    """Of all seven columns at once, each forecast in a loop; the map by the normal equations."""
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    length, horizon = 48, 24
    raw = np.genfromtxt(REAL_DATA / PLACE, delimiter=",", skip_header=1)[:, 1:]
    scaled = (raw - raw[:8640].mean(axis=0)) / raw[:8640].std(axis=0)
    train, test = range(length, 8640 - horizon + 1), range(11520, 14400 - horizon + 1)
    sums = dict.fromkeys(("last_value", "day_before", "training_mean"), 0.0)
    for first in test:
        truth = scaled[first : first + horizon]
        sums["last_value"] += np.sum((truth - scaled[first - 1]) ** 2)
        sums["day_before"] += np.sum((truth - scaled[first - 24 : first - 24 + horizon]) ** 2)
        sums["training_mean"] += np.sum(truth**2)
    by_hand = {name: total / (len(test) * horizon * 7) for name, total in sums.items()}
    squared = []
    for series in scaled.T:
        rows = np.lib.stride_tricks.sliding_window_view(series, length + horizon)
        rows = rows - rows[:, length - 1 : length]
        known = np.hstack([rows[:, :length], np.ones((len(rows), 1))])
        learnt = [first - length for first in train]
        moments = known[learnt].T @ known[learnt]
        products = known[learnt].T @ rows[learnt, length:]
        weights = np.linalg.lstsq(moments, products, rcond=None)[0]
        judged = [first - length for first in test]
        squared.append(np.mean((known[judged] @ weights - rows[judged, length:]) ** 2))
    by_hand["linear_map"] = float(np.mean(squared))
    references = Forecasting(length, Options(horizon=horizon)).references()
    assert references == pytest.approx(by_hand, rel=1e-3)
    assert references["linear_map"] < references["day_before"] < 1 < references["last_value"]


@needs_data
def test_a_network_learns_from_the_published_hours_and_stands_beside_the_references(monkeypatch):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    budget = BUDGET | {"updates": 60, "batch_size": 32, "validate_every": 60, "clip_norm": 1.0}
    shard = a_shard("gru", "forecasting", 24, seeds=1, budget=budget, task_options={"relative": True})
    rows, _ = protocol.run(a_job(shard))
    of_metric = [row for row in rows if row.metric == "mean_squared_error" and row.split == "validation"]
    untrained, trained = (row.value for row in sorted(of_metric, key=lambda row: row.update))
    assert trained < untrained
    assert {row.metric for row in rows if row.split == "reference"} == {
        f"reference_{name}" for name in ("training_mean", "last_value", "day_before", "linear_map")
    }
