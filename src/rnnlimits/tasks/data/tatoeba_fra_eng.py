"""142,787 English sentences, each with a French translation; tatoeba.org, build of 2017-09-29.

An English sentence may come several times, with another translation each time. So a split must go by English
sentence: by line, sentences of the training would come again in the test. Licence: THIRD_PARTY_DATA.md.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from rnnlimits.tasks.data import archives, downloads, published_sets
from rnnlimits.tasks.data.published_sets import PublishedSet

PAIRS = 142_787
ENGLISH_SENTENCES = 98_659  # different ones
TEXT = "fra.txt"
BUCKETS = 100
SPLIT_OF_BUCKET = {0: "test", 1: "test", 2: "validation", 3: "validation"}  # all others: train
COMMIT = "843b8bc40396fbea4ac9171097122aacfc8b9660"
PUBLISHED = PublishedSet(
    subject="tatoeba_fra_eng",
    noun="archive",
    size=2_951_390,
    sha256="2546838ae46e0eac4c02ab7032ea0a02a006074a5340077a36a9444f41e02888",
    # manythings.org, where it was published, writes newer builds over older ones; this commit keeps one.
    addresses=(
        f"https://raw.githubusercontent.com/genimind/seq2seq/{COMMIT}/fra-eng.zip",
        f"https://cdn.jsdelivr.net/gh/genimind/seq2seq@{COMMIT}/fra-eng.zip",
    ),
    unpack=functools.partial(archives.zip_files, names=(TEXT,), most_bytes=10_009_515),
    places=("tatoeba-fra-eng/fra-eng.zip",),
    credit="English-French sentence pairs: www.manythings.org/anki and tatoeba.org; CC BY 2.0 FR",
)


def pairs(data_dir: str | Path | None = None) -> tuple[tuple[str, str], ...]:
    """(English, French), in the order of the file."""
    return _pairs(downloads.folder(data_dir))


@functools.cache
def _pairs(data_dir: str) -> tuple[tuple[str, str], ...]:
    lines = published_sets.contents(PUBLISHED, data_dir)[TEXT].decode("utf-8").rstrip("\n").split("\n")
    found = []
    for line in lines:
        english, french = line.split("\t")
        found.append((english, french))
    return tuple(found)


def split_of(english: str) -> str:
    """Which of "train", "validation" and "test" it is in, by the sentence alone: 96, 2 and 2 of 100.

    >>> [split_of(sentence) for sentence in ("Go.", "I saw 30 cats.", "I saw 52 cats.")]
    ['train', 'test', 'validation']
    """
    bucket = int(hashlib.sha256(english.encode("utf-8")).hexdigest()[:8], 16) % BUCKETS
    return SPLIT_OF_BUCKET.get(bucket, "train")


def facts() -> dict[str, str]:
    return {"tatoeba_fra_eng_sha256": PUBLISHED.sha256}
