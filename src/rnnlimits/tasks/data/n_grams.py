"""What counting n-grams predicts of a text: the yardstick of a language model.

Shape letters: T places of the text, those that are judged where so said; K kinds of n-grams.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

N_GRAMS = ("unigram", "bigram", "trigram", "four_gram", "five_gram")


def n_gram_bits(tokens: np.ndarray, train_end: int, test_start: int, symbols: int) -> dict[str, float]:
    """Bits per symbol, on tokens[test_start:], of n-gram models counted on tokens[:train_end].

    Witten & Bell (1991), as interpolation: a context c, seen N(c) times with D(c) different successors, gives
        P(s | c) = (N(c s) + D(c) P(s | c without its oldest symbol)) / (N(c) + D(c)),
    down to the uniform guess. No weight is tuned. The first symbols of the test split see what precedes them.

    After "aabaab", N(a) = 4, N(b) = 2 and D() = 2, so the unigram P(a) = (4 + 2 * 1/2) / (6 + 2) = 0.625:
    >>> import numpy as np
    >>> bits = n_gram_bits(np.array([0, 0, 1, 0, 0, 1, 0]), train_end=6, test_start=6, symbols=2)
    >>> round(2 ** -bits["unigram"], 6)
    0.625
    """
    import numpy as np

    probability_T, bits = np.full(len(tokens) - test_start, 1 / symbols), {}
    for order, (gram, context) in enumerate(_grams(tokens, symbols)):
        seen = slice(order, train_end)
        kinds, gram_count = np.unique(gram[seen], return_counts=True)
        contexts, context_count = np.unique(context[seen], return_counts=True)
        successors = np.unique(kinds // symbols, return_counts=True)[1]
        n_gram_T = _look_up(gram[test_start:], kinds, gram_count)
        n_context_T = _look_up(context[test_start:], contexts, context_count)
        d_context_T = _look_up(context[test_start:], contexts, successors)
        known_T = n_context_T > 0
        mixed_T = (n_gram_T + d_context_T * probability_T) / np.maximum(n_context_T + d_context_T, 1)
        probability_T = np.where(known_T, mixed_T, probability_T)
        bits[N_GRAMS[order]] = float(-np.log2(probability_T).mean())
    return bits


def kneser_ney_bits(tokens: np.ndarray, train_end: int, test_start: int, symbols: int) -> dict[str, float]:
    """The same of models that are better where symbols are many and rare: interpolated Kneser-Ney.

    Chen & Goodman (1998), An empirical study of smoothing techniques for language modeling, section 2.7:
        P(s | c) = (max(N(c s) - d, 0) + d D(c) P'(s | c without its oldest symbol)) / N(c),
    where P' counts, for N(c s), the different symbols that precede c s, and so on down to the uniform guess.
    d = n1 / (n1 + 2 n2) of each order, with n1, n2 kinds that are counted once, twice: nothing is tuned.

    After "aabaab", n1 = 0 gives d = 0, so the unigram P(a) = 4 / 6:
    >>> import numpy as np
    >>> bits = kneser_ney_bits(np.array([0, 0, 1, 0, 0, 1, 0]), train_end=6, test_start=6, symbols=2)
    >>> round(2 ** -bits["unigram"], 6)
    0.666667
    """
    import numpy as np

    grams = list(_grams(tokens, symbols))
    lower_T, bits = np.full(len(tokens) - test_start, 1 / symbols), {}
    for order, (gram, context) in enumerate(grams):
        asked = gram[test_start:], context[test_start:]
        counted = np.unique(gram[order:train_end], return_counts=True)
        probability_T = _discounted(*counted, *asked, lower_T, symbols)
        bits[N_GRAMS[order]] = float(-np.log2(probability_T).mean())
        if order + 1 < len(grams):
            # Each kind that is longer by one symbol before counts its end once.
            places = np.unique(grams[order + 1][0][order + 1 : train_end], return_index=True)[1] + order + 1
            lower_T = _discounted(*np.unique(gram[places], return_counts=True), *asked, lower_T, symbols)
    return bits


def _discounted(
    kind_K: np.ndarray, count_K: np.ndarray, gram_T: np.ndarray, context_T: np.ndarray, lower_T: np.ndarray,
    symbols: int,
) -> np.ndarray:  # fmt: skip
    """Probabilities by counts that are each made smaller by d; what that frees goes by `lower_T`."""
    import numpy as np

    once, twice = (count_K == 1).sum(), (count_K == 2).sum()
    discount = once / max(once + 2 * twice, 1)
    contexts, of_K = np.unique(kind_K // symbols, return_inverse=True)
    n_T = _look_up(context_T, contexts, np.bincount(of_K, count_K))
    d_T = _look_up(context_T, contexts, np.bincount(of_K))
    kept_T = np.maximum(_look_up(gram_T, kind_K, count_K) - discount, 0)
    return np.where(n_T > 0, (kept_T + discount * d_T * lower_T) / np.maximum(n_T, 1), lower_T)


def _grams(tokens: np.ndarray, symbols: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each order, which n-gram ends at each place, and which context that has: gram // symbols."""
    import numpy as np

    context = np.zeros(len(tokens), np.int64)
    for _ in N_GRAMS:
        gram = context * symbols + tokens
        yield gram, context
        # The next context ends one symbol earlier.  Numbered anew, since five words as the digits of one
        # number would not fit into 64 bits.
        context = np.roll(np.unique(gram, return_inverse=True)[1], 1)


def _look_up(keys: np.ndarray, known: np.ndarray, counts: np.ndarray) -> np.ndarray:
    import numpy as np

    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, counts[place], 0)
