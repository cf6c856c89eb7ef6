"""What every page in tasks/ owes to the trainer, found by name: a new page is tested before it is written."""

import dataclasses
import importlib
import inspect
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from rnnlimits import catalog
from rnnlimits.planning.config.fields import fields
from rnnlimits.tasks import base
from rnnlimits.tasks.base import Batch, Task, generator
from rnnlimits.tasks.data import mnist
from rnnlimits.training import asked_steps, protocol
from rnnlimits.training.asked_steps import asked_alone
from support import pretend_data
from support.small_shards import BUDGET, a_job, a_shard

LENGTH = 64  # every page can do it but those below, and the digits nothing else
NAMES = catalog.names("tasks")
TEXTS = ("character_language_model", "word_language_model")  # each goes on from batch to batch
FINITE = (
    "forecasting", "sequential_digits", "sequential_mnist", "spoken_digits", "noise_padded", "sentiment",
    "translation", *TEXTS,
)  # fmt: skip
FRESH = [name for name in NAMES if name not in FINITE]
LENGTHS = {"sequential_mnist": 784}
OPTIONS = {"associative_recall": {"vocabulary": 256}}  # 8,192 take long
LONGER = [name for name in NAMES if "longest" in {one.name for one in fields("tasks", name)}]
SHORT_BITS = 14  # of so few bits the same string may come in two splits, as a page that draws some must say


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch):
    """Noise in the place of images, hours, words and speech: these tests need no data."""
    pretend_data.everything(monkeypatch)
    noise = np.random.default_rng(0)
    parts = {
        part: (noise.integers(0, 256, (count, 784), np.uint8), noise.integers(0, 10, count))
        for part, count in (("train", 300), ("t10k", 40))
    }
    monkeypatch.setattr(mnist, "read", parts.__getitem__)
    monkeypatch.setattr(mnist, "VALIDATION", 30)


def build(name: str, length: int | None = None) -> Task:
    length = length_of(name) if length is None else length
    module = importlib.import_module(f"rnnlimits.tasks.{name}")
    page = catalog.page_class("tasks", name)
    return page(length, module.Options(**OPTIONS.get(name, {})))


def length_of(name: str) -> int:
    return LENGTHS.get(name, LENGTH)


def outputs(task: Task, batch: Batch, seed: int = 0) -> Tensor:
    """What a model would give: the right shape, random numbers."""
    steps = 1 if task.reads_last else batch.x.shape[1]
    return torch.randn(len(batch.x), steps, task.outputs, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_has_the_widths_that_planning_was_told(name):
    task = build(name)
    planned = catalog.options("tasks", name)(**OPTIONS.get(name, {}))
    assert planned.widths(length_of(name)) == (task.inputs, task.outputs)
    batch = task.sample(5, generator(0, "data"))
    assert len(batch.x) == len(batch.target) == 5
    longest = max(one.x.shape[1] for part in splits(task) for one in part)
    assert batch.x.shape[1] <= longest == planned.steps(length_of(name))
    if getattr(task.options, "embedding", 0):
        assert batch.x.dtype == torch.int64
        assert 0 <= batch.x.min() <= batch.x.max() < task.inputs
    else:
        assert batch.x.dtype == torch.float32
        assert batch.x.shape[2] == task.inputs


@pytest.mark.parametrize("name", NAMES)
def test_every_score_has_a_unit_and_one_value_a_sequence(name):
    task = build(name)
    batch = task.sample(5, generator(0, "data"))
    scores = task.scores(outputs(task, batch), batch)
    of_a_set = task.of_a_set({metric: score_N.mean().item() for metric, score_N in scores.items()})
    assert {"loss", task.metric} <= set(scores)
    assert set(scores) | set(of_a_set) == set(task.units) >= set(task.chance)
    assert all(score_N.shape == (5,) and score_N.isfinite().all() for score_N in scores.values())
    torch.testing.assert_close(scores["loss"], task.loss_N(outputs(task, batch), batch))


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_is_judged_alone(name):
    """So the trainer may fold replicas and sequences into one axis."""
    task = build(name)
    batch = task.sample(6, generator(0, "data"))
    output_NTO = outputs(task, batch)
    some = Batch(batch.x[2:4], batch.target[2:4], None if batch.mask_BT is None else batch.mask_BT[2:4])
    torch.testing.assert_close(task.loss_N(output_NTO, batch)[2:4], task.loss_N(output_NTO[2:4], some))


@pytest.mark.parametrize("name", NAMES)
def test_steps_that_do_not_count_may_be_left_out_unless_a_text_goes_on(name):
    """So the trainer need not read them out."""
    task = build(name)
    batch = task.sample(6, generator(0, "data"))
    mask_BT, output_NTO = batch.mask_BT, outputs(task, batch)
    if mask_BT is None or name in TEXTS:
        assert asked_alone([batch])[0] is batch
        return
    asked = int((mask_BT > 0).sum(1).max())
    assert asked <= task.options.asked_steps(length_of(name))
    alone = asked_steps.alone(batch, asked)
    some_NAO = output_NTO.gather(1, alone.asked_BA[..., None].expand(-1, -1, task.outputs))
    whole, some = task.scores(output_NTO, batch), task.scores(some_NAO, alone)
    torch.testing.assert_close(some, whole)
    torch.testing.assert_close(task.loss_N(some_NAO, alone), whole["loss"])


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_has_a_gradient_also_in_float64(name):
    task = build(name)
    batch = task.sample(3, generator(0, "data"))
    output_NTO = outputs(task, batch).double().requires_grad_()
    task.loss_N(output_NTO, batch).sum().backward()
    assert output_NTO.grad is not None
    assert output_NTO.grad.abs().sum() > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_training_and_another_seed_another(name):
    def first_batches(seed: int) -> list[Tensor]:
        stream = build(name).batches(4, generator(seed, "data"))
        return [next(stream).x for _ in range(3)]

    assert all(map(torch.equal, first_batches(0), first_batches(0)))
    assert not any(map(torch.equal, first_batches(0), first_batches(1)))
    assert not torch.equal(*first_batches(0)[:2])


def splits(task: Task) -> list[list[Batch]]:
    """Batches of training, of validation and of test."""
    stream = task.batches(200, generator(0, "data"))
    judged = [task.evaluation(split, 200, generator(0, split)) for split in ("validation", "test")]
    return [[next(stream) for _ in range(3)], *judged]


@pytest.mark.parametrize("name", NAMES)
def test_no_sequence_of_one_split_occurs_in_another(name):
    rows = [{row.numpy().tobytes(): row for batch in part for row in batch.x} for part in splits(build(name))]
    twice = [one[key] for one, other in itertools.combinations(rows, 2) for key in one.keys() & other.keys()]
    if name == "parity":  # without `longest`, as its page says
        assert all(row_TI.sum() <= SHORT_BITS for row_TI in twice)
    else:
        assert twice == []


def sequence_steps(part: list[Batch]) -> set[int]:
    """The lengths that occur: up to the last step that counts."""
    assert all(batch.mask_BT is not None for batch in part)
    return {int(row_T.nonzero().max()) + 1 for batch in part for row_T in batch.mask_BT}


@pytest.mark.parametrize("name", LONGER)
def test_a_task_that_is_judged_by_longer_sequences_chooses_by_none_of_the_lengths_of_test(name):
    module = importlib.import_module(f"rnnlimits.tasks.{name}")
    task = catalog.page_class("tasks", name)(21, module.Options(longest=61))
    train, validation, test = map(sequence_steps, splits(task))
    assert max(train) < min(validation | test)
    assert not validation & test
    page_says = "no secret to what chooses" in " ".join(module.__doc__.split())
    assert (max(validation) < min(test)) != page_says


def test_there_are_tasks_that_are_judged_by_longer_sequences():
    assert {"counting", "parity"} <= set(LONGER)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LONGER])
def test_validation_and_test_are_drawn_like_the_training(name):
    """Nothing that only test has can choose anything: its sequences have the lengths of all others."""
    shapes = [{(batch.x.shape[1:], batch.x.dtype) for batch in part} for part in splits(build(name))]
    assert shapes[0] == shapes[1] == shapes[2]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_by_what_it_chooses_and_a_reason_where_it_is_the_score(name):
    page = catalog.page_class("tasks", name)
    assert page.chosen_by in ("loss", "score")
    if page.chosen_by == "score":
        said = "".join(
            filter(
                None, (importlib.import_module(page.__module__).__doc__, *map(inspect.getdoc, page.__mro__))
            )
        )
        assert "the score chooses" in " ".join(said.split())


@pytest.mark.parametrize("name", NAMES)
def test_an_evaluation_can_be_drawn_again(name):
    task = build(name)
    once, again = (task.evaluation("test", 30, generator(7, "test")) for _ in range(2))
    assert all(torch.equal(a.x, b.x) and torch.equal(a.target, b.target) for a, b in zip(once, again))
    assert len(once) == len(again)


@pytest.mark.parametrize("name", FRESH)
@pytest.mark.parametrize("sequences", [1, 250, 600])
def test_an_evaluation_has_as_many_sequences_as_asked(name, sequences):
    batches = build(name).evaluation("validation", sequences, generator(0, "validation"))
    assert sum(len(batch.x) for batch in batches) == sequences


@pytest.mark.parametrize("name", NAMES)
def test_a_split_that_does_not_exist_is_refused(name):
    with pytest.raises(ValueError, match=r"no split 'train'; possible: \"validation\", \"test\""):
        build(name).evaluation("train", 10, generator(0, "test"))


@pytest.mark.parametrize("name", NAMES)
def test_an_impossible_length_is_refused_with_what_is_possible(name):
    with pytest.raises(ValueError, match=rf"{name}: length 0 is impossible: .*\d"):
        build(name, length=0)
    assert catalog.options("tasks", name)().problem(0)
    assert catalog.options("tasks", name)().problem(length_of(name)) is None


@pytest.mark.parametrize("name", [name for name in NAMES if not catalog.page_class("tasks", name).finite])
def test_a_task_without_separate_examples_cannot_be_folded(name):
    with pytest.raises(ValueError, match=r"finite set.*sequential_digits"):
        build(name).fold(0, 5)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_trained_evaluated_and_probed(name):
    probes = {} if name in LENGTHS else {"gradient_reach": {"sequences": 2}}  # 784 steps take long
    shard = a_shard(
        "lstm", name, length_of(name), seeds=2,
        budget=BUDGET | {"updates": 2, "batch_size": 4, "test_sequences": 8},
        task_options=dataclasses.asdict(build(name).options), probes=probes,
    )  # fmt: skip
    rows, _ = protocol.run(a_job(shard))
    tested = {row.metric for row in rows if row.split == "test" and row.value is not None}
    assert {"loss", build(name).metric, "solved"} <= tested
    slopes = [row.value for row in rows if row.metric == "gradient_slope"]
    assert bool(slopes) == bool(probes)
    assert all(slope is not None and slope < 0 for slope in slopes)


@given(st.integers(0, base.LARGEST_SEED), st.integers(0, base.LARGEST_SEED))
def test_no_two_uses_of_any_two_seeds_share_a_stream(one, other):
    seeds = {(seed, use): base.stream_seed(seed, use) for seed in (one, other) for use in base.USES}
    assert len(set(seeds.values())) == len(seeds)


def test_an_unknown_use_or_seed_is_refused():
    with pytest.raises(LookupError, match="no use 'eval'; possible: data, init, validation, test, probe"):
        generator(0, "eval")
    with pytest.raises(ValueError, match="seed -1 is out of range; possible: 0 to"):
        generator(-1, "data")


@given(st.integers(0, 50), st.integers(1, 200), st.integers(1, 9), st.integers(1, 30))
def test_windows_read_every_place_once_and_weigh_one_on_average(start, places, streams, length):
    read, weights = [], []
    for window, (place_BT, weight_BT, carry) in enumerate(
        base.windows(start, start + places, streams, length)
    ):
        assert place_BT.shape == weight_BT.shape == (streams, length)
        assert carry == (window > 0)
        read += place_BT[weight_BT > 0].tolist()
        weights.append(weight_BT.double().mean().item())
    assert sorted(read) == list(range(start, start + places))
    assert math.isclose(sum(weights) / len(weights), 1, rel_tol=1e-6)
