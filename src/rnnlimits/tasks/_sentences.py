"""Sentences as numbers, and how well a bag of their words classifies them; no page of its own.

Shape letters: N sentences, T words of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rnnlimits.tasks.data import vocabulary

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST = 2  # occurrences in the training of a word that is known
TENTHS, TEST = 10, 9  # the last tenth is the test
STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # of the logistic regression, 1 / the weight of its penalty


def words(sentence: str, most: int) -> list[str]:
    """In lower case, split at white space; of a longer sentence the last `most`.

    >>> words("Not a bad film .", most=4)
    ['a', 'bad', 'film', '.']
    """
    return sentence.lower().split()[-most:]


def encoded(
    sentences: Sequence[Sequence[str]], training: Sequence[int], most: int, length: int
) -> tuple[Tensor, Tensor]:
    """Numbers (N, length), and the words of each sentence, (N,).

    Known are the `most` most frequent words, <unk> included, of those that occur twice in the sentences
    `training`.  What fills up the shorter sentences is read by nobody: it stands after their end.

    >>> encoded([["a", "film"], ["a", "dull", "film"]], training=[0, 1], most=9, length=3)
    (tensor([[1, 2, 0],
            [1, 0, 2]]), tensor([2, 3]))
    """
    numbers = vocabulary.numbered((word for row in training for word in sentences[row]), LEAST, most)
    number_NT = np.zeros((len(sentences), length), dtype=np.int64)
    for number_T, sentence in zip(number_NT, sentences, strict=True):
        number_T[: len(sentence)] = vocabulary.encode(sentence, numbers)
    return torch.from_numpy(number_NT), torch.tensor([len(sentence) for sentence in sentences])


def line_of_its_class(label_N: Tensor) -> Tensor:
    """How many sentences of the same class stand before each: its line in the file of its class.

    >>> line_of_its_class(torch.tensor([0, 0, 1, 1, 0]))
    tensor([0, 1, 0, 1, 2])
    """
    return torch.where(label_N == 1, label_N.cumsum(0), (1 - label_N).cumsum(0)) - 1


def splits(line_N: Tensor) -> dict[str, Tensor]:
    """Of ten lines of a file in a row eight are to learn from, one to validate by, and one the test."""
    tenth_N = line_N % TENTHS
    chosen = {"train": tenth_N < TENTHS - 2, "validation": tenth_N == TENTHS - 2, "test": tenth_N == TEST}
    return {split: chosen_N.nonzero().squeeze(1) for split, chosen_N in chosen.items()}


def fold(line_N: Tensor, k: int, folds: int) -> dict[str, Tensor]:
    """Of the lines before test every so many held out; of nine folds each is a tenth of the file.

    >>> some = fold(torch.arange(20), k=3, folds=9)
    >>> some["validation"].tolist(), some["train"].tolist()
    ([3, 13], [0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 17, 18])
    """
    number_N = line_N - line_N // TENTHS  # counted without those of test
    learnable_N, held_out_N = line_N % TENTHS != TEST, number_N % folds == k
    chosen = {"train": learnable_N & ~held_out_N, "validation": learnable_N & held_out_N}
    return {split: chosen_N.nonzero().squeeze(1) for split, chosen_N in chosen.items()}


def counted(number_NT: Tensor, steps_N: Tensor, known: int) -> csr_matrix:
    """How often each word occurs in each sentence, (N, known).

    >>> counted(torch.tensor([[1, 1, 0], [0, 2, 0]]), torch.tensor([2, 3]), known=3).toarray()
    array([[0., 2., 0.],
           [2., 0., 1.]])
    """
    from scipy.sparse import csr_matrix

    row_W, step_W = (torch.arange(number_NT.shape[1]) < steps_N[:, None]).nonzero(as_tuple=True)
    places = row_W.numpy(), number_NT[row_W, step_W].numpy()
    return csr_matrix((np.ones(len(row_W)), places), shape=(len(number_NT), known))


def accuracies(counts: csr_matrix, label_N: Tensor, rows: dict[str, Tensor]) -> dict[str, float]:
    """Shares of right answers on rows["test"], of what is learnt from the word counts of rows["train"].

    majority               the class that most sentences of the training have
    naive_bayes            multinomial, each word counted once more than it occurs
    logistic_regression    the strength of its penalty is chosen on "validation"
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB

    given = {split: counts[some.numpy()] for split, some in rows.items()}
    asked = {split: label_N[some].numpy() for split, some in rows.items()}

    def right(model: MultinomialNB | LogisticRegression, split: str) -> float:
        return float(model.score(given[split], asked[split]))

    regressions = [
        LogisticRegression(C=strength, max_iter=1000).fit(given["train"], asked["train"])
        for strength in STRENGTHS
    ]
    best = max(regressions, key=lambda one: right(one, "validation"))
    return {
        "majority": float((asked["test"] == np.bincount(asked["train"]).argmax()).mean()),
        "naive_bayes": right(MultinomialNB().fit(given["train"], asked["train"]), "test"),
        "logistic_regression": right(best, "test"),
    }
