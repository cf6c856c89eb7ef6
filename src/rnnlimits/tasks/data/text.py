"""Two bodies of text, and the proof that they are the published ones:

python_reference    the topics of Python's own help("..."); on every disk, but other text in each Python
tiny_shakespeare    1,115,394 characters, downloaded once and checked; Karpathy (2015)
"""

from __future__ import annotations

import functools
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlimits.tasks.data import downloads
from rnnlimits.tasks.data.downloads import Published

if TYPE_CHECKING:
    import numpy as np

CORPORA = ("python_reference", "tiny_shakespeare")

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
    return _read_corpus(name, downloads.folder(data_dir))


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
            f"{downloads.DATA_VARIABLE}=FOLDER, or set corpus: python_reference, which needs no download"
        )
    if not was_there:
        print(TINY_SHAKESPEARE_CREDIT, file=sys.stderr)
    return downloads.checked(path, file)


def encode(text: str, vocabulary: str) -> np.ndarray:
    """Each symbol's place in the vocabulary.

    >>> encode("banana", "abn").tolist()
    [1, 0, 2, 0, 2, 0]
    """
    import numpy as np

    code_points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    return np.searchsorted(np.frombuffer(vocabulary.encode("utf-32-le"), dtype=np.uint32), code_points)
