"""Log-mel frames: the power of a sound in each band of pitch, every few milliseconds; no page of its own.

    mel(f) = 2595 log10(1 + f / 700)          O'Shaughnessy (1987), Speech Communication

Bands are triangles over the frequencies (Davis & Mermelstein 1980): band b rises from mel point b to a peak
of 1 at point b + 1 and falls to 0 at point b + 2.  Points 0 to bands + 1 have equal distances in mel and go
from 0 Hz to half the sampling rate.  A window is twice as long as the hop, so each sample counts in two.

Shape letters: T samples of a sound, F frames, P frequencies, I bands.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, signal

TRANSFORM = 512  # samples, zeros included: at 8,000 a second a frequency every 15.6 Hz
FULL_SCALE = 32_768  # of 16 bit
QUIETEST = 1e-8  # about the power that rounding to 16 bit adds; keeps the logarithm of silence finite


def mel(hertz: np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + hertz / 700)


def hertz(mel: np.ndarray) -> np.ndarray:
    """
    >>> float(hertz(mel(np.array(1000.0))).round(6))
    1000.0
    """
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def filter_bank(bands: int, samples_per_s: int) -> np.ndarray:
    """Weights (P,I) of each frequency in each band.

    >>> filter_bank(bands=24, samples_per_s=8_000).shape
    (257, 24)
    """
    point_J = hertz(np.linspace(0, mel(np.array(samples_per_s / 2)), bands + 2))
    low_I, peak_I, high_I = point_J[:-2], point_J[1:-1], point_J[2:]
    frequency_P1 = fft.rfftfreq(TRANSFORM, 1 / samples_per_s)[:, None]
    rising_PI = (frequency_P1 - low_I) / (peak_I - low_I)
    falling_PI = (high_I - frequency_P1) / (high_I - peak_I)
    return np.asarray(np.minimum(rising_PI, falling_PI).clip(min=0))


def frames(sample_T: np.ndarray, hop: int, bank_PI: np.ndarray) -> np.ndarray:
    """(F,I) natural logarithms of the power; a sound shorter than a window is filled up with silence.

    A hop of 16 ms at 8,000 samples a second has 128 samples:
    >>> frames(np.zeros(1_024, np.int16), hop=128, bank_PI=filter_bank(24, 8_000)).shape
    (7, 24)
    """
    window = 2 * hop
    sample_T = np.pad(sample_T / FULL_SCALE, (0, max(0, window - len(sample_T))))
    window_FW = np.lib.stride_tricks.sliding_window_view(sample_T, window)[::hop]
    spectrum_FP = fft.rfft(window_FW * signal.get_window("hann", window), TRANSFORM)
    power_FI = np.abs(spectrum_FP) ** 2 @ bank_PI
    return np.asarray(np.log(power_FI + QUIETEST))
