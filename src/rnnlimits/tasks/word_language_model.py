"""Name the next word of a text, having read all words before it: WikiText-2, Merity et al. (2016).

    the cat sat . <eos> the cat ran . <eos>         input   the cat sat  | .     <eos> the
    windows of 3 words, state carried on            target  cat sat .    | <eos> the   cat

    >>> known = vocabulary.numbered("the cat sat . <eos> the cat ran . <eos>".split(), most=5)
    >>> vocabulary.encode("the ox sat . <eos>".split(), known).tolist(), list(known)
    ([4, 0, 0, 1, 2], ['<unk>', '.', '<eos>', 'cat', 'the'])

Official splits. Each word of a split is a target once, <eos> and <unk> among them, read as 16 streams whose
state is carried from window to window; the first input of a split is the last word of the split before. An
epoch of the training starts at a random place, as in `character_language_model`.

Perplexity is e to the mean nats per word. It is no mean over windows, so `nats_per_word` is what is averaged,
chosen by and compared; perplexity is worked out of it for each split and seed.

`vocabulary: V` knows the V - 1 most frequent words of the whole training split; all others are read and asked
for as <unk>. That is another, easier task, like `train_words` another, harder one: perplexities compare at
equal options only. The 33,278 outputs of the full task want a GPU.

Chance: all V words alike, ln V nats. A model without memory: the unigram of `references`. These are n-grams
with interpolated Kneser-Ney smoothing, counted on the same words as a network is trained on.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._texts import NextToken
from rnnlimits.tasks.base import Batch
from rnnlimits.tasks.data import n_grams, vocabulary, wikitext_2

LARGEST_EXPONENT = 700.0  # e to more is no number


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    vocabulary: int | None = None  # words that are known, <unk> included; null: all 33,278
    train_words: int | None = None  # the first so many of the training; null: all, as of the next two
    validation_words: int | None = None
    test_words: int | None = None
    embedding: int = 64  # numbers that stand for one word
    evaluation_batch: ClassVar = 16  # streams

    def widths(self, length: int) -> tuple[int, int]:
        known = self.vocabulary or wikitext_2.VOCABULARY
        return known, known

    def words(self) -> dict[str, int]:
        """Split -> how many words of it are read."""
        asked = {"train": self.train_words, "validation": self.validation_words, "test": self.test_words}
        return {split: wikitext_2.TOKENS[split] if some is None else some for split, some in asked.items()}

    def problem(self, length: int) -> str | None:
        if self.vocabulary is not None and not 2 <= self.vocabulary <= wikitext_2.VOCABULARY:
            return f"vocabulary must be null or 2 to {wikitext_2.VOCABULARY:,}"
        words = self.words()
        for split, some in words.items():
            if not 2 <= some <= wikitext_2.TOKENS[split]:
                return f"{split}_words must be null or 2 to {wikitext_2.TOKENS[split]:,}"
        if self.embedding < 1:
            return "embedding must be 1 or more"
        most = min(words["train"] - 1, words["validation"], words["test"])
        return None if 1 <= length <= most else f"these splits hold windows of 1 to {most:,} steps"


class WordLanguageModel(NextToken):
    options: Options
    metric = "nats_per_word"
    higher_is_better = False
    units: ClassVar = {"nats_per_word": "nats", "loss": "nats", "perplexity": "perplexity"}

    def __init__(self, length: int, options: Options) -> None:
        super().__init__(length, options)
        numbers = vocabulary.numbered(wikitext_2.tokens("train"), most=self.inputs)
        words, start, read = options.words(), 1, []
        self.splits = {}
        for split, some in words.items():
            read.append(torch.from_numpy(vocabulary.encode(wikitext_2.tokens(split)[:some], numbers)))
            end = sum(map(len, read))
            self.splits[split] = (start, end)
            start = end
        self.token_T = torch.cat(read)

    @property
    def chance(self) -> dict[str, float]:
        nats = math.log(self.outputs)
        return {"nats_per_word": nats, "loss": nats, "perplexity": float(self.outputs)}

    def scores(self, output_NTO: Tensor, batch: Batch) -> dict[str, Tensor]:
        loss_N = self.loss_N(output_NTO, batch)
        return {"loss": loss_N, "nats_per_word": loss_N}

    def of_a_set(self, means: dict[str, float]) -> dict[str, float]:
        return {"perplexity": math.exp(min(means["loss"], LARGEST_EXPONENT))}

    def references(self) -> dict[str, float]:
        (_, train_end), (test_start, _) = self.splits["train"], self.splits["test"]
        bits = n_grams.kneser_ney_bits(self.token_T.numpy(), train_end, test_start, self.outputs)
        return {name: value * math.log(2) for name, value in bits.items()}

    def facts(self) -> dict[str, str]:
        return wikitext_2.facts()
