"""Six speakers say ten digits 50 times each: Free Spoken Digit Dataset 1.0.10; Jackson et al.

WAV, 8,000 samples a second, 16 bit, one channel. The published split (takes 0 to 4 are the test) has all
speakers on both sides. Licence: THIRD_PARTY_DATA.md.
"""

from __future__ import annotations

import functools
import io
import wave
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rnnlimits.tasks.data import archives, downloads, published_sets
from rnnlimits.tasks.data.published_sets import PublishedSet

if TYPE_CHECKING:
    import numpy as np

RECORDINGS = 3_000
SAMPLES_PER_S = 8_000
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES = 50  # of each digit and speaker
TEST_TAKES = 5  # the first so many
MOST_SAMPLES = 18_262  # of a clip; 3,360 are the median
HOPS_MS = (5, 32)  # from frame to frame
MOST_BANDS = 80  # so many mel bands are wide enough for one frequency of the transform or more
COMMIT = "d6938f9bf1545aa66d8489fc9f1385a7abd64282"  # tag v1.0.10
PUBLISHED = PublishedSet(
    subject="spoken_digits",
    noun="archive",
    size=64_000_000,  # the host packs the repository when it is asked, and promises no size
    sha256="04e1baae96c6a26e39c623f2b01d0182ddae627ba0ac02a3cdc17ba2af99fd9b",
    addresses=(
        f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.tar.gz",
        f"https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/tar.gz/{COMMIT}",
    ),
    unpack=functools.partial(archives.tar_files, folder="recordings", ending=".wav", most_bytes=64_000_000),
    places=(f"fsdd/{COMMIT}.tar.gz", "fsdd/fsdd-1.0.10-recordings.tar.bz2"),
    credit=(
        "Free Spoken Digit Dataset v1.0.10, Zohar Jackson et al., CC BY-SA 4.0, "
        "https://github.com/Jakobovski/free-spoken-digit-dataset"
    ),
)


@dataclass(frozen=True, eq=False)  # itself alone: samples cannot be compared as one
class Recording:
    """One spoken digit."""

    digit: int
    speaker: str
    take: int  # 0 to 49
    sample_T: np.ndarray  # int16, 8,000 a second

    @property
    def in_test(self) -> bool:
        """By the published split."""
        return self.take < TEST_TAKES


def recordings(data_dir: str | Path | None = None) -> tuple[Recording, ...]:
    """All 3,000, sorted by digit, speaker and take."""
    return _recordings(downloads.folder(data_dir))


@functools.cache
def _recordings(data_dir: str) -> tuple[Recording, ...]:
    files = published_sets.contents(PUBLISHED, data_dir)
    found = [_recording(PurePosixPath(name).stem, content) for name, content in files.items()]
    return tuple(sorted(found, key=lambda one: (one.digit, one.speaker, one.take)))


def _recording(name: str, content: bytes) -> Recording:
    import numpy as np

    digit, speaker, take = name.split("_")
    with wave.open(io.BytesIO(content)) as file:
        # The checksum has vouched for the format.
        sample_T = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return Recording(int(digit), speaker, int(take), sample_T)


def frames(hop_ms: int, samples: int = MOST_SAMPLES) -> int:
    """So many frames has a clip, of windows that are two hops long.

    >>> frames(hop_ms=16), frames(hop_ms=16, samples=3_360), frames(hop_ms=16, samples=100)
    (141, 25, 1)
    """
    hop = hop_ms * SAMPLES_PER_S // 1_000
    return max(1, samples // hop - 1)


def framing_problem(hop_ms: int, bands: int) -> str | None:
    """Why frames like these are impossible, and which are possible; None if they are fine."""
    shortest, longest = HOPS_MS
    if not shortest <= hop_ms <= longest:
        return f"hop_ms must be {shortest} to {longest}"
    return None if 1 <= bands <= MOST_BANDS else f"bands must be 1 to {MOST_BANDS}"


def facts() -> dict[str, str]:
    return {"spoken_digits_sha256": PUBLISHED.sha256}
