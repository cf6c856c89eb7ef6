"""How near translations are to those that people wrote, all of a split together; no page of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rnnlimits.tasks._translations import Words

RUN = 4  # BLEU counts runs of up to so many words
LETTERS = 6  # chrF counts runs of up to so many letters
RECALL = 2.0  # beta of chrF: recall weighs twice as much as precision
POINTS = "points of 100"
UNITS = {"bleu": POINTS, "chrf": POINTS, "exact_match": "share"}


def scores(written: Sequence[Words], references: Sequence[Sequence[Words]]) -> dict[str, float]:
    """BLEU and chrF of all sentences together, of 100, and how many are exactly one of their references.

    Of words as they are here: in lower case, marks apart.

    >>> scores([("je", "pars", "!")], [[("je", "pars", "."), ("je", "pars", "!")]])  # too short for BLEU
    {'bleu': 0.0, 'chrf': 100.0, 'exact_match': 1.0}
    """
    return {
        "bleu": bleu(written, references),
        "chrf": chrf(written, references),
        "exact_match": exact_match(written, references),
    }


def by_words(
    english: Sequence[Words], written: Sequence[Words], references: Sequence[Sequence[Words]]
) -> dict[str, float]:
    """The same of the sentences of each number of English words; BLEU where there are runs to count."""
    found: dict[str, float] = {}
    for length in sorted({len(source) for source in english}):
        mine = [number for number, source in enumerate(english) if len(source) == length]
        of_length = scores([written[number] for number in mine], [references[number] for number in mine])
        if length < RUN:
            del of_length["bleu"]
        found |= {f"{metric}_{length}_words": value for metric, value in of_length.items()}
    return found


def bleu(written: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """Papineni, Roukos, Ward & Zhu (2002), without smoothing.

    >>> round(bleu([("a", "b", "c", "d", "x")], [[("a", "b", "c", "d", "e")]]), 2)  # (4/5 3/4 2/3 1/2)^(1/4)
    66.87
    """
    from torchmetrics.functional.text import bleu_score

    # Of two references that are equally near in length the first counts; it has to be the shorter one.
    ordered = [[" ".join(one) for one in sorted(some, key=len)] for some in references]
    return 100 * float(bleu_score([" ".join(sentence) for sentence in written], ordered, n_gram=RUN))


def chrf(written: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """Popović (2015): F of the precision and the recall of runs of 1 to 6 letters, blanks left out.

    Of each sentence the reference counts that it is nearest to.  That of torchmetrics leaves a reference out
    where a sentence has no letter of it, so that who writes nothing loses nothing; this one is sacrebleu's.

    >>> round(chrf([("abc",)], [[("abd",)]]), 2)  # 1 to 3 letters: 2/3, 1/2 and 0, both ways
    38.89
    """
    totals: Counter[tuple[str, int]] = Counter()
    for sentence, some in zip(written, references, strict=True):
        runs = letter_runs(sentence)
        totals.update(max((matches(runs, letter_runs(one)) for one in some), key=f_score))
    return 100 * f_score(totals)


def letter_runs(sentence: Words) -> list[Counter[str]]:
    """How often each run of 1, 2 ... letters occurs."""
    text = "".join(sentence)
    return [Counter(text[i : i + n] for i in range(len(text) - n + 1)) for n in range(1, LETTERS + 1)]


def matches(written: list[Counter[str]], right: list[Counter[str]]) -> Counter[tuple[str, int]]:
    """Of each length how many runs were written, how many there should be, and how many are both."""
    found: Counter[tuple[str, int]] = Counter()
    for n, (ours, theirs) in enumerate(zip(written, right, strict=True)):
        found["written", n] = ours.total() if theirs else 0  # of a longer run than the reference: no mistake
        found["right", n] = theirs.total()
        found["both", n] = sum(min(count, theirs[run]) for run, count in ours.items() if run in theirs)
    return found


def f_score(counts: Mapping[tuple[str, int], int]) -> float:
    """Of the mean precision and the mean recall over the lengths of which both sides have runs."""
    there = [n for n in range(LETTERS) if counts["written", n] and counts["right", n]]
    precision = sum(counts["both", n] / counts["written", n] for n in there)
    recall = sum(counts["both", n] / counts["right", n] for n in there)
    if not precision + recall:
        return 0.0
    return (1 + RECALL**2) * precision * recall / (RECALL**2 * precision + recall) / len(there)


def exact_match(written: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    return sum(one in some for one, some in zip(written, references, strict=True)) / len(written)
