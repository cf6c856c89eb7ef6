"""The real data: where it comes from, what it may be used for, and the proof that it is the same data.

Two bodies of text, and one set of images that scikit-learn ships:

    python_reference    the topics of Python's own help("..."); on every disk, but other text in each Python
    tiny_shakespeare    1,115,394 characters, downloaded once and checked; Karpathy (2015)
    digits              1,797 images of 8 x 8; Alpaydin & Kaynak (1998), from scikit-learn

For a machine without a network, put `tinyshakespeare/input.txt` into a folder and name that folder in the
config (`data: folder`) or in the environment (`RNNLIMITS_DATA=folder`). Planning imports this module, so what
is heavy is imported where it is used. Licences: THIRD_PARTY_DATA.md.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlimits.tasks.data import downloads
from rnnlimits.tasks.data.downloads import Published

if TYPE_CHECKING:
    import numpy as np

CORPORA = ("python_reference", "tiny_shakespeare")
DATA_VARIABLE = "RNNLIMITS_DATA"

TINY_SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
TINY_SHAKESPEARE_CHARACTERS = 1_115_394
TINY_SHAKESPEARE_VOCABULARY = 65
TINY_SHAKESPEARE_URLS = (
    # A commit is content-addressed: the first address cannot change under us. The second is a mirror.
    "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
)
TINY_SHAKESPEARE_CREDIT = (
    "tiny Shakespeare: plays of William Shakespeare, public domain; "
    "selected by Andrej Karpathy for char-rnn (MIT), github.com/karpathy/char-rnn"
)

DIGITS_PARTS = {"train": 1097, "validation": 350, "test": 350}  # images
DIGITS_SHUFFLE_SEED = 1998  # the year of the data set

N_GRAMS = ("unigram", "bigram", "trigram", "four_gram", "five_gram")


@dataclass(frozen=True)
class Corpus:
    """A text, the checksum of its bytes, and its symbols in order of their code points."""

    name: str
    text: str
    sha256: str
    vocabulary: str


def check_corpus(name: str) -> None:
    if name not in CORPORA:
        raise LookupError(f"corpus: no corpus {name!r}; possible: {', '.join(CORPORA)}")


def vocabulary_size(name: str) -> int:
    """How many different symbols a corpus has, without reading it where it is known.

    >>> vocabulary_size("tiny_shakespeare")
    65
    """
    check_corpus(name)
    return TINY_SHAKESPEARE_VOCABULARY if name == "tiny_shakespeare" else len(corpus(name).vocabulary)


def corpus_characters(name: str) -> int:
    """How long a corpus is, without reading it where it is known."""
    check_corpus(name)
    return TINY_SHAKESPEARE_CHARACTERS if name == "tiny_shakespeare" else len(corpus(name).text)


def corpus(name: str, data_dir: str | Path | None = None) -> Corpus:
    """The text itself; `data_dir` is looked in first and defaults to $RNNLIMITS_DATA.

    >>> corpus("python_reference").text.startswith('The "assert" statement')
    True
    """
    check_corpus(name)
    return _read_corpus(name, str(data_dir or os.environ.get(DATA_VARIABLE) or ""))


@functools.cache
def _read_corpus(name: str, data_dir: str) -> Corpus:
    content = _python_reference() if name == "python_reference" else _tiny_shakespeare(data_dir)
    text = content.decode("utf-8")
    return Corpus(name, text, hashlib.sha256(content).hexdigest(), "".join(sorted(set(text))))


def _python_reference() -> bytes:
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise LookupError(
            "corpus python_reference: this Python came without its help texts (module pydoc_data.topics); "
            "install the full standard library, or set corpus: tiny_shakespeare"
        ) from error
    return "\n".join(topics[topic] for topic in sorted(topics)).encode("utf-8")


def _tiny_shakespeare(data_dir: str) -> bytes:
    import platformdirs

    file = Published(
        "corpus tiny_shakespeare", "text", TINY_SHAKESPEARE_CHARACTERS, TINY_SHAKESPEARE_SHA256,
        TINY_SHAKESPEARE_URLS,
    )  # fmt: skip
    if data_dir:
        for path in (Path(data_dir, "tinyshakespeare", "input.txt"), Path(data_dir, "input.txt")):
            if path.is_file():
                return downloads.checked(path, file)
    path = Path(platformdirs.user_cache_dir("rnnlimits")) / "tinyshakespeare.txt"
    was_there = path.exists()
    if failures := downloads.fetch(file, path):
        told = "".join(f"\n  {url}\n    {said}" for url, said in failures)
        raise LookupError(
            f"{file.subject}: not in the data folder ({data_dir or 'none is set'}), not in the cache "
            f"({path.parent}), and no address gave it:{told}"
            f"\nPut the file at FOLDER/tinyshakespeare/input.txt and set `data: FOLDER` in the config or "
            f"{DATA_VARIABLE}=FOLDER, or set corpus: python_reference, which needs no download"
        )
    if not was_there:
        print(TINY_SHAKESPEARE_CREDIT, file=sys.stderr)
    return downloads.checked(path, file)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 images as rows of 64 pixels, line by line, in [0, 1]; and the digit that each one shows."""
    import numpy as np

    # The file beside scikit-learn, not its load_digits: importing scikit-learn costs 2 s and imports pandas.
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None:
        raise LookupError("digits: the images come with scikit-learn; pip install scikit-learn")
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    return (table[:, :-1] / 16).astype(np.float32), table[:, -1]


def digits_rows() -> dict[str, np.ndarray]:
    """part -> its images. The copy has no split, so this one is ours: a random order, cut."""
    import numpy as np

    order = np.random.default_rng(DIGITS_SHUFFLE_SEED).permutation(sum(DIGITS_PARTS.values()))
    return dict(zip(DIGITS_PARTS, np.split(order, np.cumsum(list(DIGITS_PARTS.values()))[:-1])))


def encode(text: str, vocabulary: str) -> np.ndarray:
    """Each symbol's place in the vocabulary.

    >>> encode("banana", "abn").tolist()
    [1, 0, 2, 0, 2, 0]
    """
    import numpy as np

    code_points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    return np.searchsorted(np.frombuffer(vocabulary.encode("utf-32-le"), dtype=np.uint32), code_points)


def n_gram_bits(tokens: np.ndarray, train_end: int, test_start: int, symbols: int) -> dict[str, float]:
    """Bits per symbol, on tokens[test_start:], of n-gram models counted on tokens[:train_end].

    Witten & Bell (1991), as interpolation: a context c, seen N(c) times with D(c) different successors, gives
        P(s | c) = (N(c s) + D(c) P(s | c without its oldest symbol)) / (N(c) + D(c)),
    down to the uniform guess. No weight is tuned. The first symbols of the test part see what precedes them.

    After "aabaab", N(a) = 4, N(b) = 2 and D() = 2, so the unigram P(a) = (4 + 2 * 1/2) / (6 + 2) = 0.625:
    >>> import numpy as np
    >>> bits = n_gram_bits(np.array([0, 0, 1, 0, 0, 1, 0]), train_end=6, test_start=6, symbols=2)
    >>> round(2 ** -bits["unigram"], 6)
    0.625
    """
    import numpy as np

    probability_T = np.full(len(tokens) - test_start, 1 / symbols)
    context, gram, bits = np.zeros_like(tokens), tokens.astype(np.int64), {}
    for order, name in enumerate(N_GRAMS, start=1):
        if order > 1:  # read the last `order` symbols as the digits of one number, oldest first
            context = context + symbols ** (order - 2) * np.roll(tokens, order - 1)
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
    return bits


def _look_up(keys: np.ndarray, known: np.ndarray, counts: np.ndarray) -> np.ndarray:
    import numpy as np

    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, counts[place], 0)
