"""The images, their published split, and folds that never see the test split."""

import hashlib
import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from rnnlimits.tasks.base import generator
from rnnlimits.tasks.data import digits
from rnnlimits.tasks.sequential_digits import Options, SequentialDigits

SPLIT_SHA256 = "9fb96b3e374fff4e14325f43d73f5996c9915875b50c605fafe428a2fb6cff11"
CERTAIN = 100.0


@pytest.fixture(scope="module")
def task() -> SequentialDigits:
    return SequentialDigits(64, Options())


def test_the_images_are_those_of_scikit_learn():
    images, labels = load_digits(return_X_y=True)
    ours, our_labels = digits.read()
    np.testing.assert_array_equal(ours * 16, images)
    np.testing.assert_array_equal(our_labels, labels)
    assert ours.min() == 0
    assert ours.max() == 1


def test_the_split_is_the_published_one(task):
    rows = " ".join(str(row) for part in ("train", "validation", "test") for row in task.rows[part].tolist())
    assert hashlib.sha256(rows.encode()).hexdigest() == SPLIT_SHA256


def test_the_split_is_disjoint_and_complete(task):
    sizes = {part: len(rows) for part, rows in task.rows.items()}
    assert sizes == {"train": 1097, "validation": 350, "test": 350}
    assert sorted(torch.cat(list(task.rows.values())).tolist()) == list(range(1797))


def test_an_evaluation_is_the_whole_split_whatever_number_is_asked(task):
    (batch,) = task.evaluation("validation", 7, generator(0, "validation"))
    assert torch.equal(batch.target, task.label_B[task.rows["validation"]])
    assert batch.x.shape == (350, 64, 1)


def test_one_pass_shows_each_training_image_once_also_over_the_edge_of_a_pass(task):
    stream = task.batches(100, generator(0, "data"))
    images = torch.cat([next(stream).x for _ in range(22)])  # 2,200 images: two passes of 1,097 and six more
    train = {row.numpy().tobytes() for row in task.pixel_BTI[task.rows["train"]]}
    for one_pass in (images[:1097], images[1097:2194]):
        assert {row.numpy().tobytes() for row in one_pass} == train
    assert not torch.equal(images[:1097], images[1097:2194])


def test_chance_is_a_guess_among_ten(task):
    (batch,) = task.evaluation("test", 0, generator(0, "test"))
    assert task.scores(torch.zeros(350, 1, 10), batch)["loss"].mean().item() == pytest.approx(math.log(10))
    noise = torch.Generator().manual_seed(0)
    guesses = (torch.randn(350, 1, 10, generator=noise) for _ in range(100))
    accuracy = torch.stack([task.scores(guess, batch)["accuracy"].mean() for guess in guesses]).mean().item()
    standard_error = math.sqrt(0.1 * 0.9 / 35_000)
    assert abs(accuracy - task.chance["accuracy"]) < 4 * standard_error


def test_knowing_every_digit_is_an_accuracy_of_one_but_never_ends_training(task):
    (batch,) = task.evaluation("test", 0, generator(0, "test"))
    output_N1O = CERTAIN * torch.nn.functional.one_hot(batch.target, 10).float().unsqueeze(1)
    scores = {name: score_N.mean().item() for name, score_N in task.scores(output_N1O, batch).items()}
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "accuracy": 1.0}
    assert not task.solved(scores)


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_folds_hold_out_each_image_once_and_never_touch_the_test_part(task, folds):
    parts = [task.fold(k, folds).rows for k in range(folds)]
    held_out = torch.cat([rows["validation"] for rows in parts])
    learnable = set(torch.cat([task.rows["train"], task.rows["validation"]]).tolist())
    assert sorted(held_out.tolist()) == sorted(learnable)
    for rows in parts:
        assert set(rows["train"].tolist()) == learnable - set(rows["validation"].tolist())
        assert "test" not in rows


def test_folds_have_each_class_in_equal_parts(task):
    counts = torch.stack([task.label_B[task.fold(k, 5).rows["validation"]].bincount() for k in range(5)])
    assert (counts.max(0).values - counts.min(0).values <= 1).all()


def test_in_as_many_folds_as_are_allowed_each_still_has_every_digit(task):
    held_out = task.fold(0, Options().most_folds).rows["validation"]
    assert task.label_B[held_out].bincount(minlength=10).min() == 1
    with pytest.warns(UserWarning, match="least populated class"):
        task.fold(0, Options().most_folds + 1)


def test_a_fold_trains_on_its_own_images_and_refuses_to_test(task):
    fold = task.fold(1, 5)
    allowed = {row.numpy().tobytes() for row in fold.pixel_BTI[fold.rows["train"]]}
    assert {row.numpy().tobytes() for row in fold.sample(300, generator(0, "data")).x} <= allowed
    with pytest.raises(ValueError, match="a fold has no test split; refit the chosen size"):
        fold.evaluation("test", 0, generator(0, "test"))


def test_only_64_pixels_are_possible():
    with pytest.raises(ValueError, match="length 784 is impossible: an image has 8 x 8 pixels, so only 64"):
        SequentialDigits(784, Options())
