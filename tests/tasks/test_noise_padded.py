"""An image and then noise: what is read, how often the noise is drawn, what a guess is worth."""

import math

import numpy as np
import pytest
import torch

from rnnlimits.tasks.base import generator
from rnnlimits.tasks.data import digits, mnist
from rnnlimits.tasks.noise_padded import NoisePadded, Options
from rnnlimits.tasks.sequential_digits import Options as DigitsOptions
from rnnlimits.tasks.sequential_digits import SequentialDigits


def build(length: int = 50, **options) -> NoisePadded:
    return NoisePadded(length, Options(**options))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_lines_are_those_of_the_image_in_the_parts_of_sequential_digits(split):
    read = build().evaluation(split, 1000, generator(0, split))
    (whole,) = SequentialDigits(64, DigitsOptions()).evaluation(split, 1000, generator(0, split))
    assert torch.equal(torch.cat([batch.x for batch in read])[:, :8].flatten(1), whole.x[..., 0])
    assert torch.equal(torch.cat([batch.target for batch in read]), whole.target)


def test_one_pass_shows_each_training_image_once():
    batch = next(build().batches(1097, generator(0, "data")))
    images = {image.numpy().tobytes() for image in batch.x[:, :8].flatten(1)}
    pixels, _ = digits.read()
    assert images == {row.tobytes() for row in pixels[digits.rows()["train"]]}


def test_the_noise_is_standard_normal_and_drawn_anew_for_each_reading():
    stream = build(length=100).batches(1097, generator(0, "data"))
    noise = torch.stack([next(stream).x[:, 8:] for _ in range(2)]).double()
    count = noise.numel()
    assert abs(noise.mean().item()) < 4 / math.sqrt(count)
    assert abs(noise.var().item() - 1) < 4 * math.sqrt(2 / count)
    assert abs((noise[0] * noise[1]).mean().item()) < 4 / math.sqrt(count / 2)
    assert abs((noise[:, :, 1:] * noise[:, :, :-1]).mean().item()) < 4 / math.sqrt(count)


def test_the_same_noise_stands_behind_every_image_of_every_part_and_seed():
    task = build(noise="same")
    batches = [next(task.batches(20, generator(seed, "data"))) for seed in (0, 1)]
    batches += [
        batch for split in ("validation", "test") for batch in task.evaluation(split, 9, generator(2, split))
    ]
    noise = torch.cat([batch.x[:, 8:] for batch in batches])
    assert (noise == noise[0]).all()
    assert noise[0].std() > 0.5


def test_an_evaluation_reads_the_first_images_and_no_more_than_there_are():
    task = build()
    few, many = (task.evaluation("test", count, generator(0, "test")) for count in (7, 10_000))
    assert [len(batch.x) for batch in few] == [7]
    assert [len(batch.x) for batch in many] == [250, 100]
    assert torch.equal(few[0].target, many[0].target[:7])


def test_chance_is_a_guess_among_ten():
    labels = digits.read()[1]
    shares = np.bincount(labels) / len(labels)
    task = build()
    # Whatever is answered without looking is right as often as the class is frequent: near one in ten.
    assert shares.max() < 1.05 * task.chance["accuracy"]
    (batch, *_) = task.evaluation("test", 350, generator(0, "test"))
    assert task.loss_N(torch.zeros(250, 1, 10), batch).mean().item() == pytest.approx(task.chance["loss"])
    draws = torch.Generator().manual_seed(0)
    guess_N = torch.randint(0, 10, (100_000,), generator=draws)
    drawn_N = torch.from_numpy(labels)[torch.randint(0, 1797, (100_000,), generator=draws)]
    share = (guess_N == drawn_N).double().mean().item()
    assert abs(share - task.chance["accuracy"]) < 4 * math.sqrt(0.09 / 100_000)


def test_mnist_is_read_line_by_line(monkeypatch):
    values = np.random.default_rng(0)
    files = {
        part: (values.integers(0, 256, (count, 784), np.uint8), values.integers(0, 10, count))
        for part, count in (("train", 6_000), ("t10k", 30))
    }
    monkeypatch.setattr(mnist, "read", files.__getitem__)
    task = build(length=1000, images="mnist")
    (batch,) = task.evaluation("test", 30, generator(0, "test"))
    assert batch.x.shape == (30, 1000, 28)
    np.testing.assert_array_equal((batch.x[:, :28].flatten(1) * 255).round().numpy(), files["t10k"][0])
    (batch,) = task.evaluation("validation", 5, generator(0, "validation"))
    np.testing.assert_array_equal(batch.target.numpy(), files["train"][1][1_000:1_005])
    assert set(task.facts()) == {"mnist_train_images_sha256"}


@pytest.mark.parametrize(("images", "lines"), [("digits", 8), ("mnist", 28)])
def test_a_sequence_holds_a_whole_image(images, lines):
    assert (
        Options(images=images).problem(lines - 1)
        == f"an image of {images} has {lines} lines; {lines} or more"
    )
    assert Options(images=images).problem(lines) is None
