"""Two years of a power transformer by the hour, six loads and the oil temperature: ETTh1; Zhou et al. (2021).

The licence forbids sharing a changed copy. So the file is kept as it was published, and whatever is scaled
or cut from it lives in memory only. Licence: THIRD_PARTY_DATA.md.
"""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlimits.tasks.data import archives, downloads, published_sets
from rnnlimits.tasks.data.published_sets import PublishedSet

if TYPE_CHECKING:
    import numpy as np

HOURS = 17_420
COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")  # OT: oil temperature, degrees Celsius
MONTH = 30 * 24  # hours
# Rows from, to (excluded): 12, 4 and 4 months, as Zhou et al. cut; the last 3,020 rows are not used.
SPLITS = {"train": (0, 12 * MONTH), "validation": (12 * MONTH, 16 * MONTH), "test": (16 * MONTH, 20 * MONTH)}
TABLE = "ETTh1.csv"
PUBLISHED = PublishedSet(
    subject="electricity_transformer",
    noun="table",
    size=2_589_657,
    sha256="f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
    addresses=(
        # A commit is content-addressed: the first address cannot change under us. The second is a mirror.
        "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/"
        "ETT-small/ETTh1.csv",
        "https://raw.githubusercontent.com/thuml/Time-Series-Library/main/dataset/ETT-small/ETTh1.csv",
    ),
    unpack=functools.partial(archives.single, name=TABLE, most_bytes=2_589_657),
    places=("etth1/ETTh1.csv",),
    credit="ETT-small: Haoyi Zhou et al., ETDataset; CC BY-ND 4.0: do not share a changed copy",
)


def read(data_dir: str | Path | None = None) -> np.ndarray:
    """17,420 hours of seven columns, as published, not scaled; read-only."""
    return _read(downloads.folder(data_dir))


@functools.cache
def _read(data_dir: str) -> np.ndarray:
    import numpy as np

    content = published_sets.contents(PUBLISHED, data_dir)[TABLE]
    table = np.loadtxt(io.BytesIO(content), delimiter=",", skiprows=1, usecols=range(1, 1 + len(COLUMNS)))
    table.flags.writeable = False  # all tasks of a process share it
    return table


def hours(split: str) -> int:
    """How many hours a split has.

    >>> hours("train"), hours("test")
    (8640, 2880)
    """
    start, end = SPLITS[split]
    return end - start


def facts() -> dict[str, str]:
    return {"electricity_transformer_sha256": PUBLISHED.sha256}
