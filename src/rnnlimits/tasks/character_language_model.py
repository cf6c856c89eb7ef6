"""Name the next character of a text, having read all characters before it.

    text "to be or no", windows of 4 steps     input   t o _ b | e _ o r     the second window goes on
                                               target  o _ b e | _ o r _     with the state of the first

    >>> first, second, *_ = CharacterLanguageModel(50, Options()).evaluation("test", 0, torch.Generator())
    >>> first.x.shape, first.carry, second.carry, torch.equal(first.target[:, -1], second.x[:, 0])
    (torch.Size([16, 50]), False, True, True)

Cut by position: 80 % train, 10 % validation, 10 % test. Truncated back-propagation through time (Williams &
Peng 1990) over parallel streams: row b goes on where row b of the batch before stopped; the state is carried
only within a stream. An epoch starts at a random place with an empty state and has equally many windows
wherever it starts, so replicas stay in step. In an evaluation each character is a target once. Chance: a
uniform guess among V symbols, log2 V bits. python_reference is other text in each Python: compare checksums.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._texts import NextToken
from rnnlimits.tasks.base import Batch
from rnnlimits.tasks.data import n_grams, text

EVALUATION_STREAMS = 16


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    corpus: Literal["python_reference", "tiny_shakespeare"] = "python_reference"
    embedding: int = 32  # numbers that stand for one character
    characters: int | None = None  # only the first so many; the vocabulary stays that of the whole corpus
    evaluation_batch: ClassVar = EVALUATION_STREAMS

    def widths(self, length: int) -> tuple[int, int]:
        return text.vocabulary_size(self.corpus), text.vocabulary_size(self.corpus)

    def problem(self, length: int) -> str | None:
        whole = text.corpus_characters(self.corpus)
        characters = whole if self.characters is None else self.characters
        if not 10 <= characters <= whole or self.embedding < 1:
            return f"embedding must be 1 or more, characters null or 10 to {whole} ({self.corpus})"
        fits = 1 <= length <= characters // 10
        return None if fits else f"the test split holds windows of 1 to {characters // 10} steps"


class CharacterLanguageModel(NextToken):
    metric = "bits_per_character"
    higher_is_better = False
    units: ClassVar = {"bits_per_character": "bits", "loss": "nats"}

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        self.corpus = corpus = text.corpus(options.corpus)
        self.token_T = torch.from_numpy(text.encode(corpus.text, corpus.vocabulary))[: options.characters]
        first, second, end = (len(self.token_T) * tenths // 10 for tenths in (8, 9, 10))
        # Places of targets. The input is the character before, so the very first one is never a target.
        self.splits = {"train": (1, first), "validation": (first, second), "test": (second, end)}

    @property
    def chance(self) -> dict[str, float]:
        return {"bits_per_character": math.log2(self.outputs), "loss": math.log(self.outputs)}

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        loss_N = self.loss_N(output_NTO, batch)
        return {"loss": loss_N, "bits_per_character": loss_N / math.log(2)}

    def references(self) -> dict[str, float]:
        (_, train_end), (test_start, _) = self.splits["train"], self.splits["test"]
        return n_grams.n_gram_bits(self.token_T.numpy(), train_end, test_start, self.outputs)

    def facts(self) -> dict[str, str]:
        return {"corpus": self.corpus.name, "corpus_sha256": self.corpus.sha256}
