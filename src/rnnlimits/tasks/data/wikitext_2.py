"""WikiText-2: 2.1 million words of Wikipedia to learn from; Merity, Xiong, Bradbury & Socher (2016).

Three files, one a split, with words parted by spaces and rare ones replaced by <unk>.
Licence: THIRD_PARTY_DATA.md.
"""

from __future__ import annotations

import functools
from pathlib import Path

from rnnlimits.tasks.data import archives, downloads, published_sets
from rnnlimits.tasks.data.published_sets import PublishedSet

END_OF_LINE = "<eos>"
UNKNOWN = "<unk>"
TOKENS = {"train": 2_088_628, "validation": 217_646, "test": 245_569}  # <eos> of each line included
VOCABULARY = 33_278  # different tokens of train, <eos> included; the other splits have no other
COMMIT = "77f55b912142e11fcfdf5b530231fb9c52f181e8"
SOURCES = (
    # A commit is content-addressed: the first address cannot change under us. The second is a mirror of it.
    f"https://raw.githubusercontent.com/pytorch/examples/{COMMIT}/word_language_model/data/wikitext-2/",
    f"https://cdn.jsdelivr.net/gh/pytorch/examples@{COMMIT}/word_language_model/data/wikitext-2/",
)
CREDIT = (
    "WikiText-2: S. Merity, C. Xiong, J. Bradbury, R. Socher (2016), text by Wikipedia contributors; "
    "CC BY-SA 3.0"
)
# split -> (file, bytes, sha256), unpacked
FILES = {
    "train": (
        "train.txt", 10_797_148, "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
    ),
    "validation": (
        "valid.txt", 1_121_681, "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
    ),
    "test": (
        "test.txt", 1_256_449, "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
    ),
}  # fmt: skip


def published(split: str) -> PublishedSet:
    """The file of "train", "validation" or "test"; LookupError for another split."""
    if split not in FILES:
        raise LookupError(f"wikitext_2: no split {split!r}; possible: {', '.join(FILES)}")
    name, size, sha256 = FILES[split]
    return PublishedSet(
        subject=f"wikitext_2: {name}", noun="text", size=size, sha256=sha256,
        addresses=tuple(source + name for source in SOURCES),
        unpack=functools.partial(archives.single, name=name, most_bytes=size),
        places=(f"wikitext-2/{name}", f"wikitext-2/{name}.gz"),
        credit=CREDIT if split == "train" else "",
    )  # fmt: skip


def tokens(split: str, data_dir: str | Path | None = None) -> tuple[str, ...]:
    """The words of a split in order, with <eos> after each line, also after an empty one."""
    return _tokens(split, downloads.folder(data_dir))


@functools.cache
def _tokens(split: str, data_dir: str) -> tuple[str, ...]:
    (content,) = published_sets.contents(published(split), data_dir).values()
    # Not splitlines(): some articles hold characters that it takes for the end of a line.
    lines = content.decode("utf-8").removesuffix("\n").split("\n")
    return tuple(token for line in lines for token in (*line.split(), END_OF_LINE))


def facts() -> dict[str, str]:
    return {f"wikitext_2_{split}_sha256": sha256 for split, (_, _, sha256) in FILES.items()}
