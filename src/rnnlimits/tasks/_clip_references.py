"""What is heard of spoken digits without a network; no page of its own.

Shape letters: T steps of a clip or string, I inputs, C features.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from rnnlimits.tasks._clips import Clips
from rnnlimits.tasks.base import Batch

SEGMENTS = 8  # of a clip, of the reference that knows of a coarse order
EACH = 4  # of the frames of the training every fourth is learnt from: neighbours are much alike
ITERATIONS = 1_000  # at most, of a logistic regression


def single_digits(clips: Clips, train: Tensor, test: Tensor) -> dict[str, float]:
    """Share of the test clips that a logistic regression names right.

    no_order        from the mean and deviation of each band
    coarse_order    from the means of eight segments of the clip, one after another
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = {}
    for name, features in (("no_order", mean_and_deviation), ("coarse_order", segment_means)):
        learnt, judged = (
            np.stack([features(clips.of(clip).numpy()) for clip in some]) for some in (train, test)
        )
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
        model.fit(learnt, clips.digit_N[train].numpy())
        found[name] = float(model.score(judged, clips.digit_N[test].numpy()))
    return found


def mean_and_deviation(value_TI: np.ndarray) -> np.ndarray:
    """(C,) the same in whatever order the steps are."""
    return np.concatenate([value_TI.mean(0), value_TI.std(0)])


def segment_means(value_TI: np.ndarray) -> np.ndarray:
    """(C,) where a clip has fewer steps than segments, neighbours share a step.

    >>> segment_means(np.arange(16.0)[:, None]).tolist()
    [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5]
    >>> segment_means(np.array([[1.0], [2.0]])).tolist()
    [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    """
    steps = len(value_TI)
    edges = [(n * steps // SEGMENTS, -(-(n + 1) * steps // SEGMENTS)) for n in range(SEGMENTS)]
    return np.concatenate([value_TI[start:end].mean(0) for start, end in edges])


def frame_votes(clips: Clips, train: Tensor, batch: Batch, fewest: int, most: int) -> list[str]:
    """What a classifier of single frames, without any memory, hears in each string.

    A logistic regression learns which digit a frame is of. A string is cut into equal parts, as many as clips
    of the training's mean length fit it best, and each part is the digit of the largest mean log-probability.
    """
    from sklearn.linear_model import LogisticRegression

    pieces = [clips.of(clip).numpy() for clip in train]
    digit_N = np.repeat(clips.digit_N[train].numpy(), [len(piece) for piece in pieces])
    model = LogisticRegression(max_iter=ITERATIONS).fit(np.concatenate(pieces)[::EACH], digit_N[::EACH])
    mean_steps = len(digit_N) / len(pieces)
    assert batch.mask_BT is not None
    heard = []
    for x_TI, mask_T in zip(batch.x.numpy(), batch.mask_BT.numpy(), strict=True):
        frame_TI = x_TI[mask_T > 0]
        digits = int(np.clip(round(len(frame_TI) / mean_steps), fewest, most))
        parts = np.array_split(model.predict_log_proba(frame_TI), digits)
        heard.append("".join(str(part.mean(0).argmax()) for part in parts))
    return heard
