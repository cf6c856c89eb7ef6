"""MNIST is the published bytes or an error that says what to do; its split, its orders; without a network."""

import gzip
import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnlimits.tasks.base import generator
from rnnlimits.tasks.data import downloads, mnist
from rnnlimits.tasks.sequential_mnist import Options, SequentialMnist, order
from support.pretend_web import serve
from support.repository_copy import ROOT

BESIDE_THE_CHECKOUT = ROOT.parent / "shared" / "data"
REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or BESIDE_THE_CHECKOUT)
needs_data = pytest.mark.skipif(
    not (REAL_DATA / "mnist" / mnist.FIRST).is_file(),
    reason=f"no mnist in {REAL_DATA}; name a folder that has it in {downloads.DATA_VARIABLE}",
)
ORDERS_SHA256 = {
    "expRNN": "64a17fd93aaab6515372a6ec4c30078ac0a05f667632cbd41a2d0f06e3f49569",
    "coRNN": "708e52f80bcd17ea44de3df751813ae1e2a028f1042b42d9a8d7c9d71c0ede03",
}


@pytest.fixture(autouse=True)
def nothing_cached(monkeypatch, tmp_path):
    monkeypatch.delenv(downloads.DATA_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    mnist._read.cache_clear()
    yield
    mnist._read.cache_clear()


@pytest.fixture
def small(monkeypatch) -> dict[str, bytes]:
    """Four small files that are taken for the published ones."""
    files = {}
    for name in mnist.FILES:
        count = 6_000 if name.startswith("train") else 300
        size, header = (784, 16) if "images" in name else (1, 8)
        values = np.random.default_rng(len(name)).integers(0, 256 if size > 1 else 10, count * size, np.uint8)
        files[name] = gzip.compress(bytes(header) + values.tobytes(), mtime=0)
        checked = len(files[name]), hashlib.sha256(files[name]).hexdigest()
        monkeypatch.setitem(mnist.FILES, name, checked)
    return files


def put(files: dict[str, bytes], folder: Path) -> Path:
    (folder / "mnist").mkdir(parents=True)
    for name, content in files.items():
        (folder / "mnist" / name).write_bytes(content)
    return folder


@needs_data
def test_the_images_are_the_published_ones(monkeypatch):
    serve(monkeypatch, {})
    pixels, labels = mnist.read("train", REAL_DATA)
    assert pixels.shape == (60_000, 784)
    assert pixels.mean() / 255 == pytest.approx(0.13066, abs=5e-6)
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    pixels, labels = mnist.read("t10k", REAL_DATA)
    assert pixels.shape == (10_000, 784)
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@needs_data
def test_chance_on_the_test_images_is_a_guess_among_ten(monkeypatch):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    task = SequentialMnist(784, Options(permutation="coRNN"))
    label_B = torch.cat([batch.target for batch in task.evaluation("test", 0, generator(0, "test"))])
    assert len(label_B) == 10_000
    guess_B = torch.randint(0, 10, (10_000,), generator=torch.Generator().manual_seed(0))
    share = (guess_B == label_B).double().mean().item()
    assert abs(share - task.chance["accuracy"]) < 4 * math.sqrt(0.1 * 0.9 / 10_000)
    (batch, *_) = task.evaluation("test", 0, generator(0, "test"))
    assert task.loss_N(torch.zeros(250, 1, 10), batch).mean().item() == pytest.approx(task.chance["loss"])


def test_the_split_is_by_position_and_shared_by_all_seeds(monkeypatch, tmp_path, small):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(put(small, tmp_path / "data")))
    task = SequentialMnist(784, Options())
    pixels, labels = mnist.read("train")
    validation = task.evaluation("validation", 7, generator(0, "validation"))
    assert [len(batch.x) for batch in validation] == [250] * 20
    x_BTI = torch.cat([batch.x for batch in validation])
    np.testing.assert_array_equal((x_BTI[..., 0] * 255).round().numpy(), pixels[1_000:])
    assert torch.equal(torch.cat([batch.target for batch in validation]), torch.from_numpy(labels[1_000:]))
    assert task.evaluation("validation", 9, generator(1, "validation")) is validation
    assert sum(len(batch.x) for batch in task.evaluation("test", 7, generator(0, "test"))) == 300
    images = next(task.batches(1_000, generator(0, "data"))).x
    read = {row.numpy().tobytes() for row in (images[..., 0] * 255).round().byte()}
    assert read == {row.tobytes() for row in pixels[:1_000]}  # each once in a pass, and nothing held out


@pytest.mark.parametrize("name", ORDERS_SHA256)
def test_the_orders_are_the_published_ones_and_move_every_pixel_alike(name, monkeypatch, tmp_path, small):
    order_T = order(name)
    assert sorted(order_T.tolist()) == list(range(784))
    found = hashlib.sha256(" ".join(map(str, order_T.tolist())).encode()).hexdigest()
    assert found == ORDERS_SHA256[name]
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(put(small, tmp_path / "data")))
    plain, moved = (
        SequentialMnist(784, Options(permutation=one)).evaluation("test", 0, generator(0, "test"))[0]
        for one in ("none", name)
    )
    assert torch.equal(moved.x, plain.x[:, order_T])
    assert torch.equal(moved.target, plain.target)


def test_the_orders_come_from_the_calls_that_their_authors_made():
    torch.manual_seed(12008)
    assert torch.equal(order("coRNN"), torch.randperm(784))
    assert order("expRNN").tolist() == np.random.RandomState(92916).permutation(784).tolist()


def test_files_are_fetched_once_and_credited_once(monkeypatch, capsys, small):
    commit, mirror, _ = mnist.SOURCES
    contents = {commit + name: content for name, content in small.items()}
    contents[commit + mnist.FIRST] = b"<!DOCTYPE html>"  # a proxy's page
    contents[mirror + mnist.FIRST] = small[mnist.FIRST]
    server = serve(monkeypatch, contents)
    for _ in range(2):
        mnist._read.cache_clear()
        mnist.read("train")
        mnist.read("t10k")
    assert server.asked == [commit + mnist.FIRST, mirror + mnist.FIRST] + [
        commit + name for name in list(mnist.FILES)[1:]
    ]
    assert capsys.readouterr().err.count("LeCun") == 1


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path, small):
    name = "t10k-labels-idx1-ubyte.gz"
    folder = put(small | {name: small[name][:-1]}, tmp_path / "data")
    with pytest.raises(ValueError, match=rf"mnist: .*{name}: it is not the published file .* delete it, and"):
        mnist.read("t10k", folder)


def test_without_the_data_one_line_says_where_what_and_what_to_do(monkeypatch, tmp_path):
    server = serve(monkeypatch, {})
    with pytest.raises(LookupError, match=r"^mnist: train-images.*FOLDER/mnist.*sequential_digits.*$"):
        mnist.read("train", tmp_path)  # `.` matches no line break
    assert server.asked == [source + mnist.FIRST for source in mnist.SOURCES]
    assert all(source.startswith("https://") for source in mnist.SOURCES)


def test_only_784_pixels_are_possible_and_planning_reads_no_data():
    assert Options().problem(784) is None
    with pytest.raises(ValueError, match="length 64 is impossible: an image has 28 x 28 pixels, so only 784"):
        SequentialMnist(64, Options())
