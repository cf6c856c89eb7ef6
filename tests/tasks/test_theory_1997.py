"""The tasks of Hochreiter & Schmidhuber (1997) as they posed them: layout, chance, and answers by hand."""

import pytest
import torch

from rnnlimits.tasks._marked_pairs import first_pair_marked
from rnnlimits.tasks.adding_1997 import Adding1997
from rnnlimits.tasks.adding_1997 import Options as AddingOptions
from rnnlimits.tasks.multiplication import Multiplication
from rnnlimits.tasks.multiplication import Options as MultiplicationOptions
from rnnlimits.tasks.temporal_order_1997 import Options as OrderOptions
from rnnlimits.tasks.temporal_order_1997 import TemporalOrder1997
from support.task_answers import certain, draw, mean_scores, uniform, within_error

SEQUENCES = 100_000
ADDING, MULTIPLICATION = Adding1997(40, AddingOptions()), Multiplication(40, MultiplicationOptions())


def constant(task, batch, answer: float) -> dict[str, float]:
    return mean_scores(task, torch.full((len(batch.x), batch.x.shape[1], 1), answer), batch)


def marked(batch) -> torch.Tensor:
    """The two marked numbers, read off the input."""
    return batch.x[..., 0][batch.x[..., 1] == 1].view(-1, 2)


@pytest.mark.parametrize("task", [ADDING, MULTIPLICATION], ids=["adding", "multiplication"])
def test_pairs_are_marked_as_described(task):
    batch = draw(task, 20_000)
    number_BT, marker_BT = batch.x.unbind(2)
    last_B = batch.mask_BT.argmax(1)
    assert (batch.mask_BT.sum(1) == 1).all()
    assert uniform(last_B + 1, 40, 45)
    assert (marker_BT.gather(1, last_B[:, None]) == -1).all()
    assert ((marker_BT == 1).sum(1) == 2).all()
    rare_B = marker_BT[:, 0] == 1
    assert within_error(rare_B.double().mean().item(), first_pair_marked(40), 20_000)
    assert (marker_BT[~rare_B, 0] == -1).all()
    assert (number_BT[rare_B, 0] == (0 if task is ADDING else 1)).all()
    place_B2 = (marker_BT == 1).nonzero()[:, 1].view(-1, 2)
    assert (place_B2[:, 0] < 10).all()
    assert place_B2.max() == 19  # T/2 - 1 pairs that are still unmarked are among the first T/2
    after_BT = torch.arange(44) > last_B[:, None]
    assert (batch.x[after_BT] == 0).all()
    assert number_BT.min() >= (-1 if task is ADDING else 0)
    assert number_BT.max() <= 1


def test_the_second_mark_is_on_any_pair_that_the_first_left():
    batch = draw(ADDING, 40_000)
    place_B2 = (batch.x[..., 1] == 1).nonzero()[:, 1].view(-1, 2)
    late_B = place_B2[:, 1] >= 10
    assert uniform(place_B2[late_B, 0], 0, 10)
    assert uniform(place_B2[late_B, 1], 10, 20)
    # Of ten times 19 pairs of places, ten times ten have the second mark beyond the tenth pair.
    assert within_error(late_B.double().mean().item(), 10 / 19, 40_000)


def test_adding_1997_the_best_constant_answer_reaches_chance():
    batch = draw(ADDING, SEQUENCES)
    scores = {answer: constant(ADDING, batch, answer) for answer in (0.48, 0.5, 0.52)}
    chance = ADDING.chance
    assert scores[0.5]["mean_squared_error"] == pytest.approx(chance["mean_squared_error"], rel=0.02)
    assert scores[0.5]["loss"] == scores[0.5]["mean_squared_error"]
    assert within_error(scores[0.5]["accuracy"], chance["accuracy"], SEQUENCES)
    assert min(scores, key=lambda answer: scores[answer]["loss"]) == 0.5
    assert not ADDING.solved(chance)
    assert Adding1997(10**6, AddingOptions()).chance["loss"] == pytest.approx((2 - 0.1) / 48, rel=1e-5)


def test_multiplication_the_best_constant_answers_reach_chance():
    batch = draw(MULTIPLICATION, SEQUENCES)
    chance, q = MULTIPLICATION.chance, first_pair_marked(40)
    mean = (1 - q) / 4 + q / 2
    scores = {
        answer: constant(MULTIPLICATION, batch, answer) for answer in (0.02, 0.04, 0.06, 0.2, mean, 0.4)
    }
    assert scores[mean]["mean_squared_error"] == pytest.approx(chance["mean_squared_error"], rel=0.02)
    assert min(scores, key=lambda answer: scores[answer]["loss"]) == mean
    assert within_error(scores[0.04]["accuracy"], chance["accuracy"], SEQUENCES)
    assert max(scores, key=lambda answer: scores[answer]["accuracy"]) == 0.04
    assert not MULTIPLICATION.solved(chance)


def test_both_are_solved_by_what_is_marked():
    for task, answer_of in (
        (ADDING, lambda two: 0.5 + two.sum(1) / 4),
        (MULTIPLICATION, lambda two: two.prod(1)),
    ):
        batch = draw(task, 2_000)
        answer_BTO = answer_of(marked(batch)).view(-1, 1, 1).expand(-1, batch.x.shape[1], -1)
        scores = mean_scores(task, answer_BTO + 0.039, batch)
        assert scores["accuracy"] == 1
        assert task.solved(scores)
        assert mean_scores(task, answer_BTO + 0.041, batch)["accuracy"] == 0


def test_a_success_is_what_the_source_calls_one():
    assert ADDING.solved({"accuracy": 1 - 3 / 2560})
    assert not ADDING.solved({"accuracy": 1 - 4 / 2560})
    assert MULTIPLICATION.solved({"accuracy": 1 - 12 / 2000})
    assert not MULTIPLICATION.solved({"accuracy": 1 - 13 / 2000})
    assert Multiplication(40, MultiplicationOptions(wrong_below=140)).solved({"accuracy": 1 - 139 / 2000})


# --- temporal order


@pytest.mark.parametrize("signals", [2, 3])
def test_order_1997_without_memory_is_right_one_time_in_four_or_eight(signals):
    task = TemporalOrder1997(40, OrderOptions(signals=signals))
    batch = draw(task, 20_000)
    assert task.outputs == 2**signals
    assert mean_scores(task, torch.zeros(20_000, 44, task.outputs), batch) == {
        "loss": pytest.approx(task.chance["loss"]),
        "accuracy": 0.0,  # equal odds are right within 0.3 for no class
    }
    guess = mean_scores(task, certain(torch.zeros(20_000, 44, dtype=torch.long), task.outputs), batch)
    assert within_error(guess["accuracy"], task.chance["accuracy"], 20_000)
    assert uniform(batch.target[:, 0], 0, task.outputs)


@pytest.mark.parametrize(
    ("signals", "windows"), [(2, [(10, 21), (50, 61)]), (3, [(10, 21), (33, 44), (66, 77)])]
)
def test_order_1997_is_laid_out_as_in_the_paper(signals, windows):
    batch = draw(TemporalOrder1997(100, OrderOptions(signals=signals)), 10_000)
    token_BT, last_B = batch.x.argmax(2), batch.mask_BT.argmax(1)
    assert (batch.mask_BT.sum(1) == 1).all()
    assert uniform(last_B + 1, 100, 111)
    assert (token_BT[:, 0] == 6).all()
    assert (token_BT.gather(1, last_B[:, None]) == 7).all()
    inside_BT = torch.arange(110) <= last_B[:, None]
    assert torch.equal(batch.x.sum(2), inside_BT.float())
    place_BS = ((token_BT < 2) & inside_BT).nonzero()[:, 1].view(-1, signals)
    for place_B, (low, high) in zip(place_BS.unbind(1), windows, strict=True):
        assert uniform(place_B, low, high)
    middle_BT = inside_BT & (torch.arange(110) > 0) & (torch.arange(110) < last_B[:, None])
    assert uniform(token_BT[middle_BT & (token_BT >= 2)], 2, 6)


@pytest.mark.parametrize("signals", [2, 3])
def test_order_1997_is_solved_by_reading_the_signals_as_binary_digits(signals):
    task = TemporalOrder1997(100, OrderOptions(signals=signals))
    batch = draw(task, 500)
    inside_BT = batch.x.sum(2) > 0
    token_BT = batch.x.argmax(2)
    signal_BS = token_BT[(token_BT < 2) & inside_BT].view(-1, signals)
    class_B1 = sum(signal_BS[:, [k]] * 2 ** (signals - 1 - k) for k in range(signals))
    scores = mean_scores(task, certain(class_B1.expand(-1, 110), 2**signals), batch)
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "accuracy": 1.0}
    assert task.solved(scores)
    assert not task.solved({"accuracy": 1 - 4 / 2560})


def test_order_1997_is_right_when_every_output_is_within_three_tenths():
    task = TemporalOrder1997(20, OrderOptions())
    batch = draw(task, 4)
    for odds, right in ((0.71, 1.0), (0.69, 0.0)):
        odds_NTO = torch.full((4, 22, 4), (1 - odds) / 3).scatter(2, batch.target.unsqueeze(2), odds)
        assert mean_scores(task, odds_NTO.log(), batch)["accuracy"] == right
