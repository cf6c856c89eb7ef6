"""Tasks that read a sentence and then write another one; no page of its own.

Their next words are told and scored as in any task.  Then the network writes by itself (`prompts`), and what
it wrote is judged against all sentences that would be right (`judge`).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from rnnlimits.tasks import _translation_methods, _translation_scores, _translations
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks._translations import END, Pair, Tokens, Words
from rnnlimits.tasks.base import Batch, Prompts, Split, check_split, passes

# Shape letters: N sequences, T time steps.


class SentencePairs(ClassAtEachStep):
    """A page gives the pairs of its splits, their tokens, and what is read before a sentence is written."""

    pairs: Mapping[str, Sequence[Pair]]
    tokens: Tokens
    longest: tuple[int, int]  # words of an English and of a French sentence
    sets: Mapping[str, Batch]  # the sequences of each split, all at once
    finite = True

    def source(self, english: Words) -> list[int]:
        raise NotImplementedError

    def sequences(self, pairs: Sequence[Pair]) -> Batch:
        x_NT, target_NT = torch.full((2, len(pairs), self.length), END)
        mask_NT = torch.zeros(len(pairs), self.length)
        for row, (english, french) in enumerate(pairs):
            read, written = self.source(english), self.tokens.french(french)
            asked = slice(len(read) - 1, len(read) + len(written))
            x_NT[row, : asked.stop] = torch.tensor(read + written)
            target_NT[row, asked] = torch.tensor([*written, END])
            mask_NT[row, asked] = 1
        return Batch(x_NT, target_NT, mask_NT)

    def taken(self, split: str, rows: Tensor) -> Batch:
        whole = self.sets[split]
        assert whole.mask_BT is not None
        return Batch(whole.x[rows], whole.target[rows], whole.mask_BT[rows])

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        rows = torch.arange(len(self.pairs["train"]))
        return (self.taken("train", some) for some in passes(rows, batch, generator))

    def evaluation(self, split: Split, sequences: int, generator: torch.Generator) -> list[Batch]:
        rows = torch.arange(len(self.judged(split)))
        return [self.taken(split, some) for some in rows.split(self.options.evaluation_batch)]

    def solved(self, scores: dict[str, float]) -> bool:
        return False  # a language is never learnt to the end

    def judged(self, split: Split) -> Sequence[Pair]:
        """The pairs of validation or test."""
        check_split(split)
        if split not in self.pairs:
            raise ValueError(f"{self.__module__}: a fold has no test split; refit the chosen size to test it")
        return self.pairs[split]

    def sentences(self, split: Split) -> list[Words]:
        """The English ones, each once, the shortest first."""
        return sorted({english for english, _ in self.judged(split)}, key=lambda words: (len(words), words))

    def prompts(self, split: Split) -> list[Prompts]:
        return [
            Prompts(
                torch.tensor([self.source(english) for english in some]),
                END,
                self.longest[1],
                self.tokens.unwritten,
            )
            for _, some in itertools.groupby(self.sentences(split), key=len)
        ]

    def judge(self, split: Split, answers: Sequence[Tensor]) -> dict[str, float]:
        english = self.sentences(split)
        written = [self.tokens.words(row) for rows in answers for row in rows.tolist()]
        references = _translations.references_of(english)
        whole = _translation_scores.scores(written, references)
        return whole | _translation_scores.by_words(english, written, references)

    @property
    def judged_units(self) -> dict[str, str]:
        of_length = range(1, self.longest[0] + 1)
        units = _translation_scores.UNITS
        return units | {f"{metric}_{n}_words": unit for metric, unit in units.items() for n in of_length}

    def judged_references(self) -> dict[str, dict[str, float]]:
        english = self.sentences("test")
        references = _translations.references_of(english)
        return {
            name: _translation_scores.scores(method(self.pairs["train"], english), references)
            for name, method in _translation_methods.METHODS.items()
        }
