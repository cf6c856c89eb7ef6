"""One replica of a shard: what is known of it beside its weights, and how its training ends.

    solved          two validations in a row say so, by the task's own rule
    early_stopped   `patience` validations in a row brought no improvement
    diverged        a validation's score or loss, or a gradient's norm, is not a finite number
    out_of_updates  none of these: all updates of the budget are made

The task says whether the loss or the score tells an improvement (rows/selection.py, Rule).  Patience does not
count what lies before the first answers that are better than guessing, unless `patience_from` says so.

Nothing here trains: module.py tells a replica what a validation has found, and does what it answers.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rnnlimits.planning.config.budget import Budget
from rnnlimits.rows import Split, Status
from rnnlimits.rows.selection import Rule, Validated


@dataclass(frozen=True)
class Reading:
    """One number measured on one replica during training."""

    replica: int
    split: Split
    update: int
    metric: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Validation(Validated):
    """What one validation has found of one replica."""

    update: int  # updates before it
    theta_P: Tensor  # the weights that were validated


@dataclass
class Replica:
    """What is known of one replica beside its weights."""

    seed: int
    learning_rate: float
    status: Status = "out_of_updates"
    stop_update: int = 0
    best_update: int = 0
    best_value: float = math.nan  # the score of the best weights
    best_loss: float = math.nan
    best_solves: bool = False
    best_theta_P: Tensor = field(default_factory=lambda: torch.zeros(0))
    mid_training_update: int | None = None  # when the weights below were kept
    mid_training_theta_P: Tensor = field(default_factory=lambda: torch.zeros(0))
    last_theta_P: Tensor = field(default_factory=lambda: torch.zeros(0))  # where test reads these too
    updates_to_solve: int | None = None
    left_chance: bool = False  # has it ever answered better than by guessing?
    validations_without_improvement: int = 0
    least_loss: float = math.inf  # of a validation, for the schedule
    validations_on_a_plateau: int = 0
    halvings: int = 0  # of the learning rate
    norms: list[float] = field(default_factory=list)  # since the last validation, one an update
    losses: list[float] = field(default_factory=list)

    @property
    def best(self) -> Validated | None:
        """What validation found of the best weights; None before there are any."""
        if math.isnan(self.best_loss):
            return None
        return Validated(score=self.best_value, loss=self.best_loss, solved=self.best_solves)

    def judge(self, found: Validation, rule: Rule, budget: Budget) -> Status | None:
        """Take note of a validation; the status with which the training ends here, None where it goes on."""
        if not (math.isfinite(found.score) and math.isfinite(found.loss)):
            if self.best is None:  # its start is all that there is to be probed
                self.best_theta_P = found.theta_P.clone()
            return "diverged"
        self.left_chance = self.left_chance or rule.leaves_chance(found)
        if self.best is None or rule.prefers(found, self.best):
            self.keep(found)
            self.validations_without_improvement = 0
        elif self.left_chance or (budget.patience_from is not None and found.update > budget.patience_from):
            self.validations_without_improvement += 1
        if not found.solved:
            self.updates_to_solve = None
        elif self.updates_to_solve is None:
            self.updates_to_solve = found.update
        # Two validations in a row must say so: one lucky draw at the threshold is not a solution.
        elif found.update > self.updates_to_solve:
            return "solved"
        out_of_patience = budget.patience and self.validations_without_improvement >= budget.patience
        return "early_stopped" if out_of_patience else None

    def keep(self, found: Validation) -> None:
        """These are the best weights so far."""
        self.best_value, self.best_loss, self.best_solves = found.score, found.loss, found.solved
        self.best_update, self.best_theta_P = found.update, found.theta_P.clone()

    def close(self, status: Status, update: int, theta_P: Tensor, budget: Budget) -> None:
        """Training ends here, with these weights."""
        self.status = status
        if budget.probe_at:
            self.keep_mid_training(update, theta_P)
        if budget.test_last_weights:
            self.last_theta_P = theta_P.detach().clone()

    def watch_the_plateau(self, loss: float, plateau: int) -> None:
        """Halve the rate when the validation loss has not fallen `plateau` times, and count anew."""
        if loss < self.least_loss:
            self.least_loss, self.validations_on_a_plateau = loss, 0
            return
        self.validations_on_a_plateau += 1
        if self.validations_on_a_plateau == plateau:
            self.halvings, self.validations_on_a_plateau = self.halvings + 1, 0

    def keep_mid_training(self, update: int, theta_P: Tensor) -> None:
        """The weights of the first validation at `probe_at` of the updates, or of an earlier end.

        Which learning rate is probed is known only when all replicas are done.  Of a replica that diverged
        the best weights are kept: about its last ones nothing could be measured.
        """
        if self.mid_training_update is not None:
            return
        if self.status == "diverged":
            update, theta_P = self.best_update, self.best_theta_P
        self.mid_training_update, self.mid_training_theta_P = update, theta_P.detach().clone()

    def training_summary(self) -> dict[str, float]:
        """Mean loss and the gradient norm before clipping, over the updates since the last call of this."""
        if not self.norms:
            return {}
        norms = torch.tensor(self.norms, dtype=torch.float64)
        summary = {
            "loss": sum(self.losses) / len(self.losses),
            "gradient_norm_median": norms.quantile(0.5).item(),
            "gradient_norm_p99": norms.quantile(0.99).item(),
            "gradient_norm_max": norms.max().item(),
        }
        self.norms.clear()
        self.losses.clear()
        return summary
