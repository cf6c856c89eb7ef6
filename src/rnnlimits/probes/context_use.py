"""How far back an input still helps: the score where only the last k inputs are seen, for k = 1, 2, 4 ... T.

Khandelwal, He, Qi & Jurafsky (2018), Sharp Nearby, Fuzzy Far Away, ask it of language models.  Their LSTM
uses about 200 words, and their order only near by.  Each answer of a trained network is computed anew, by a
network that starts from its initial state and reads

    k = 3, last inputs alone      . . . . . x6 x7 x8     nothing before the last k inputs
    k = 3, the others shuffled    x4 x1 x5 x3 x2 x6 x7 x8     all inputs, those before in another order

The task scores these answers, so they can be compared with chance and with the full context.  The row at lag
k - 1 has the score with k inputs: the one that stands furthest back is k - 1 steps away.

The gain is the score with all inputs less the score with one.  `context_needed` is the least k whose score
lacks at most `share_left` of the gain: the first of 1, 2, 4 ... T that is enough, and then the least between
it and the one before, by bisection.  `order_needed` is the same of the second curve, with the same gain.
Both are 1 where context makes no score better, and nan where the gain is within twice its standard error over
the sequences: of noise there is no twentieth.

A text that goes on from one batch to the next is judged at `sequences` of its places, each after `longest`
inputs.  Elsewhere every step that counts is judged, with the inputs of its own sequence before it.

Worked example: y_t = x_{t-7} needs 8 inputs, and their order; a mean over all inputs needs all, in any order.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnnlimits.contracts import ProbeOptions
from rnnlimits.probes._asked import Asked, asked
from rnnlimits.probes.base import Measurement, Model, Task

# Shape letters: B sequences, T time steps, I inputs, O outputs, N answers.
INPUTS_AT_ONCE = 16_384  # bounds the memory: sequences x steps of one forward pass
OUTPUTS_AT_ONCE = 1_048_576  # the same of what is scored: sequences x steps x outputs
STANDARD_ERRORS = 2
# Of the time that planning gives a step of 16 sequences forwards and backwards; measured, as so many inputs
# at once cost little more than few.
FORWARD = 0.06


@dataclass(frozen=True, kw_only=True)
class Options(ProbeOptions):
    sequences: int = 64  # of validation; of a text that goes on, so many of its places
    longest: int | None = None  # inputs before such a place; null: as many as a window of the training has
    share_left: float = 0.05  # of the gain

    def __post_init__(self) -> None:
        longest = 1 if self.longest is None else self.longest
        if min(self.sequences, longest) < 1 or not 0 < self.share_left < 1:
            raise ValueError(
                f"context_use: {self}: sequences and longest must be 1 or more, and share_left between 0 "
                "and 1; correct the options of this probe"
            )

    def peak_numbers(self, steps: int, kept: float, state: int) -> float:
        read = max(INPUTS_AT_ONCE, self.longest or 0, steps)
        return read * (kept + state) + 4 * OUTPUTS_AT_ONCE

    def followed_steps(self, steps: int, asked: int = 1) -> int:
        """Of a text that goes on it says too much: there one step of each sequence is asked."""
        steps = max(self.longest or 0, steps)
        doublings = (steps - 1).bit_length()
        readings = 2 * (1 + 2 * doublings) * self.sequences * asked
        calls = readings * steps / INPUTS_AT_ONCE + 2 * (1 + doublings)
        return math.ceil(FORWARD * steps * calls)


@torch.no_grad()
def measure(model: Model, task: Task, options: Options, generator: torch.Generator) -> list[Measurement]:
    """The curves of both kinds, what they are compared with, and the steps of context that are needed."""
    reading = Reading(model, task, asked(task, options.sequences, options.longest, generator), generator)
    counts, unit = visible(reading.steps), task.units[task.metric]
    found = []
    for name, shuffled in (("context_score", False), ("context_score_shuffled", True)):
        reading.take(counts, shuffled)
        found += [Measurement(name, reading.score(k, shuffled), unit, k - 1) for k in counts]
    found.append(Measurement("context_score_full", reading.score(reading.steps, False), unit))
    if task.metric in task.chance:  # the score of a network that sees no input at all
        found.append(Measurement("context_score_chance", task.chance[task.metric], unit))
    gain, error = reading.gain()
    found.append(Measurement("context_gain", gain, unit))
    for name, shuffled in (("context_needed", False), ("order_needed", True)):
        needed = reading.needed(options.share_left, shuffled)
        told = abs(gain) > STANDARD_ERRORS * error or gain == error == 0
        found.append(Measurement(name, needed if told else math.nan, "steps"))
    return found


def visible(steps: int) -> list[int]:
    """How many inputs are seen, in turn.

    >>> visible(1), visible(8), visible(20)
    ([1], [1, 2, 4, 8], [1, 2, 4, 8, 16, 20])
    """
    return [*(2**i for i in range((steps - 1).bit_length())), steps]


class Reading:
    """The scores of one network by how much it sees, one number a sequence; each is computed once."""

    def __init__(self, model: Model, task: Task, parts: Sequence[Asked], generator: torch.Generator):
        self.model, self.task, self.generator = model, task, generator
        self.parts = [piece for part in parts for piece in part.cut(task.outputs, OUTPUTS_AT_ONCE)]
        self.steps = max(int(part.step_N.max()) + 1 for part in self.parts)
        self.known: dict[tuple[int, bool], Tensor] = {}

    def take(self, counts: Sequence[int], shuffled: bool) -> None:
        """Read with so many inputs in sight, or in their order, all of these at once."""
        new = [k for k in counts if (k, shuffled) not in self.known]
        scores = [self.scores(part, new, shuffled) for part in self.parts] if new else []
        for number, k in enumerate(new):
            self.known[k, shuffled] = torch.cat([score_KB[number] for score_KB in scores])

    def score(self, k: int, shuffled: bool) -> float:
        self.take([k], shuffled)
        return float(self.known[k, shuffled].mean())

    def better(self, score_B: Tensor) -> Tensor:
        """More is better."""
        return score_B if self.task.higher_is_better else -score_B

    def gain(self) -> tuple[float, float]:
        """By how much all inputs are better than one, and the standard error of that over the sequences."""
        self.take([1, self.steps], False)
        gain_B = self.better(self.known[self.steps, False] - self.known[1, False])
        if not bool(gain_B.any()):
            return 0.0, 0.0
        error = math.inf if len(gain_B) == 1 else float(gain_B.std()) / len(gain_B) ** 0.5
        return float(gain_B.mean()), error

    def needed(self, share_left: float, shuffled: bool) -> int:
        """The least number of inputs, or of inputs in order, that is enough."""
        if self.gain()[0] <= 0:
            return 1
        full = float(self.better(self.known[self.steps, False]).mean())
        least = full - share_left * self.gain()[0]

        def enough(k: int) -> bool:
            self.take([k], shuffled)
            return float(self.better(self.known[k, shuffled]).mean()) >= least

        counts = visible(self.steps)
        first = next((number for number, k in enumerate(counts) if enough(k)), len(counts) - 1)
        low, high = counts[first - 1] if first else 0, counts[first]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    def scores(self, part: Asked, counts: Sequence[int], shuffled: bool) -> list[Tensor]:
        """Of every number of inputs, the score of every sequence."""
        answer_KNO = self.answers(part, counts, shuffled).unflatten(0, (len(counts), -1))
        steps = 1 if part.alone else part.x.shape[1]
        place_N = torch.zeros_like(part.step_N) if part.alone else part.step_N
        found = []
        for answer_NO in answer_KNO:
            output_BTO = answer_NO.new_zeros(len(part.x), steps, answer_NO.shape[-1])
            output_BTO[part.row_N, place_N] = answer_NO
            found.append(self.task.scores(output_BTO, part.batch)[self.task.metric].double())
        return found

    def answers(self, part: Asked, counts: Sequence[int], shuffled: bool) -> Tensor:
        """The outputs of every answer for the first number of inputs, then for the second ..."""
        row_N, step_N = part.row_N.repeat(len(counts)), part.step_N.repeat(len(counts))
        seen_N = torch.tensor(counts).repeat_interleave(len(part.row_N))
        order = self.others_shuffled if shuffled else last_inputs
        at_once = max(1, INPUTS_AT_ONCE // part.x.shape[1])
        found = []
        for row_n, step_n, seen_n in zip(*(numbers.split(at_once) for numbers in (row_N, step_N, seen_N))):
            place_nT, end_n = order(step_n, seen_n)
            y_nTH, _ = self.model.architecture(self.model.encoder(part.x[row_n[:, None], place_nT]))
            found.append(self.model.readout(y_nTH[torch.arange(len(end_n)), end_n]))
        return torch.cat(found)

    def others_shuffled(self, step_N: Tensor, seen_N: Tensor) -> tuple[Tensor, Tensor]:
        """As `last_inputs`, but after all others up to there, each time in a new order."""
        step_T = torch.arange(int(step_N.max()) + 1)
        key_NT = torch.rand(len(step_N), len(step_T), generator=self.generator, dtype=torch.float64)
        before_NT = step_T < (step_N - seen_N + 1)[:, None]
        return torch.where(before_NT, key_NT, 1.0 + step_T).argsort(dim=1), step_N


def last_inputs(step_N: Tensor, seen_N: Tensor) -> tuple[Tensor, Tensor]:
    """The places of the last `seen_N` inputs up to `step_N`, and at which of them the answer is due.

    Later inputs fill up the shorter rows: no architecture sees what comes after its answer.

    >>> last_inputs(torch.tensor([5, 5, 1]), torch.tensor([2, 6, 6]))
    (tensor([[4, 5, 5, 5, 5, 5],
            [0, 1, 2, 3, 4, 5],
            [0, 1, 2, 3, 4, 5]]), tensor([1, 5, 1]))
    """
    start_N = (step_N - seen_N + 1).clamp(min=0)
    width = int((step_N - start_N).max()) + 1
    place_NT = start_N[:, None] + torch.arange(width)
    return place_NT.clamp(max=int(step_N.max())), step_N - start_N
