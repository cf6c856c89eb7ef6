"""Words as numbers: 0 is every word that is not known, the others are numbered by how often they occur."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

UNKNOWN = "<unk>"


def numbered(words: Iterable[str], least: int = 1, most: int | None = None) -> dict[str, int]:
    """Word -> its number, of those that occur `least` times or more; `most` numbers, <unk> included.

    Of words that are equally frequent, the first of the alphabet comes first.

    >>> numbered("the cat saw the dog and the cat ran".split(), least=2)
    {'<unk>': 0, 'the': 1, 'cat': 2}
    >>> numbered("the cat saw the dog".split(), most=3)
    {'<unk>': 0, 'the': 1, 'cat': 2}
    """
    counts = Counter(words)
    counts.pop(UNKNOWN, None)
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    known = [UNKNOWN, *(word for word, count in by_count if count >= least)]
    return {word: number for number, word in enumerate(known[:most])}


def encode(words: Iterable[str], numbers: Mapping[str, int]) -> np.ndarray:
    """Each word's number.

    >>> encode(["the", "ox", "<unk>"], {"<unk>": 0, "the": 1}).tolist()
    [1, 0, 0]
    """
    import numpy as np

    return np.array([numbers.get(word, 0) for word in words], dtype=np.int64)
