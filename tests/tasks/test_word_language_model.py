"""Words of Wikipedia: which are known, which are asked when, and what perplexity is made of."""

import math
import os
from collections import Counter
from pathlib import Path

import pytest
import torch

from rnnlimits.tasks.base import Batch, generator
from rnnlimits.tasks.data import downloads, n_grams, wikitext_2
from rnnlimits.tasks.word_language_model import Options, WordLanguageModel
from rnnlimits.training import protocol
from support import pretend_data
from support.repository_copy import ROOT
from support.small_shards import BUDGET, a_job, a_shard

REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or ROOT.parent / "shared" / "data")
PLACES = [wikitext_2.published(split).places for split in wikitext_2.FILES]
needs_data = pytest.mark.skipif(
    not all(any((REAL_DATA / place).is_file() for place in places) for places in PLACES),
    reason=f"no {PLACES[0][0]} in {REAL_DATA}; name a folder that has it in {downloads.DATA_VARIABLE}",
)


@pytest.fixture
def texts(monkeypatch) -> dict[str, tuple[str, ...]]:
    return pretend_data.words(monkeypatch)


def build(length: int = 20, **options) -> WordLanguageModel:
    return WordLanguageModel(length, Options(**{"embedding": 5, **options}))


def read(task: WordLanguageModel, split: str) -> tuple[list[int], list[int]]:
    """What is read and what is asked, in order, of the steps that count."""
    batches = task.evaluation(split, 0, generator(0, split))
    counts_BT = torch.cat([batch.mask_BT for batch in batches], 1) > 0
    x_BT, target_BT = (torch.cat([getattr(batch, name) for batch in batches], 1) for name in ("x", "target"))
    return x_BT[counts_BT].tolist(), target_BT[counts_BT].tolist()


@pytest.mark.parametrize("vocabulary", [None, 30, 10, 2])
def test_the_most_frequent_words_of_the_training_are_known_and_all_others_are_unknown(texts, vocabulary):
    task = build(vocabulary=vocabulary)
    counts = Counter(texts["train"])
    kept = [word for word, _ in counts.most_common() if word != wikitext_2.UNKNOWN][: task.outputs - 1]
    asked = dict(zip(task.token_T.tolist(), sum(texts.values(), ())))
    for word, number in zip(sum(texts.values(), ()), task.token_T.tolist(), strict=True):
        assert (number > 0) == (word in kept)
        assert number == 0 or asked[number] == word
    assert len({number for number in task.token_T.tolist() if number}) == len(kept) == task.outputs - 1


@pytest.mark.parametrize("split", ["validation", "test"])
def test_each_word_of_a_split_is_asked_once_after_the_word_before_it(texts, split):
    task = build()
    start, end = task.splits[split]
    assert end - start == len(texts[split])
    x, target = read(task, split)
    assert target == task.token_T[start:end].tolist()
    assert x == task.token_T[start - 1 : end - 1].tolist()


def test_shorter_splits_are_the_first_words_of_each(texts):
    task, whole = build(train_words=500, validation_words=200, test_words=100), build()
    assert task.splits == {"train": (1, 500), "validation": (500, 700), "test": (700, 800)}
    for split in task.splits:
        (start, end), (from_, _) = task.splits[split], whole.splits[split]
        assert torch.equal(task.token_T[start:end], whole.token_T[from_ : from_ + end - start])


def test_training_reads_no_word_of_another_split(texts):
    task = build()
    task.token_T = torch.arange(len(task.token_T))
    end = task.splits["train"][1]
    stream = task.batches(8, generator(0, "data"))
    assert max(int(next(stream).target.max()) for _ in range(500)) < end


def evaluate(task: WordLanguageModel, logits) -> dict[str, float]:
    batches = task.evaluation("test", 0, generator(0, "test"))
    scores = [task.scores(logits(batch), batch) for batch in batches]
    return {name: torch.cat([one[name] for one in scores]).double().mean().item() for name in scores[0]}


def test_chance_is_a_uniform_guess_and_its_perplexity_the_number_of_words(texts):
    task = build()

    def uniform(batch: Batch) -> torch.Tensor:
        return torch.zeros(*batch.x.shape, task.outputs)

    scores = evaluate(task, uniform)
    scores |= task.of_a_set(scores)
    assert scores == pytest.approx(task.chance, rel=1e-6)
    assert scores["perplexity"] == pytest.approx(30, rel=1e-6)
    assert not task.solved(scores)


def test_the_unigram_reference_is_what_the_counts_of_the_training_give_through_the_windows(texts):
    task = build(train_words=300)
    count_V = torch.bincount(task.token_T[:300], minlength=task.outputs).double()
    discount = (count_V == 1).sum() / ((count_V == 1).sum() + 2 * (count_V == 2).sum())
    freed = discount * (count_V > 0).sum() / task.outputs
    probability_V = ((count_V - discount).clamp(min=0) + freed) / 300
    scores = evaluate(task, lambda batch: probability_V.log().expand(*batch.x.shape, -1))
    assert scores["nats_per_word"] == pytest.approx(task.references()["unigram"], rel=1e-6)


class KneserNey:
    """The definition, one word at a time."""

    def __init__(self, train: list[int], symbols: int):
        self.symbols = symbols
        grams = [
            {(place, tuple(train[place - n + 1 : place + 1])) for place in range(n - 1, len(train))}
            for n in range(1, 6)
        ]
        self.raw = [Counter(gram for _, gram in some) for some in grams]
        self.distinct = [Counter(gram[1:] for gram in longer) for longer in self.raw[1:]]

    def probability(self, gram: tuple[int, ...], counts: Counter | None = None) -> float:
        if not gram:
            return 1 / self.symbols
        counts = self.raw[len(gram) - 1] if counts is None else counts
        lower = self.probability(gram[1:], self.distinct[len(gram) - 2] if gram[1:] else None)
        same = {one: count for one, count in counts.items() if one[:-1] == gram[:-1]}
        if not same:
            return lower
        once, twice = (list(counts.values()).count(times) for times in (1, 2))
        discount = once / (once + 2 * twice) if once else 0
        kept = max(same.get(gram, 0) - discount, 0)
        return (kept + discount * len(same) * lower) / sum(same.values())


@pytest.mark.parametrize(("order", "name"), list(enumerate(n_grams.N_GRAMS, start=1)))
def test_the_references_are_kneser_ney_models_of_the_training(texts, order, name):
    task = build(vocabulary=9, train_words=120, validation_words=30, test_words=40)
    token = task.token_T.tolist()
    model = KneserNey(token[:120], 9)
    asked = [tuple(token[place - order + 1 : place + 1]) for place in range(150, 190)]
    nats = [-math.log(model.probability(gram)) for gram in asked]
    assert task.references()[name] == pytest.approx(sum(nats) / 40, rel=1e-9)
    for gram in asked[:5]:
        assert sum(model.probability((*gram[:-1], word)) for word in range(9)) == pytest.approx(1)


@pytest.mark.parametrize("loss", [0.0, 3.5, 1e4])
def test_perplexity_is_e_to_the_mean_and_finite(texts, loss):
    perplexity = build().of_a_set({"loss": loss})["perplexity"]
    assert math.isfinite(perplexity)
    assert loss > 700 or perplexity == pytest.approx(math.exp(loss))


def test_the_rows_have_the_perplexity_of_each_split_and_seed(texts):
    options = {"embedding": 5, "vocabulary": 12}
    shard = a_shard("gru", "word_language_model", 20, seeds=2, budget=BUDGET, task_options=options)
    rows, _ = protocol.run(a_job(shard))
    losses, perplexities = (
        {(row.seed, row.split, row.update, row.stage): row.value for row in rows if row.metric == metric}
        for metric in ("loss", "perplexity")
    )
    losses = {key: value for key, value in losses.items() if key[1] != "train"}
    assert len({key for key in losses if key[1] == "test"}) == 2
    assert perplexities == pytest.approx({key: math.exp(value) for key, value in losses.items()})
    assert {row.chance for row in rows if row.metric == "perplexity"} == {12.0}


def test_impossible_options_are_refused_with_what_is_possible():
    assert Options(vocabulary=1).problem(20) == "vocabulary must be null or 2 to 33,278"
    assert Options(train_words=0).problem(20) == "train_words must be null or 2 to 2,088,628"
    assert Options(test_words=10**6).problem(20) == "test_words must be null or 2 to 245,569"
    assert Options(embedding=0).problem(20) == "embedding must be 1 or more"
    assert Options(validation_words=100).problem(101) == "these splits hold windows of 1 to 100 steps"
    assert Options().problem(0) == "these splits hold windows of 1 to 217,646 steps"


@needs_data
def test_the_whole_text_has_the_official_splits_and_words(monkeypatch):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    task = WordLanguageModel(35, Options())
    assert {split: end - start for split, (start, end) in task.splits.items()} == {
        "train": 2_088_627, "validation": 217_646, "test": 245_569,
    }  # fmt: skip
    assert len(task.token_T.unique()) == task.outputs == 33_278
    references = task.references()
    values = [task.chance["nats_per_word"], *references.values()]
    assert values == sorted(values, reverse=True)  # the longer the context, the better


@needs_data
def test_a_smaller_vocabulary_is_an_easier_task(monkeypatch):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    less = {"train_words": 50_000, "validation_words": 5_000, "test_words": 5_000}
    bigrams = [
        WordLanguageModel(35, Options(vocabulary=v, **less)).references()["bigram"] for v in (500, 5000)
    ]
    assert bigrams[0] < bigrams[1]
