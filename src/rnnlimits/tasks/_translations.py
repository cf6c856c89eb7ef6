"""Sentence pairs: their words, in which split they are, and their numbers; no page of its own."""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence

from rnnlimits.tasks.data import tatoeba_fra_eng, vocabulary

Words = tuple[str, ...]
Pair = tuple[Words, Words]  # English, French
# What stands before an apostrophe, a word, or a mark.
WORD = re.compile(r"\w+['’]|[\w-]+|[^\w\s]")
UNKNOWN = "⁇"  # as a network writes a word that it does not know; no reference has it
END, SPECIAL = (
    0,
    2,
)  # the token of the end; so many come before the words: of French the end and the unknown word


def words(sentence: str) -> Words:
    """In lower case; a mark is a word, and an apostrophe ends one.

    >>> words("Je n'ai pas d'œufs !"), words("I don't.")
    (('je', "n'", 'ai', 'pas', "d'", 'œufs', '!'), ('i', "don'", 't', '.'))
    """
    return tuple(WORD.findall(sentence.lower()))


def split_of(english: Words) -> str:
    """By the words alone, so that sentences that differ in capitals or blanks cannot be in two splits."""
    return tatoeba_fra_eng.split_of(" ".join(english))


@functools.cache
def pairs() -> tuple[Pair, ...]:
    """All of them in words, each once."""
    found = ((words(english), words(french)) for english, french in tatoeba_fra_eng.pairs())
    return tuple(dict.fromkeys(found))


def of_splits(longest_english: int, longest_french: int, most: int | None) -> dict[str, list[Pair]]:
    """The pairs of each split that are short enough; at most so many of the training."""
    splits: dict[str, list[Pair]] = {"train": [], "validation": [], "test": []}
    for pair in pairs():
        if len(pair[0]) <= longest_english and len(pair[1]) <= longest_french:
            splits[split_of(pair[0])].append(pair)
    splits["train"] = in_order(splits["train"])[:most]
    return splits


def in_order(some: Iterable[Pair]) -> list[Pair]:
    """By a checksum of the English: the file has them by length, and the first would be the shortest.

    >>> [" ".join(english) for english, _ in in_order([(("run", "."), ()), (("go", "."), ())])]
    ['go .', 'run .']
    """
    return sorted(some, key=lambda pair: hashlib.sha256(" ".join(pair[0]).encode()).hexdigest())


def references_of(english: Sequence[Words]) -> list[list[Words]]:
    """Every French sentence that stands beside each of them, of whatever length."""
    all_of: dict[Words, list[Words]] = {}
    for source, french in pairs():
        all_of.setdefault(source, []).append(french)
    return [all_of[source] for source in english]


def fold(some: Iterable[Pair], k: int, folds: int) -> dict[str, list[Pair]]:
    """Fold k held out as validation; all translations of a sentence are in one fold."""
    number = {english: n for n, english in enumerate(dict.fromkeys(english for english, _ in in_order(some)))}
    splits: dict[str, list[Pair]] = {"train": [], "validation": []}
    for pair in some:
        splits["validation" if number[pair[0]] % folds == k else "train"].append(pair)
    return splits


def known(sentences: Iterable[Words], most: int) -> list[str]:
    """The most frequent words; of equally frequent ones the first of the alphabet.

    >>> known([("a", "cat"), ("the", "cat")], most=2)
    ['cat', 'a']
    """
    numbers = vocabulary.numbered(itertools.chain.from_iterable(sentences), most=most + 1)
    return [word for word in numbers if word != vocabulary.UNKNOWN]


class Tokens:
    """The `most` most frequent words of each language as numbers; the French ones are outputs, too.

    >>> tokens = Tokens([(("go", "!"), ("va", "!")), (("go", "now", "!"), ("va", "!"))], most=3)
    >>> tokens.english(("go", "away", "!")), tokens.french(("va", "!"))
    ([8, 6, 7], [3, 2])
    >>> tokens.names[:5], tokens.names[5:], tokens.words([3, 1, END, 2])
    (['$', '⁇', '!', 'va', ''], ['=>', '⁇', '!', 'go', 'now'], ('va', '⁇'))
    """

    def __init__(self, train: Sequence[Pair], most: int):
        english, french = (known((pair[side] for pair in train), most) for side in (0, 1))
        fewer = most - len(french)  # a language may have fewer words than the network has outputs for
        self.names = ["$", UNKNOWN, *french, *[""] * fewer, "=>", UNKNOWN, *english]
        self.separator = SPECIAL + most
        # The unknown word would be right nowhere, and some numbers may stand for no word.
        self.unwritten = (1, *range(SPECIAL + len(french), SPECIAL + most))
        self.number_of_french = {word: SPECIAL + n for n, word in enumerate(french)}
        self.number_of_english = {word: self.separator + SPECIAL + n for n, word in enumerate(english)}

    def english(self, sentence: Words) -> list[int]:
        return [self.number_of_english.get(word, self.separator + 1) for word in sentence]

    def french(self, sentence: Words) -> list[int]:
        return [self.number_of_french.get(word, 1) for word in sentence]

    def words(self, tokens: Iterable[int]) -> Words:
        """The French sentence, up to its end."""
        return tuple(self.names[token] for token in itertools.takewhile(lambda token: token != END, tokens))
