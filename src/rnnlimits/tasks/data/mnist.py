"""MNIST: handwritten digits, 60,000 to learn from, 10,000 to test on; LeCun, Bottou, Bengio & Haffner (1998).

Four files, downloaded once and checked, or put into the folder `mnist` of the data folder; the docstring
of data/ tells how to name that.  Licence: THIRD_PARTY_DATA.md.
"""

from __future__ import annotations

import functools
import gzip
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlimits.tasks.data import downloads
from rnnlimits.tasks.data.downloads import Published

if TYPE_CHECKING:
    import numpy as np

PIXELS = 784
VALIDATION = 5_000  # images, the last of the training files
# (bytes, sha256) of the packed files
FILES = {
    "train-images-idx3-ubyte.gz": (
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte.gz": (
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte.gz": (
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}
FIRST = next(iter(FILES))
SOURCES = (
    # A commit is content-addressed: the first address cannot change under us. The others are mirrors.
    "https://raw.githubusercontent.com/fgnt/mnist/ae608a02b796c9ee908c082585a5f006fe05258e/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
CREDIT = (
    "MNIST: Y. LeCun, C. Cortes, C. J. C. Burges; derived from NIST Special Databases 1 and 3; "
    "commonly given as CC BY-SA 3.0"
)
HEADER = {"images": 16, "labels": 8}  # bytes of the idx format before the data


def read(subset: str, data_dir: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images as rows of 784 bytes, line by line, and the digit of each; subset is "train" or "t10k"."""
    return _read(subset, downloads.folder(data_dir))


def splits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images and digits of "train", "validation" and "test"; the published files have no validation split."""
    pixels, labels = read("train")
    train, validation = slice(None, -VALIDATION), slice(-VALIDATION, None)
    return {
        "train": (pixels[train], labels[train]),
        "validation": (pixels[validation], labels[validation]),
        "test": read("t10k"),
    }


@functools.cache
def _read(subset: str, data_dir: str) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    pixels = _bytes(f"{subset}-images-idx3-ubyte.gz", data_dir)[HEADER["images"] :]
    labels = _bytes(f"{subset}-labels-idx1-ubyte.gz", data_dir)[HEADER["labels"] :]
    return pixels.reshape(-1, PIXELS), labels.astype(np.int64)


def _bytes(name: str, data_dir: str) -> np.ndarray:
    import numpy as np

    return np.frombuffer(gzip.decompress(_content(name, data_dir)), np.uint8)


def _content(name: str, data_dir: str) -> bytes:
    import platformdirs

    size, sha256 = FILES[name]
    file = Published("mnist", "file", size, sha256, [source + name for source in SOURCES])
    for path in (Path(data_dir, "mnist", name), Path(data_dir, name)):
        if data_dir and path.is_file():
            return downloads.checked(path, file)
    path = Path(platformdirs.user_cache_dir("rnnlimits")) / "mnist" / name
    was_there = path.exists()
    if failures := downloads.fetch(file, path):
        told = "; ".join(f"{url}: {said}" for url, said in failures)
        raise LookupError(
            f"mnist: {name} is not in the data folder ({data_dir or 'none is set'}) nor in the cache "
            f"({path.parent}), and no address gave it ({told}); put the four files into FOLDER/mnist and set "
            f"`data: FOLDER` in the config or {downloads.DATA_VARIABLE}=FOLDER, or take sequential_digits, "
            "which needs no download"
        )
    if not was_there and name == FIRST:
        print(CREDIT, file=sys.stderr)
    return downloads.checked(path, file)
