"""Sentences and their translations: which are in which split, what counts, how a translation is judged."""

import math
import os
import random
from collections import Counter
from pathlib import Path

import pytest
import sacrebleu
import torch

from rnnlimits.tasks import _translation_methods, _translation_scores, _translations
from rnnlimits.tasks._translations import END
from rnnlimits.tasks.base import generator
from rnnlimits.tasks.data import downloads, tatoeba_fra_eng
from rnnlimits.tasks.translation import Options, Translation
from rnnlimits.training import protocol
from support import pretend_data
from support.repository_copy import ROOT
from support.small_shards import BUDGET, a_job, a_shard

REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or ROOT.parent / "shared" / "data")
PLACE = tatoeba_fra_eng.PUBLISHED.places[0]
needs_data = pytest.mark.skipif(
    not (REAL_DATA / PLACE).is_file(),
    reason=f"no {PLACE} in {REAL_DATA}; name a folder that has it in {downloads.DATA_VARIABLE}",
)
SPLITS = ("train", "validation", "test")


@pytest.fixture
def pretended(monkeypatch) -> tuple[_translations.Pair, ...]:
    return pretend_data.translations(monkeypatch)


@pytest.fixture
def real(monkeypatch) -> None:
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))


def build(length: int = 13, **options) -> Translation:
    return Translation(length, Options(**{"vocabulary": 40, **options}))


def english_of(task: Translation) -> dict[str, set[tuple[str, ...]]]:
    return {split: {english for english, _ in some} for split, some in task.pairs.items()}


def test_the_french_is_asked_from_the_separator_to_its_end_and_nothing_else(pretended):
    task = build()
    for row, (english, french) in enumerate(task.pairs["test"]):
        x_T, target_T, mask_T = (
            part[row] for part in (task.sets["test"].x, task.sets["test"].target, task.sets["test"].mask_BT)
        )
        whole = [*task.tokens.english(english), task.tokens.separator, *task.tokens.french(french)]
        assert x_T[: len(whole)].tolist() == whole
        asked = mask_T.nonzero().flatten()
        assert asked.tolist() == list(range(len(english), len(english) + len(french) + 1))
        assert x_T[asked[0]] == task.tokens.separator
        assert target_T[asked].tolist() == [*task.tokens.french(french), END]
        assert task.tokens.words(target_T[asked].tolist()) == french


def test_a_reversed_sentence_has_the_same_words_and_the_same_answer(pretended):
    task, reversed_ = build(), build(reverse_source=True)
    for english in task.sentences("test"):
        assert reversed_.source(english) == [*task.source(english)[-2::-1], task.tokens.separator]
    assert torch.equal(task.sets["test"].target, reversed_.sets["test"].target)


@pytest.mark.parametrize("folds", [2, 5])
def test_a_fold_holds_out_whole_sentences_and_never_sees_the_test(pretended, folds):
    task, held = build(), []
    for k in range(folds):
        fold = task.fold(k, folds)
        train, validation = (english_of(fold)[split] for split in ("train", "validation"))
        assert not train & validation
        assert not (train | validation) & english_of(task)["test"]
        held += validation
        with pytest.raises(ValueError, match="a fold has no test split; refit"):
            fold.evaluation("test", 1, generator(0, "test"))
    assert sorted(held) == sorted(english_of(task)["train"] | english_of(task)["validation"])


def test_a_fold_that_leaves_nothing_is_refused_in_one_line(pretended):
    with pytest.raises(ValueError, match=r"^translation: no pair for validation; .* or fewer folds$"):
        build().fold(4_999, 5_000)


def test_known_are_the_most_frequent_words_of_the_training_and_of_no_other_split(pretended):
    task = build(vocabulary=10)
    for side, known in enumerate((task.tokens.number_of_english, task.tokens.number_of_french)):
        counts = Counter(word for pair in task.pairs["train"] for word in pair[side])
        assert sorted(counts[word] for word in known) == sorted(counts.values())[-10:]
    assert len(task.tokens.names) == task.inputs
    assert int(max(part.x.max() for part in task.sets.values())) < task.inputs
    assert int(max(part.target.max() for part in task.sets.values())) < task.outputs


def test_fewer_pairs_are_a_part_of_more(pretended):
    few, more = (build(pairs=pairs).pairs for pairs in (20, 200))
    assert (len(few["train"]), len(more["train"])) == (20, 200)
    assert set(few["train"]) < set(more["train"])
    assert few["test"] == more["test"]


def test_equal_odds_for_each_output_are_chance(pretended):
    task = build()
    batch = task.sets["test"]
    scores = task.scores(torch.zeros(*batch.x.shape, task.outputs), batch)
    assert scores["loss"].mean().item() == pytest.approx(task.chance["loss"]) == math.log(42)


def test_who_writes_what_stands_beside_a_sentence_has_all_points(pretended):
    task = build()
    beside = dict(task.pairs["test"])
    answers, rest = [], iter(task.sentences("test"))
    for prompts in task.prompts("test"):
        some = [[*task.tokens.french(beside[next(rest)]), END] for _ in prompts.x_BT]
        answers.append(torch.tensor([row + [7] * (9 - len(row)) for row in some]))  # after the end: nothing
    scores = task.judge("test", answers)
    assert scores.keys() <= task.judged_units.keys()
    assert scores["exact_match"] == scores["exact_match_4_words"] == 1
    assert scores["bleu"] == pytest.approx(100)
    assert scores["chrf"] == pytest.approx(100)
    assert scores["bleu_5_words"] == pytest.approx(100)
    nothing = task.judge("test", [torch.full_like(rows, END) for rows in answers])
    assert set(nothing.values()) == {0.0}


def test_an_unknown_word_is_right_nowhere():
    written, right = ("je", _translations.UNKNOWN, "!"), ("je", "pars", "!")
    found = _translation_scores.scores([written], [[right]])
    assert found["exact_match"] == 0
    assert found["chrf"] < _translation_scores.scores([("je", "part", "!")], [[right]])["chrf"]


def test_bleu_and_chrf_are_those_of_sacrebleu():
    noise = random.Random(1)

    def sentence(most: int = 9) -> tuple[str, ...]:
        return tuple(
            noise.choice(["je", "suis", "n'", "là", "été", "."]) for _ in range(noise.randint(1, most))
        )

    references = [[sentence() for _ in range(noise.randint(1, 4))] for _ in range(200)]
    written = [noise.choice([noise.choice(some), sentence(), sentence(), ()]) for some in references]
    ours = _translation_scores.scores(written, references)
    hypotheses = [" ".join(sentence) for sentence in written]
    streams = [  # sacrebleu wants the first reference of all, then the second of those that have one ...
        [" ".join(some[number]) if number < len(some) else None for some in references] for number in range(4)
    ]
    bleu = sacrebleu.corpus_bleu(hypotheses, streams, smooth_method="none", tokenize="none", force=True)
    assert 5 < bleu.score < 95
    assert ours["bleu"] == pytest.approx(bleu.score, abs=1e-3)
    assert ours["chrf"] == pytest.approx(sacrebleu.corpus_chrf(hypotheses, streams).score, abs=1e-6)


def test_the_first_model_of_brown_et_al_is_that_of_a_plain_loop():
    train = [
        (("the", "house"), ("la", "maison")),
        (("the", "book"), ("le", "livre")),
        (("a", "book"), ("un", "livre", "livre")),
    ]
    t = {}
    for _ in range(_translation_methods.ROUNDS):
        count: dict[tuple[str, str], float] = {}
        for english, french in train:
            for f in french:
                sources = (*english, _translation_methods.NOTHING)
                whole = sum(t.get((e, f), 1.0) for e in sources)
                for e in sources:
                    count[e, f] = count.get((e, f), 0) + t.get((e, f), 1.0) / whole
        of = {e: sum(value for (one, _), value in count.items() if one == e) for e, _ in count}
        t = {(e, f): value / of[e] for (e, f), value in count.items()}
    (english, french), couples, probabilities = _translation_methods.model_1(train)
    found = {(english[e], french[f]): p for (e, f), p in zip(couples.tolist(), probabilities.tolist())}
    assert found == pytest.approx(t)
    assert t["book", "livre"] > max(t["book", "le"], t["book", "un"])
    assert _translation_methods.word_for_word(train, [("book", "!")]) == [("livre",)]


@pytest.mark.parametrize(
    ("options", "length", "said"),
    [
        ({"words": 2}, 20, "2 English and 17 French words: 3 or more of each"),
        ({"words": 17}, 20, "17 English and 2 French words: 3 or more of each"),
        ({"vocabulary": 0}, 20, "vocabulary and embedding must be 1 or more"),
        ({"pairs": 0}, 20, "pairs null or 1 to 142787"),
        ({"words": 10}, 14, None),
    ],
)
def test_an_impossible_length_or_option_is_refused_by_the_plan(options, length, said):
    found = Options(**options).problem(length)
    assert found is None if said is None else said in found


def test_the_rows_of_a_training_have_what_the_network_writes_and_what_other_methods_do(pretended):
    budget = BUDGET | {"updates": 4}
    shard = a_shard("gru", "translation", 13, seeds=2, budget=budget, task_options={"vocabulary": 40})
    rows, _ = protocol.run(a_job(shard))
    written = {row.metric: row.unit for row in rows if row.split == "test" and "bleu" in row.metric}
    assert written == dict.fromkeys(["bleu", *(f"bleu_{n}_words" for n in (4, 5, 6))], "points of 100")
    assert {row.seed for row in rows if row.metric == "bleu"} == {0, 1}
    assert {row.split for row in rows if row.metric in ("bleu", "chrf", "exact_match")} == {"test"}
    beside = {row.metric: row for row in rows if row.split == "reference"}
    assert {"reference_unigram", "reference_bigram", "chrf_of_nearest_sentence"} < beside.keys()
    assert beside["reference_unigram"].unit == beside["exact_match_of_word_for_word"].unit == "share"
    assert beside["bleu_of_word_for_word"].unit == "points of 100"
    # Each of these words has one translation, but many sentences are written in the other order.
    assert beside["chrf_of_word_for_word"].value > beside["chrf_of_most_frequent_sentence"].value


@needs_data
def test_no_english_sentence_of_one_split_is_in_another_whatever_its_capitals_and_blanks(real):
    seen: dict[str, str] = {}
    for english, _ in tatoeba_fra_eng.pairs():
        split = _translations.split_of(_translations.words(english))
        assert seen.setdefault(" ".join(english.lower().split()), split) == split
    sizes = Counter(seen.values())
    assert sum(sizes.values()) == pytest.approx(tatoeba_fra_eng.ENGLISH_SENTENCES, abs=5)
    assert 0.019 < sizes["test"] / sum(sizes.values()) < 0.021
    english = english_of(Translation(13, Options(words=6)))
    assert not english["train"] & english["validation"]
    assert not english["train"] & english["test"]
    assert not english["validation"] & english["test"]


@needs_data
def test_the_shortest_that_the_plan_allows_has_sentences_in_every_split(real):
    assert Options().problem(6)
    task = Translation(7, Options())
    assert all(len(some) >= 3 for some in task.pairs.values())


@needs_data
def test_a_network_learns_from_the_published_sentences(real):
    budget = BUDGET | {"updates": 60, "batch_size": 32, "validate_every": 60, "clip_norm": 1.0}
    options = {"vocabulary": 50, "pairs": 2_000, "words": 4, "embedding": 8}
    shard = a_shard("gru", "translation", 10, hidden_size=16, seeds=1, budget=budget, task_options=options)
    rows, _ = protocol.run(a_job(shard))
    losses = [row.value for row in rows if (row.metric, row.split) == ("loss", "validation")]
    assert losses[-1] < losses[0]
    assert losses[0] == pytest.approx(math.log(52), rel=0.1)
