"""Translate English into French: read a sentence, then write the other one word by word.

    input    i  see  cats  =>  je    vois  des    chats       => parts the languages, $ ends a sentence
    target                 je  vois  des   chats  $           the steps before it do not count

    >>> pairs = [(("i", "see", "cats"), ("je", "vois", "des", "chats"))]
    >>> task = Translation(9, Options(vocabulary=4), dict.fromkeys(("train", "validation", "test"), pairs))
    >>> batch, name = task.sets["train"], task.tokens.names
    >>> [name[token] for token in batch.x[0]]
    ['i', 'see', 'cats', '=>', 'je', 'vois', 'des', 'chats', '$']
    >>> [name[token] for token in batch.target[0][batch.mask_BT[0] > 0]]
    ['je', 'vois', 'des', 'chats', '$']

After Sutskever, Vinyals & Le (2014), but one network reads and writes. All that a recurrent one knows of the
sentence when it begins to write is its state after "=>"; attention looks at each word. `reverse_source` reads
the English from its last word on. Of the `length` steps, `words` are for the English, one is for "=>", the
others are for the French; longer sentences are left out, and what fills up shorter ones does not count.

Tatoeba's pairs are split by the English sentence, in lower case with marks apart, so none is in two splits,
and a fold holds out sentences. Known are the `vocabulary` most frequent words of each language in the
training, as planning must know the network's size before it has the data; all others are one unknown word.

Loss and accuracy are those of the next word after the true ones; each sentence weighs the same, and there is
no perplexity, which is no mean over sentences. On test the network also writes by itself, each time the most
probable word that it knows; BLEU, chrF and exact matches hold that against all translations. `context_use`
counts inputs of both languages: the French so far, "=>", the English. Chance: equal odds for each output.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks import _translation_methods, _translations
from rnnlimits.tasks._sentence_pairs import SentencePairs
from rnnlimits.tasks._translations import END, Pair, Words
from rnnlimits.tasks.base import Task
from rnnlimits.tasks.data import tatoeba_fra_eng

NO_WORDS = (
    2  # outputs: the end and the unknown word; so many inputs of the English: "=>" and its unknown word
)
SHORTEST = 3  # words; of shorter sentences validation or test has next to none


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    words: int | None = None  # of the longest English sentence, marks included; null: half of the steps
    vocabulary: int = 1000  # known words of each language
    pairs: int | None = None  # of the training, chosen by a checksum; null: all
    reverse_source: bool = False
    embedding: int = 32  # numbers that stand for one word

    def longest(self, length: int) -> tuple[int, int]:
        """Words of an English and of a French sentence."""
        english = length // 2 if self.words is None else self.words
        return english, length - 1 - english

    def widths(self, length: int) -> tuple[int, int]:
        of_one = NO_WORDS + self.vocabulary
        return 2 * of_one, of_one

    def asked_steps(self, length: int) -> int:
        return self.longest(length)[1] + 1

    def problem(self, length: int) -> str | None:
        pairs = 1 if self.pairs is None else self.pairs
        if min(self.vocabulary, self.embedding) < 1 or not 1 <= pairs <= tatoeba_fra_eng.PAIRS:
            return f"vocabulary and embedding must be 1 or more, pairs null or 1 to {tatoeba_fra_eng.PAIRS}"
        if min(self.longest(length)) >= SHORTEST:
            return None
        english, french = self.longest(length)
        return f"{english} English and {french} French words: {SHORTEST} or more of each, and a step between"


class Translation(SentencePairs):
    options: Options

    def __init__(self, length: int, options: Options, pairs: Mapping[str, Sequence[Pair]] | None = None):
        super().__init__(length, options)
        self.longest, self.reverse = options.longest(length), options.reverse_source
        self.pairs = pairs or _translations.of_splits(*self.longest, options.pairs)
        for split, some in self.pairs.items():
            if not some:
                raise ValueError(f"translation: no pair for {split}; take longer sentences, or fewer folds")
        self.tokens = _translations.Tokens(self.pairs["train"], options.vocabulary)
        self.sets = {split: self.sequences(some) for split, some in self.pairs.items()}

    @property
    def chance(self) -> dict[str, float]:
        return {"accuracy": 1 / self.outputs, "loss": math.log(self.outputs)}

    def source(self, english: Words) -> list[int]:
        read = self.tokens.english(english)
        return [*(read[::-1] if self.reverse else read), self.tokens.separator]

    def references(self) -> dict[str, float]:
        train, test = (
            [[*self.tokens.french(french), END] for _, french in self.pairs[split]]
            for split in ("train", "test")
        )
        return _translation_methods.accuracy_without_source(train, test)

    def fold(self, k: int, folds: int) -> Task:
        some = [*self.pairs["train"], *self.pairs["validation"]]
        return Translation(self.length, self.options, _translations.fold(some, k, folds))

    def facts(self) -> dict[str, str]:
        return tatoeba_fra_eng.facts()
