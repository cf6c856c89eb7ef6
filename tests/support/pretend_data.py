"""Noise in the place of data that would have to be downloaded."""

import functools
import random

import numpy as np
import pytest

from rnnlimits.tasks import _translations
from rnnlimits.tasks.data import electricity_transformer, sentence_polarity, spoken_digits, wikitext_2
from rnnlimits.tasks.data.spoken_digits import Recording

HOURS = {"train": (0, 400), "validation": (400, 520), "test": (520, 640)}


def transformer(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A short series of as many columns; gives it."""
    table = np.random.default_rng(0).standard_normal((700, len(electricity_transformer.COLUMNS)))
    monkeypatch.setattr(electricity_transformer, "SPLITS", HOURS)
    monkeypatch.setattr(electricity_transformer, "read", lambda: table)
    return table


def sentences(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Of either class 150 sentences of 1 to 64 made-up words, those of the negative first; gives them."""
    noise = np.random.default_rng(0)
    steps = [64, 1, *noise.integers(3, 65, 298)]
    said = [(" ".join(f"w{word}" for word in noise.integers(0, 50, some)), 0) for some in steps]
    said = [(sentence, number // 150) for number, (sentence, _) in enumerate(said)]
    monkeypatch.setattr(sentence_polarity, "KNOWN_WORDS", 51)
    monkeypatch.setattr(sentence_polarity, "LONGEST", 64)
    monkeypatch.setattr(sentence_polarity, "read", lambda: tuple(said))
    return said


def words(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """Three splits of made-up words, of which some come more often than others; gives them."""
    noise = np.random.default_rng(0)
    known = np.array([wikitext_2.END_OF_LINE, wikitext_2.UNKNOWN, *(f"w{word}" for word in range(28))])
    counts = {"train": 20_000, "validation": 900, "test": 1_000}
    texts = {split: tuple(known[noise.binomial(29, 0.3, some)].tolist()) for split, some in counts.items()}
    texts["train"] += tuple(known.tolist())
    monkeypatch.setattr(wikitext_2, "TOKENS", {split: len(text) for split, text in texts.items()})
    monkeypatch.setattr(wikitext_2, "VOCABULARY", len(known))
    monkeypatch.setattr(wikitext_2, "tokens", texts.__getitem__)
    return texts


def speech(monkeypatch: pytest.MonkeyPatch) -> tuple[Recording, ...]:
    """Noise of all speakers and digits, twelve short takes each; gives it."""
    monkeypatch.setattr(spoken_digits, "recordings", noises)
    return noises()


@functools.cache
def noises() -> tuple[Recording, ...]:
    draw = np.random.default_rng(0)
    return tuple(
        Recording(digit, speaker, take, draw.integers(-999, 999, draw.integers(700, 4_000)).astype(np.int16))
        for digit in range(10)
        for speaker in spoken_digits.SPEAKERS
        for take in range(12)
    )


def translations(monkeypatch: pytest.MonkeyPatch) -> tuple[_translations.Pair, ...]:
    """Sentences of 3 to 6 words, each beside the same words in the other order, some also beside others."""
    noise, pairs = random.Random(0), []
    for length in (3, 4, 5, 6) * 150:
        numbers = [noise.randrange(30) for _ in range(length)]
        english = tuple(f"e{number}" for number in numbers)
        pairs.append((english, tuple(f"f{number}" for number in reversed(numbers))))
        if length == 4:
            pairs.append((english, tuple(f"f{number}" for number in numbers)))
    found = tuple(dict.fromkeys(pairs))
    monkeypatch.setattr(_translations, "pairs", lambda: found)
    return found


def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every task whose data would have to be downloaded, but the images."""
    transformer(monkeypatch)
    sentences(monkeypatch)
    words(monkeypatch)
    speech(monkeypatch)
    translations(monkeypatch)
