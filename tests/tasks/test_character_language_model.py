"""Windows that read a text once, states kept within a stream, and the n-gram references."""

import itertools
import math
from collections import Counter, defaultdict

import pytest
import torch

from rnnlimits.tasks.base import Batch, generator
from rnnlimits.tasks.character_language_model import CharacterLanguageModel, Options
from rnnlimits.tasks.data import n_grams, text

SHORT = Options(characters=20_000)
WINDOWS_PER_EPOCH = (16_000 - 1 - 37) // (8 * 37)  # of 8 streams with windows of 37 steps
CERTAIN = 100.0


@pytest.fixture
def task() -> CharacterLanguageModel:
    return CharacterLanguageModel(37, SHORT)


def evaluate(task: CharacterLanguageModel, batches: list[Batch], logits) -> dict[str, float]:
    """Plain means over all windows, as the trainer takes them, of a predictor logits(batch) -> output_BTO."""
    scores = [task.scores(logits(batch), batch) for batch in batches]
    return {name: torch.cat([score[name] for score in scores]).double().mean().item() for name in scores[0]}


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("length", [1, 37, 125, 2000])
def test_an_evaluation_reads_its_part_of_the_text_stream_by_stream_each_character_once(split, length):
    task = CharacterLanguageModel(length, SHORT)
    batches = task.evaluation(split, 0, generator(0, split))
    x_BT, target_BT = (torch.cat([getattr(batch, name) for batch in batches], 1) for name in ("x", "target"))
    counts_BT = torch.cat([batch.mask_BT for batch in batches], 1) > 0
    start, end = task.splits[split]
    assert torch.equal(target_BT[counts_BT], task.token_T[start:end])  # row by row
    assert torch.equal(x_BT[counts_BT], task.token_T[start - 1 : end - 1])
    assert [batch.carry for batch in batches] == [False] + [True] * (len(batches) - 1)


def test_the_parts_are_eight_one_and_one_tenth_and_do_not_overlap(task):
    assert task.splits == {"train": (1, 16_000), "validation": (16_000, 18_000), "test": (18_000, 20_000)}


def test_training_goes_on_within_a_stream_and_starts_anew_with_each_epoch(task):
    batches = list(itertools.islice(task.batches(8, generator(0, "data")), 120))
    starts = [number for number, batch in enumerate(batches) if not batch.carry]
    assert starts == list(range(0, 120, WINDOWS_PER_EPOCH))
    for before, after in itertools.pairwise(batches):
        assert torch.equal(before.x[:, 1:], before.target[:, :-1])
        assert not after.carry or torch.equal(before.target[:, -1], after.x[:, 0])


def test_replicas_stay_in_step_but_start_their_epochs_elsewhere(task):
    task.token_T = torch.arange(20_000)  # each token tells its place
    one, other = (list(itertools.islice(task.batches(8, generator(seed, "data")), 120)) for seed in (0, 1))
    assert [batch.carry for batch in one] == [batch.carry for batch in other]
    starts = [batch.target[0, 0].item() for batch in one + other if not batch.carry]
    assert len(set(starts)) == len(starts)


def test_training_reads_no_character_of_another_part_and_none_twice_in_an_epoch(task):
    task.token_T = torch.arange(20_000)
    batches = list(itertools.islice(task.batches(8, generator(0, "data")), 5 * WINDOWS_PER_EPOCH))
    places = torch.cat([batch.target.flatten() for batch in batches]).view(5, -1)
    assert 1 <= places.min() <= places.max() < 16_000
    assert all(len(epoch.unique()) == len(epoch) for epoch in places)


def test_every_character_of_the_training_part_can_be_a_target(task):
    task.token_T = torch.arange(20_000)
    first = [task.sample(8, generator(seed, "data")).target[0, 0].item() for seed in range(1_000)]
    last = 16_000 - WINDOWS_PER_EPOCH * 8 * 37  # from here the epoch ends where the split ends
    assert 1 <= min(first) < 5
    assert last - 5 < max(first) <= last


def test_every_step_of_a_training_window_weighs_one(task):
    batch = task.sample(8, generator(0, "data"))
    assert (batch.mask_BT == 1).all()
    assert not batch.carry


def test_chance_is_a_uniform_guess(task):
    batches = task.evaluation("test", 0, generator(0, "test"))
    scores = evaluate(task, batches, lambda batch: torch.zeros(*batch.x.shape, task.outputs))
    assert scores["bits_per_character"] == pytest.approx(task.chance["bits_per_character"], rel=1e-6)
    assert scores["loss"] == pytest.approx(task.chance["loss"], rel=1e-6)
    assert task.chance["bits_per_character"] == math.log2(len(task.corpus.vocabulary))


def test_knowing_the_next_character_costs_nothing_and_does_not_end_training(task):
    def oracle(batch: Batch) -> torch.Tensor:
        return CERTAIN * torch.nn.functional.one_hot(batch.target, task.outputs).float()

    scores = evaluate(task, task.evaluation("test", 0, generator(0, "test")), oracle)
    assert scores["bits_per_character"] == pytest.approx(0, abs=1e-9)
    assert not task.solved(scores)


def test_the_mean_over_windows_is_the_mean_over_characters(task):
    """The unigram reference, once from counts and once through the task's own windows."""
    count_V = torch.bincount(task.token_T[:16_000], minlength=task.outputs).double()
    kinds = (count_V > 0).sum()
    probability_V = (count_V + kinds / task.outputs) / (16_000 + kinds)  # Witten & Bell
    batches = task.evaluation("test", 0, generator(0, "test"))
    scores = evaluate(task, batches, lambda batch: probability_V.log().expand(*batch.x.shape, -1))
    assert scores["bits_per_character"] == pytest.approx(task.references()["unigram"], rel=1e-6)


def witten_bell_bits(text: str, train_end: int, test_start: int, symbols: int, order: int) -> float:
    """The definition, one character at a time."""
    successors: dict[str, Counter] = defaultdict(Counter)
    for size in range(order):
        for place in range(size, train_end):
            successors[text[place - size : place]][text[place]] += 1

    def probability(context: str, symbol: str) -> float:
        lower = probability(context[1:], symbol) if context else 1 / symbols
        seen = successors[context]
        return (seen[symbol] + len(seen) * lower) / (seen.total() + len(seen)) if seen else lower

    bits = [-math.log2(probability(text[p - order + 1 : p], text[p])) for p in range(test_start, len(text))]
    return sum(bits) / len(bits)


@pytest.mark.parametrize(("order", "name"), list(enumerate(n_grams.N_GRAMS, start=1)))
def test_the_references_are_witten_bell_models_of_the_training_part(order, name):
    task = CharacterLanguageModel(20, Options(characters=6_000))
    text = task.corpus.text[:6_000]
    expected = witten_bell_bits(text, 4_800, 5_400, len(task.corpus.vocabulary), order)
    assert task.references()[name] == pytest.approx(expected, rel=1e-9)


def test_a_longer_memory_makes_a_better_reference():
    bits = list(CharacterLanguageModel(64, Options()).references().values())
    assert bits == sorted(bits, reverse=True)
    assert math.log2(text.vocabulary_size("python_reference")) > bits[0] > bits[-1] > 1


def test_cutting_the_corpus_keeps_its_vocabulary_and_its_checksum():
    short, whole = (CharacterLanguageModel(20, Options(characters=kept)) for kept in (1_000, None))
    assert len(short.token_T) == 1_000
    assert short.outputs == whole.outputs == len(whole.corpus.vocabulary)
    assert short.facts() == whole.facts()
    assert short.facts()["corpus"] == "python_reference"


def test_too_large_a_batch_is_refused_with_what_to_do(task):
    with pytest.raises(ValueError, match=r"too short for 500 streams .* 37 steps .* smaller batch"):
        task.sample(500, generator(0, "data"))


def test_impossible_options_are_refused_with_what_is_possible():
    assert Options(characters=1_000).problem(101) == "the test split holds windows of 1 to 100 steps"
    for options in (Options(characters=0), Options(characters=10**9), Options(embedding=0)):
        assert "embedding must be 1 or more, characters null or 10 to" in options.problem(1)
