"""Sentences of films: who reads which, where they end, and what a bag of their words is worth."""

import math
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnlimits.probes.context_use import Options as ContextUse
from rnnlimits.probes.context_use import measure
from rnnlimits.tasks.base import Batch, generator
from rnnlimits.tasks.data import downloads, sentence_polarity
from rnnlimits.tasks.sentiment import Options, Sentiment
from rnnlimits.training import protocol
from support import pretend_data
from support.probe_models import a_model, curve, scalars
from support.repository_copy import ROOT
from support.small_shards import BUDGET, a_job, a_shard

REAL_DATA = Path(os.environ.get(downloads.DATA_VARIABLE) or ROOT.parent / "shared" / "data")
PLACE = sentence_polarity.PUBLISHED.places[0]
needs_data = pytest.mark.skipif(
    not (REAL_DATA / PLACE).is_file(),
    reason=f"no {PLACE} in {REAL_DATA}; name a folder that has it in {downloads.DATA_VARIABLE}",
)
READOUTS = ("last", "mean")


@pytest.fixture
def said(monkeypatch) -> list[tuple[str, int]]:
    return pretend_data.sentences(monkeypatch)


@pytest.fixture
def real(monkeypatch) -> Sentiment:
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    return Sentiment(sentence_polarity.LONGEST, Options())


def build(length: int = 64, **options) -> Sentiment:
    return Sentiment(length, Options(**{"embedding": 5, **options}))


def whole(task: Sentiment, split: str) -> Batch:
    batches = task.evaluation(split, 1, generator(0, split))
    return Batch(*(torch.cat([getattr(one, part) for one in batches]) for part in ("x", "target", "mask_BT")))


def test_of_ten_lines_of_a_file_eight_train_one_validates_and_one_tests(said):
    task = build()
    for split, tenths in (("train", range(8)), ("validation", [8]), ("test", [9])):
        expected = [row for row in range(300) if row % 150 % 10 in tenths]
        assert task.rows[split].tolist() == expected
    assert whole(task, "test").target[:, 0].tolist() == [said[row][1] for row in task.rows["test"]]


@pytest.mark.parametrize("folds", [2, 5, 9])
def test_folds_hold_out_each_line_before_test_once_and_learn_from_the_others(said, folds):
    learnable = {row for row in range(300) if row % 10 != 9}
    held = []
    for k in range(folds):
        fold = build().fold(k, folds)
        train, held_out = (set(fold.rows[split].tolist()) for split in ("train", "validation"))
        assert train == learnable - held_out
        assert abs(2 * sum(fold.label_N[list(held_out)].tolist()) - len(held_out)) <= 2
        held += sorted(held_out)
        with pytest.raises(ValueError, match="a fold has no test split; refit"):
            fold.evaluation("test", 1, generator(0, "test"))
        if folds == 9:
            assert {row % 10 for row in held_out} == {k}
    assert sorted(held) == sorted(learnable)


@pytest.mark.parametrize("length", [3, 20, 64])
def test_a_word_has_a_number_if_the_training_has_it_twice_and_the_last_words_are_read(said, length):
    task = build(length)
    cut = [sentence.split()[-length:] for sentence, _ in said]
    counts = Counter(word for row in task.rows["train"].tolist() for word in cut[row])
    known = {word for word, count in counts.items() if count >= 2}
    number_of = {}
    for row, words in enumerate(cut):
        for word, number in zip(words, task.word_NT[row].tolist()):
            assert (number != 0) == (word in known)
            assert number == 0 or number_of.setdefault(word, number) == number
    assert len(set(number_of.values())) == len(number_of)
    assert task.steps_N.tolist() == [len(words) for words in cut]
    longer = sum(len(sentence.split()) > length for sentence, _ in said)
    assert task.facts()[f"sentences_with_more_than_{length}_words"] == f"{longer} of 300"


def test_a_fold_knows_the_words_of_its_own_training(monkeypatch):
    lines = [("good film" if row % 10 else "good awful film awful", row // 20) for row in range(40)]
    monkeypatch.setattr(sentence_polarity, "read", lambda: lines)
    monkeypatch.setattr(sentence_polarity, "KNOWN_WORDS", 4)
    assert build(4).fold(1, 9).word_NT[0].tolist() == [2, 3, 1, 3]
    assert build(4).fold(0, 9).word_NT[0].tolist() == [2, 0, 1, 0]  # "awful" is held out


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("architecture", ["gru", "temporal_convolution", "attention"])
def test_what_fills_up_a_batch_changes_no_answer(said, architecture, readout):
    task = build(readout=readout)
    model, batch = a_model(architecture, task), whole(task, "validation")
    scores = task.scores(model(batch.x)[0], batch)
    for row, steps in enumerate(task.steps_N[task.rows["validation"]].tolist()):
        output = model(batch.x[row : row + 1, :steps])[0]
        logit_O = output[0, -1] if readout == "last" else output[0].mean(0)
        loss = torch.nn.functional.cross_entropy(logit_O, batch.target[row, 0])
        torch.testing.assert_close(scores["loss"][row], loss)
        assert scores["accuracy"][row] == (logit_O.argmax() == batch.target[row, 0])


def test_the_mean_of_the_logits_is_the_logit_of_the_mean_state(said):
    task = build(readout="mean")
    model, batch = a_model("gru", task), whole(task, "validation")
    y_BTH, _ = model.architecture(model.encoder(batch.x))
    mean_BH = (y_BTH * batch.mask_BT[..., None]).sum(1) / batch.mask_BT.sum(1, keepdim=True)
    loss_B = torch.nn.functional.cross_entropy(model.readout(mean_BH), batch.target[:, 0], reduction="none")
    torch.testing.assert_close(task.loss_N(model(batch.x)[0], batch), loss_B)


def test_the_probe_sees_a_sentence_as_if_it_began_with_its_last_words(said):
    task = build()
    model, batch = a_model("gru", task, hidden=6, seed=3), whole(task, "validation")
    found = measure(model, task, ContextUse(sequences=len(batch.x)), generator(0, "probe"))
    for lag, score in curve(found, "context_score").items():
        right = []
        for row, steps in enumerate(task.steps_N[task.rows["validation"]].tolist()):
            seen = batch.x[row : row + 1, max(0, steps - lag - 1) : steps]
            right.append(float(model(seen)[0][0, -1].argmax() == batch.target[row, 0]))
        assert score == pytest.approx(sum(right) / len(right), abs=1e-12)
    assert scalars(found)["context_score_chance"] == 0.5


def test_with_the_mean_each_of_its_states_sees_its_own_last_words(said):
    task = build(readout="mean")
    model, batch = a_model("gru", task, hidden=6, seed=3), whole(task, "validation")
    found = measure(model, task, ContextUse(sequences=len(batch.x)), generator(0, "probe"))
    right = []
    for row, steps in enumerate(task.steps_N[task.rows["validation"]].tolist()):
        logits = [model(batch.x[row : row + 1, max(0, t - 3) : t + 1])[0][0, -1] for t in range(steps)]
        right.append(float(torch.stack(logits).mean(0).argmax() == batch.target[row, 0]))
    assert curve(found, "context_score")[3] == pytest.approx(sum(right) / len(right), abs=1e-12)


def test_knowing_nothing_is_right_half_of_the_time(said):
    task = build()
    batch = whole(task, "test")
    scores = task.scores(torch.zeros(len(batch.x), 64, 2), batch)
    assert scores["loss"].mean().item() == pytest.approx(task.chance["loss"]) == math.log(2)
    assert scores["accuracy"].mean().item() == task.chance["accuracy"] == 0.5


def test_a_sentence_that_is_longer_than_all_is_refused():
    assert Options().problem(59) is None
    assert Options().problem(60) == "sentences have 1 to 59 words"
    assert Options(embedding=0).problem(10) == "embedding must be 1 or more"


@needs_data
def test_no_sentence_of_one_split_is_in_another_and_half_of_each_is_positive(real):
    sentences = [" ".join(words) for words in real.sentences]
    parts = {split: {sentences[row] for row in rows.tolist()} for split, rows in real.rows.items()}
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 8530, "validation": 1066, "test": 1066,
    }  # fmt: skip
    assert len(set.union(*parts.values())) == sentence_polarity.SNIPPETS
    assert {real.label_N[rows].double().mean().item() for rows in real.rows.values()} == {0.5}
    assert sentences == [" ".join(sentence.lower().split()) for sentence, _ in sentence_polarity.read()]


@needs_data
def test_in_as_many_folds_as_are_allowed_each_has_sentences_of_both_kinds(real):
    most = Options().most_folds
    for k in (0, most // 2, most - 1):
        held_out = real.fold(k, most).rows["validation"]
        assert real.label_N[held_out].bincount(minlength=2).min() >= 1


@needs_data
def test_planning_is_told_how_many_words_the_training_knows(real):
    assert int(real.word_NT[real.rows["train"]].max()) + 1 == sentence_polarity.KNOWN_WORDS == real.inputs
    assert int(real.steps_N.max()) == sentence_polarity.LONGEST


@needs_data
def test_naive_bayes_is_what_counting_words_gives(real):
    """In a few lines, from the lines of the files."""
    lines = [(line.split(), label) for line, label in sentence_polarity.read()]
    tenth = [row % (len(lines) // 2) % 10 for row in range(len(lines))]
    train = [line for line, part in zip(lines, tenth) if part < 8]
    total = Counter(word for words, _ in train for word in words)
    known = {word for word, count in total.items() if count >= 2} | {"?"}
    counts = [Counter(), Counter()]
    for words, label in train:
        counts[label].update(word if word in known else "?" for word in words)
    sizes = [sum(one.values()) + len(known) for one in counts]
    right = []
    for words, label in (line for line, part in zip(lines, tenth) if part == 9):
        read = [word if word in known else "?" for word in words]
        negative, positive = (
            sum(np.log((one[word] + 1) / size) for word in read) for one, size in zip(counts, sizes)
        )
        right.append((positive > negative) == label)
    references = real.references()
    assert references["naive_bayes"] == pytest.approx(np.mean(right), abs=5e-4)
    assert references["majority"] == 0.5
    assert set(references) == {"majority", "naive_bayes", "logistic_regression"}
    assert 0.7 < references["logistic_regression"] < 0.8


@needs_data
def test_a_network_learns_from_the_published_sentences_and_stands_beside_the_references(monkeypatch):
    monkeypatch.setenv(downloads.DATA_VARIABLE, str(REAL_DATA))
    budget = BUDGET | {"updates": 200, "batch_size": 32, "validate_every": 200, "clip_norm": 1.0}
    options = {"embedding": 8, "readout": "mean"}
    shard = a_shard("gru", "sentiment", 30, seeds=1, budget=budget, task_options=options)
    rows, _ = protocol.run(a_job(shard))
    of_metric = [row for row in rows if row.metric == "loss" and row.split == "validation"]
    assert min(row.value for row in of_metric) < math.log(2)
    assert {row.metric for row in rows if row.split == "reference"} == {
        f"reference_{name}" for name in ("majority", "naive_bayes", "logistic_regression")
    }
