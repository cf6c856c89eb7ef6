"""Translations without a network, learnt from the pairs of the training; no page of its own."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Words = tuple[str, ...]
Pair = tuple[Words, Words]  # English, French
ROUNDS = 5  # of expectation and maximisation
MOST_PAIRS = 50_000  # of which the probabilities are learnt: more would need gigabytes
NOTHING = ""  # the English word from which French words come that no other explains


def most_frequent(train: Sequence[Pair], english: Sequence[Words]) -> list[Words]:
    """For each the French sentence that is the most frequent one; of equally frequent ones the first."""
    return [Counter(french for _, french in train).most_common(1)[0][0]] * len(english)


def nearest(train: Sequence[Pair], english: Sequence[Words]) -> list[Words]:
    """For each the translation of the English sentence of the training that is most like it.

    Like: the cosine of the counts of words and of pairs of words, each weighed by how rare it is (tf-idf).

    >>> train = [(("i", "see", "a", "cat"), ("je", "vois", "un", "chat")), (("go", "!"), ("va", "!"))]
    >>> nearest(train, [("a", "cat", "!")])
    [('je', 'vois', 'un', 'chat')]
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    counted = TfidfVectorizer(analyzer=words_and_pairs)
    known_NF = counted.fit_transform([source for source, _ in train])
    like_MN = counted.transform(english) @ known_NF.T
    return [train[row.toarray().argmax()][1] for row in like_MN]


def words_and_pairs(sentence: Words) -> list[str]:
    return [*sentence, *(f"{one} {other}" for one, other in itertools.pairwise(sentence))]


def word_for_word(train: Sequence[Pair], english: Sequence[Words]) -> list[Words]:
    """Each word by the French one that it most probably becomes, in the English order; unknown ones left out.

    The probabilities t(f | e) are those of model 1 of Brown, Della Pietra, Della Pietra & Mercer (1993), The
    Mathematics of Statistical Machine Translation: each French word of a pair comes from one of its English
    words or from none, all equally probable before the words are seen.

    >>> train = [(("a", "dog"), ("un", "chien")), (("a", "cat"), ("un", "chat")), (("dog",), ("chien",))]
    >>> word_for_word(train, [("a", "cat", "sat")])
    [('un', 'chat')]
    """
    (english_words, french_words), couple_K2, probability_K = model_1(train[:MOST_PAIRS])
    best: dict[str, tuple[float, str]] = {}
    for (e, f), probability in zip(couple_K2.tolist(), probability_K.tolist()):
        entry = probability, french_words[f]
        best[english_words[e]] = max(best.get(english_words[e], entry), entry)
    return [tuple(best[word][1] for word in source if word in best) for source in english]


def model_1(train: Sequence[Pair]) -> tuple[list[list[str]], np.ndarray, np.ndarray]:
    """The words of both languages, the numbers e and f of those that share a pair, and their t(f | e)."""
    import numpy as np

    named = [sorted({word for pair in train for word in (*pair[side], NOTHING)}) for side in (0, 1)]
    number = [{word: n for n, word in enumerate(words)} for words in named]
    couples, places, place = (
        [],
        [],
        0,
    )  # a place is a French word of a pair, which comes from one of its couples
    for english, french in train:
        e_E = np.array([number[0][word] for word in (*english, NOTHING)])
        f_F = np.array([number[1][word] for word in french])
        couples.append((e_E * len(named[1]) + f_F[:, None]).ravel())
        places.append(np.repeat(place + np.arange(len(f_F)), len(e_E)))
        place += len(f_F)
    place_N = np.concatenate(places)
    couple_K, kind_N = np.unique(np.concatenate(couples), return_inverse=True)
    couple_K2 = np.stack(np.divmod(couple_K, len(named[1])), axis=1)
    probability_K = np.ones(len(couple_K))
    for _ in range(ROUNDS):
        share_N = probability_K[kind_N] / np.bincount(place_N, probability_K[kind_N])[place_N]
        count_K = np.bincount(kind_N, share_N)
        probability_K = count_K / np.bincount(couple_K2[:, 0], count_K)[couple_K2[:, 0]]
    return named, couple_K2, probability_K


METHODS = {
    "most_frequent_sentence": most_frequent, "word_for_word": word_for_word, "nearest_sentence": nearest,
}  # fmt: skip


def accuracy_without_source(
    train: Sequence[Sequence[int]], test: Sequence[Sequence[int]]
) -> dict[str, float]:
    """Right next words, a mean over sentences, of what never reads the source: always the most frequent word,
    or the most frequent one after the word before it.

    >>> accuracy_without_source([[1, 0], [1, 2, 0], [2, 0]], [[1, 0], [2, 0]])
    {'unigram': 0.5, 'bigram': 0.75}
    """
    unigram = Counter(word for sentence in train for word in sentence)
    after: dict[int | None, Counter[int]] = {}
    for sentence in train:
        for before, word in zip((None, *sentence), sentence):
            after.setdefault(before, Counter())[word] += 1
    always = unigram.most_common(1)[0][0]
    then = {before: counts.most_common(1)[0][0] for before, counts in after.items()}
    shares: dict[str, list[float]] = {"unigram": [], "bigram": []}
    for sentence in test:
        bigram = [then.get(before, always) == word for before, word in zip((None, *sentence), sentence)]
        shares["unigram"].append(sum(word == always for word in sentence) / len(sentence))
        shares["bigram"].append(sum(bigram) / len(sentence))
    return {name: sum(of_each) / len(of_each) for name, of_each in shares.items()}
