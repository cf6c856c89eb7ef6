"""Windows of a series, and what forecasts without a network are worth; no page of its own.

Shape letters: H hours of the series, N or B windows, T hours of a window, S hours ahead, I columns.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

DAY = 24  # hours
RIDGE = 1.0  # so little that it only keeps the solution unique


def scaled(hour_HI: np.ndarray, start: int, end: int) -> Tensor:
    """Each column with mean 0 and deviation 1 over the hours start .. end - 1; float32."""
    train = hour_HI[start:end]
    return torch.from_numpy((hour_HI - train.mean(0)) / train.std(0)).float()


def take(
    hour_HI: Tensor, first_B: Tensor, length: int, horizon: int, relative: bool = False
) -> tuple[Tensor, Tensor]:
    """Windows (B,T,I) that end before the hours `first_B`, and from these on the hours ahead, (B,S*I)."""
    place_BT = first_B[:, None] + torch.arange(-length, horizon)
    hour_BTI = hour_HI[place_BT]
    if relative:
        hour_BTI = hour_BTI - hour_BTI[:, length - 1 : length]
    return hour_BTI[:, :length], hour_BTI[:, length:].flatten(1)


def fold(first_B: Tensor, k: int, folds: int, length: int, horizon: int) -> dict[str, Tensor]:
    """The k-th part of forecasts in a row to validate by, and those that share no hour with it to learn from.

    >>> some = fold(torch.arange(3, 13), k=1, folds=5, length=3, horizon=2)
    >>> some["validation"].tolist(), some["train"].tolist()  # forecasts of hours 5 to 7; a window from 8 on
    ([5, 6], [3, 11, 12])
    """
    held_out = first_B.tensor_split(folds)[k]
    if len(held_out):
        start, end = held_out[0], held_out[-1] + horizon
        apart = first_B[(first_B + horizon <= start) | (first_B - length >= end)]
        if len(apart):
            return {"train": apart, "validation": held_out}
    raise ValueError(
        f"forecasting: fold {k} of {folds} with windows of {length} hours leaves nothing to learn from or to "
        "judge by; take a shorter length, or another number of folds"
    )


def errors(
    hour_HI: np.ndarray, train_first_N: np.ndarray, test_first_N: np.ndarray, length: int, horizon: int
) -> dict[str, float]:
    """Mean squared errors on the forecasts that begin at `test_first_N`, over all hours and columns.

    last_value      every hour as the last hour of the window
    day_before      every hour as 24 hours before, or a multiple of that, the nearest that is known
    linear_map      a linear map of the window for each column, its last value subtracted (Zeng et al. 2023),
                    fitted by least squares on the forecasts that begin at `train_first_N`
    training_mean   0, as the columns are scaled

    Hours 0 to 3 rise by one each, so the last value is wrong by 1 in the first hour and by 2 in the second:
    >>> hour_HI = np.arange(60.0)[:, None]
    >>> round(errors(hour_HI, np.arange(30, 50), np.array([50]), length=3, horizon=2)["last_value"], 6)
    2.5
    """
    ahead_S = np.arange(horizon)
    truth_NSI = hour_HI[test_first_N[:, None] + ahead_S]
    last_N1I = hour_HI[test_first_N - 1][:, None]
    # Of more than a day ahead, yesterday is not known either.
    days_back_S = DAY * (1 + ahead_S // DAY)
    forecasts = {
        "training_mean": np.zeros_like(truth_NSI),
        "last_value": np.broadcast_to(last_N1I, truth_NSI.shape),
        "day_before": hour_HI[test_first_N[:, None] + ahead_S - days_back_S],
        "linear_map": linear_map(hour_HI, train_first_N, test_first_N, length, horizon),
    }
    return {name: float(((some - truth_NSI) ** 2).mean()) for name, some in forecasts.items()}


def linear_map(
    hour_HI: np.ndarray, train_first_N: np.ndarray, test_first_N: np.ndarray, length: int, horizon: int
) -> np.ndarray:
    """Forecasts (windows, hours, columns) by ridge regression, one for each column."""
    from sklearn.linear_model import Ridge

    def cut(first_N: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        hour_NT = hour_HI[first_N[:, None] + np.arange(-length, horizon), column]
        last_N1 = hour_NT[:, length - 1 : length]
        return hour_NT[:, :length] - last_N1, hour_NT[:, length:] - last_N1, last_N1

    columns = []
    for column in range(hour_HI.shape[1]):
        window_NT, change_NS, _ = cut(train_first_N, column)
        asked_NT, _, last_N1 = cut(test_first_N, column)
        model = Ridge(alpha=RIDGE).fit(window_NT, change_NS)
        columns.append(model.predict(asked_NT).reshape(len(asked_NT), horizon) + last_N1)
    return np.stack(columns, axis=2)
