"""10,662 snippets of film reviews, half of them positive: sentence polarity v1.0; Pang & Lee (2005).

NLTK's copy, in UTF-8; one snippet a line, words and marks parted by spaces. Licence: THIRD_PARTY_DATA.md.
"""

from __future__ import annotations

import functools
from pathlib import Path

from rnnlimits.tasks.data import archives, downloads, published_sets
from rnnlimits.tasks.data.published_sets import PublishedSet

SNIPPETS = 10_662
LONGEST = 59  # words of a snippet
# Words that occur twice or more in the training of the task `sentiment`, and one that stands for all others.
KNOWN_WORDS = 9_001
NEGATIVE, POSITIVE = "sentence_polarity/rt-polarity.neg", "sentence_polarity/rt-polarity.pos"
PUBLISHED = PublishedSet(
    subject="sentence_polarity",
    noun="archive",
    size=490_256,
    sha256="a9770aa340989ee15cc5683ab6e1b90e73f33f972a420168f252c1f01c984084",
    addresses=(
        # A commit is content-addressed: the first address cannot change under us. The second is the branch
        # that NLTK's own downloader reads.
        "https://raw.githubusercontent.com/nltk/nltk_data/5db857e6f7df11eabb5e5665836db9ec8df07e28/"
        "packages/corpora/sentence_polarity.zip",
        "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/sentence_polarity.zip",
    ),
    unpack=functools.partial(archives.zip_files, names=(NEGATIVE, POSITIVE), most_bytes=1_300_000),
    places=("sentence_polarity/sentence_polarity.zip",),
    credit="sentence polarity dataset v1.0 by Bo Pang and Lillian Lee (2005); CC BY 4.0, says NLTK",
)


def read(data_dir: str | Path | None = None) -> tuple[tuple[str, int], ...]:
    """(snippet, 1 if it is positive, else 0): the negative file line by line, then the positive one."""
    return _read(downloads.folder(data_dir))


@functools.cache
def _read(data_dir: str) -> tuple[tuple[str, int], ...]:
    files = published_sets.contents(PUBLISHED, data_dir)
    lines = [files[name].decode("utf-8").rstrip("\n").split("\n") for name in (NEGATIVE, POSITIVE)]
    return tuple((line.strip(), label) for label, part in enumerate(lines) for line in part)


def facts() -> dict[str, str]:
    return {"sentence_polarity_sha256": PUBLISHED.sha256}
