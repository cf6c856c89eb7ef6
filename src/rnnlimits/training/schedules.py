"""The learning rate of a replica at each update, from what the budget says and what the replica has done.

    constant          as in the list of learning rates
    halve_on_plateau  half of it each time that the validation loss has not fallen for `plateau` validations
                      (Tallec & Ollivier 2018: for 100 updates)
    step_decay        a tenth of it after every `decay_every` updates (Li et al. 2018, IndRNN: 20,000)
    cosine            `warmup` updates up in a straight line, then half a cosine down to a thousandth at the
                      last update (parity of Beck et al. 2024, xLSTM: 2,000 of 20,000)

A function of plain numbers that a checkpoint holds: a training that goes on has the rates that it would have
had.

>>> budget = Budget(updates=5, schedule="step_decay", decay_every=2)
>>> rates = [rate(budget, 1.0, update) for update in range(5)]
>>> rates == [1.0, 1.0, 0.1, 0.1, 0.1**2]
True
"""

import math

from rnnlimits.planning.config.budget import Budget

LAST_SHARE = 1e-3  # of the rate, at the end of a cosine


def rate(budget: Budget, learning_rate: float, update: int, halvings: int = 0) -> float:
    """The learning rate of the update that follows `update` updates and so many halvings."""
    match budget.schedule:
        case "halve_on_plateau":
            return learning_rate * 0.5**halvings
        case "step_decay":
            assert budget.decay_every, "the config was checked"
            return learning_rate * 0.1 ** (update // budget.decay_every)
        case "cosine":
            return learning_rate * _cosine(update, budget.warmup, budget.updates)
    return learning_rate


def _cosine(update: int, warmup: int, updates: int) -> float:
    if update < warmup:
        return (update + 1) / warmup
    share = (update - warmup) / (updates - warmup)
    return LAST_SHARE + (1 - LAST_SHARE) * (1 + math.cos(math.pi * share)) / 2
