"""What counting n-grams predicts of a text: the yardstick of a language model."""

from __future__ import annotations

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

    probability_T = np.full(len(tokens) - test_start, 1 / symbols)
    context, bits = np.zeros(len(tokens), np.int64), {}
    for order, name in enumerate(N_GRAMS, start=1):
        gram = context * symbols + tokens
        seen = slice(order - 1, train_end)
        kinds, gram_count = np.unique(gram[seen], return_counts=True)
        contexts, context_count = np.unique(context[seen], return_counts=True)
        successors = np.unique(kinds // symbols, return_counts=True)[1]
        n_gram_T = _look_up(gram[test_start:], kinds, gram_count)
        n_context_T = _look_up(context[test_start:], contexts, context_count)
        d_context_T = _look_up(context[test_start:], contexts, successors)
        known_T = n_context_T > 0
        mixed_T = (n_gram_T + d_context_T * probability_T) / np.maximum(n_context_T + d_context_T, 1)
        probability_T = np.where(known_T, mixed_T, probability_T)
        bits[name] = float(-np.log2(probability_T).mean())
        # The next context ends one symbol earlier.  Numbered anew, since five words as the digits of one
        # number would not fit into 64 bits.
        context = np.roll(np.unique(gram, return_inverse=True)[1], 1)
    return bits


def _look_up(keys: np.ndarray, known: np.ndarray, counts: np.ndarray) -> np.ndarray:
    import numpy as np

    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, counts[place], 0)
