"""1,797 images of handwritten digits, 8 x 8, from scikit-learn; Alpaydin & Kaynak (1998)."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SPLITS = {"train": 1097, "validation": 350, "test": 350}  # images
FEWEST_OF_A_DIGIT = 138  # of a 2, in train and validation: each of so many folds shows every digit
SHUFFLE_SEED = 1998  # the year of the data set


def path() -> Path:
    """Where the file lies; scikit-learn's load_digits would import all of it, 2 s, and pandas."""
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None:
        raise LookupError("digits: the images come with scikit-learn; pip install scikit-learn")
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"


def facts() -> dict[str, str]:
    """The checksum of what is read, unpacked: another packing is the same data."""
    return {"digits_sha256": hashlib.sha256(gzip.decompress(path().read_bytes())).hexdigest()}


def read() -> tuple[np.ndarray, np.ndarray]:
    """1,797 images as rows of 64 pixels, line by line, in [0, 1]; and the digit that each one shows."""
    import numpy as np

    table = np.loadtxt(path(), delimiter=",", dtype=np.int64)
    return (table[:, :-1] / 16).astype(np.float32), table[:, -1]


def rows() -> dict[str, np.ndarray]:
    """Split -> its images. The copy has none, so this one is ours: a random order, cut."""
    import numpy as np

    order = np.random.default_rng(SHUFFLE_SEED).permutation(sum(SPLITS.values()))
    return dict(zip(SPLITS, np.split(order, np.cumsum(list(SPLITS.values()))[:-1])))


def splits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images and digits of "train", "validation" and "test"."""
    pixels, labels = read()
    return {split: (pixels[some], labels[some]) for split, some in rows().items()}
