"""Is a sentence of a film review positive or negative? Pang & Lee (2005), 10,662 sentences, half of each.

    the film is not bad at all . | fills up     ->  after the sentence's own last word: positive

    >>> sentences = [_sentences.words(said, most=3) for said in ("Not a bad film .", "Bad film !")]
    >>> _sentences.encoded(sentences, training=[0, 1], most=9, length=3)
    (tensor([[1, 2, 0],
            [1, 2, 0]]), tensor([3, 3]))

Words are in lower case and split at white space; those that occur once in the training are <unk>, number 0.
Of sentences with more than `length` words the last `length` are read (`facts` says of how many). What fills
up a batch stands after a sentence's own last word, so no answer sees it.

`readout: last` answers by the state after the last word, `mean` by the mean of the states after each word. As
the read-out is linear, it is computed as the mean of the logits. Then no state has to keep what the first
words said until the end: the difference is itself about memory. The probe `context_use` sees the last k words
of the sentence with `last`; with `mean` each of the states that are averaged sees its own last k.

No split is published: line 0, 1, 2 ... of either file goes to tenth 0, 1, ... 9, 0 ...; tenths 0 to 7 are the
training, 8 validation, 9 test. Kim (2014) cross-validates over ten parts. No line is there twice; a
few pairs of lines differ in a word or two. `folds: 9` holds out one tenth after another of those before test.

The sentences are few and read many times. A network that is sure of its mistakes has a loss that rises while
more sentences are told right, so the score chooses, and the loss between equal scores.

Chance: half of the sentences are positive, so any answer without reading is right half of the time; ln 2.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks import _sentences
from rnnlimits.tasks._families import ClassOverSteps
from rnnlimits.tasks.base import Batch, Split, Task, check_split, passes
from rnnlimits.tasks.data import sentence_polarity


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    readout: Literal["last", "mean"] = "last"
    embedding: int = 32  # numbers that stand for one word
    most_folds: ClassVar = sentence_polarity.SNIPPETS // 20  # each with sentences of both kinds

    def widths(self, length: int) -> tuple[int, int]:
        return sentence_polarity.KNOWN_WORDS, 2

    def asked_steps(self, length: int) -> int:
        return 1 if self.readout == "last" else length

    def problem(self, length: int) -> str | None:
        if self.embedding < 1:
            return "embedding must be 1 or more"
        fits = 1 <= length <= sentence_polarity.LONGEST
        return None if fits else f"sentences have 1 to {sentence_polarity.LONGEST} words"


class Sentiment(ClassOverSteps):
    options: Options
    chosen_by = "score"
    finite = True
    chance: ClassVar = {"accuracy": 1 / 2, "loss": math.log(2)}

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        said, labels = zip(*sentence_polarity.read())
        self.cut = sum(len(one.split()) > length for one in said)
        self.sentences = [_sentences.words(one, length) for one in said]
        self.label_N = torch.tensor(labels)
        self.line_N = _sentences.line_of_its_class(self.label_N)
        self._read(_sentences.splits(self.line_N))

    def _read(self, rows: dict[str, Tensor]) -> None:
        """The sentences as numbers, by the words that this training knows."""
        self.rows, training = rows, rows["train"].tolist()
        self.word_NT, self.steps_N = _sentences.encoded(self.sentences, training, self.inputs, self.length)

    def _take(self, rows: Tensor) -> Batch:
        after_B1, step_T = self.steps_N[rows, None], torch.arange(self.length)
        asked_BT = step_T == after_B1 - 1 if self.options.readout == "last" else step_T < after_B1
        return Batch(self.word_NT[rows], self.label_N[rows, None].expand_as(asked_BT), asked_BT.float())

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        return (self._take(rows) for rows in passes(self.rows["train"], batch, generator))

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        check_split(split)
        if split not in self.rows:
            raise ValueError("sentiment: a fold has no test split; refit the chosen size to test it")
        return [self._take(rows) for rows in self.rows[split].split(self.options.evaluation_batch)]

    def solved(self, scores: dict[str, float]) -> bool:
        return False  # nobody knows how many of these sentences can be told at all

    def references(self) -> dict[str, float]:
        counts = _sentences.counted(self.word_NT, self.steps_N, self.inputs)
        return _sentences.accuracies(counts, self.label_N, self.rows)

    def fold(self, k: int, folds: int) -> Task:
        task = Sentiment(self.length, self.options)
        task._read(_sentences.fold(self.line_N, k, folds))
        return task

    def facts(self) -> dict[str, str]:
        cut = {f"sentences_with_more_than_{self.length}_words": f"{self.cut:,} of {len(self.label_N):,}"}
        return sentence_polarity.facts() | cut
