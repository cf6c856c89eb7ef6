"""How soon does guessing all weights at random solve a task that is meant to show long memory?

    h' = tanh(w x + U h + b),   answer = sigmoid(v h + c),   every weight ~ U(-100, 100), guessed anew

The task is the 2-sequence problem of Bengio, Simard & Frasconi (1994) as specified by Hochreiter &
Schmidhuber (1997), experiment 3a: N = 3 elements of +1 or -1 by class, then noise of variance 0.2 up to a
length drawn from T to 1.1 T; the answer 1 or 0 is right within 0.2. They note that guessing solves it sooner
than their LSTM, which needed 27,380 sequences at T = 100. They do not give the interval of the guesses
there; 100 is our choice.

A guess is shown the 16 training sequences until the first wrong answer. One that gets all right is tested on
2,560 new sequences and accepted with fewer than 1 % wrong. `sequences_to_solve` counts every sequence shown
to any guess, also those of failed tests, but not the last test. A run that ends at `most_guesses` reports
what it used until then, a lower bound, and `solved` 0.

>>> by_metric = {found.metric: found.value for found in simulate(Options(length=20), seed=0)}
>>> by_metric["solved"], by_metric["guesses_to_solve"] <= by_metric["sequences_to_solve"]
(1.0, True)
"""

import math
from dataclasses import dataclass

import numpy as np

from rnnlimits.contracts import SimulationOptions
from rnnlimits.simulations.base import Measurement

# Shape letters: G guesses, H hidden units, S sequences, T time steps.
BLOCK = 200  # guesses tried side by side: speed only, the count stops at the first that is accepted
NOISE_VARIANCE = 0.2
RIGHT_WITHIN = 0.2
TRAINING_SEQUENCES = 16
TEST_SEQUENCES = 2560
ACCEPTED_BELOW = 0.01  # share of wrong answers
LONGEST = 10_000  # steps
MOST_UNITS = 100
MOST_GUESSES = 10_000_000
LARGEST_WEIGHT = 1e6


@dataclass(frozen=True, kw_only=True)
class Options(SimulationOptions):
    length: int = 100  # steps, at least; at most 1.1 times as many
    signal_steps: int = 3  # how many first elements carry the class
    hidden: int = 1  # units, each connected to each
    weights_up_to: float = 100.0
    most_guesses: int = 20_000

    def __post_init__(self) -> None:
        if not 1 <= self.signal_steps < self.length <= LONGEST:
            raise ValueError(
                f"random_guessing: got signal_steps={self.signal_steps}, length={self.length}; expected "
                f"1 to length - 1 signal steps, and a length of at most {LONGEST}"
            )
        if not 1 <= self.hidden <= MOST_UNITS or not 1 <= self.most_guesses <= MOST_GUESSES:
            raise ValueError(
                f"random_guessing: got hidden={self.hidden}, most_guesses={self.most_guesses}; expected "
                f"1 to {MOST_UNITS} units and 1 to {MOST_GUESSES} guesses"
            )
        if not 0 < self.weights_up_to <= LARGEST_WEIGHT:
            raise ValueError(
                f"random_guessing: got weights_up_to={self.weights_up_to}; expected above 0, at most "
                f"{LARGEST_WEIGHT:g}"
            )


@dataclass(frozen=True)
class Sequences:
    x_ST: np.ndarray
    length_S: np.ndarray
    target_S: np.ndarray


def draw_sequences(count: int, options: Options, rng: np.random.Generator) -> Sequences:
    length_S = rng.integers(options.length, math.floor(1.1 * options.length), count, endpoint=True)
    target_S = rng.integers(0, 2, count)
    x_ST = math.sqrt(NOISE_VARIANCE) * rng.standard_normal((count, length_S.max()))
    x_ST[:, : options.signal_steps] = 2 * target_S[:, None] - 1
    return Sequences(x_ST, length_S, target_S)


def guess(count: int, options: Options, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of `count` networks."""
    hidden, limit = options.hidden, options.weights_up_to
    shapes = {"w_GH": (hidden,), "U_GHH": (hidden, hidden), "b_GH": (hidden,), "v_GH": (hidden,), "c_G": ()}
    return {name: rng.uniform(-limit, limit, (count, *shape)) for name, shape in shapes.items()}


def wrong_answers(weights: dict[str, np.ndarray], sequences: Sequences) -> np.ndarray:
    """wrong_GS: which sequences each network gets wrong."""
    w_GH1, b_GH1 = weights["w_GH"][:, :, None], weights["b_GH"][:, :, None]
    h_GHS = np.zeros((len(w_GH1), w_GH1.shape[1], len(sequences.target_S)))
    for step, x_S in enumerate(sequences.x_ST.T):
        next_GHS = np.tanh(w_GH1 * x_S + weights["U_GHH"] @ h_GHS + b_GH1)
        h_GHS = np.where(step < sequences.length_S, next_GHS, h_GHS)  # a sequence that is over stands still
    logit_GS = np.einsum("gh,ghs->gs", weights["v_GH"], h_GHS) + weights["c_G"][:, None]
    answer_GS = 0.5 + 0.5 * np.tanh(logit_GS / 2)  # the sigmoid, in a form that cannot overflow
    wrong_GS: np.ndarray = np.abs(answer_GS - sequences.target_S) >= RIGHT_WITHIN
    return wrong_GS


def simulate(options: Options, seed: int) -> list[Measurement]:
    rng = np.random.default_rng(seed)
    training = draw_sequences(TRAINING_SEQUENCES, options, rng)
    guesses = shown = 0
    solved = False
    while not solved and guesses < options.most_guesses:
        block = guess(min(BLOCK, options.most_guesses - guesses), options, rng)
        for g, wrong_S in enumerate(wrong_answers(block, training)):
            guesses += 1
            if wrong_S.any():
                shown += int(wrong_S.argmax()) + 1  # up to the first wrong answer
                continue
            shown += TRAINING_SEQUENCES
            test = draw_sequences(TEST_SEQUENCES, options, rng)
            this_one = {name: values[[g]] for name, values in block.items()}
            solved = bool(wrong_answers(this_one, test).mean() < ACCEPTED_BELOW)
            if solved:
                break
            shown += TEST_SEQUENCES
    return [
        Measurement("sequences_to_solve", float(shown), "sequences"),
        Measurement("guesses_to_solve", float(guesses), "guesses"),
        Measurement("solved", float(solved), "share"),
    ]
