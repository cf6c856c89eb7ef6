"""One replica of a shard: what is known of it beside its weights, and how its training ends.

    solved          two validations in a row say so, by the task's own rule
    early_stopped   `patience` validations in a row brought no improvement
    diverged        a validation's score, or a gradient's norm, is not a finite number
    out_of_updates  none of these: all updates of the budget are made

Nothing here trains: module.py tells a replica what a validation has found, and does what it answers.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rnnlimits.rows import Split, Status


@dataclass(frozen=True)
class Reading:
    """One number measured on one replica during training."""

    replica: int
    split: Split
    update: int
    metric: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What one validation has found of one replica."""

    update: int  # updates before it
    score: float  # of the task's metric
    solved: bool  # by the task's own rule
    theta_P: Tensor  # the weights that were validated


@dataclass
class Replica:
    """What is known of one replica beside its weights."""

    seed: int
    learning_rate: float
    status: Status = "out_of_updates"
    stop_update: int = 0
    best_update: int = 0
    best_value: float = math.nan
    best_theta_P: Tensor = field(default_factory=lambda: torch.zeros(0))
    mid_training_update: int | None = None  # when the weights below were kept
    mid_training_theta_P: Tensor = field(default_factory=lambda: torch.zeros(0))
    updates_to_solve: int | None = None
    validations_without_improvement: int = 0
    least_loss: float = math.inf  # of a validation, for the schedule
    validations_on_a_plateau: int = 0
    halvings: int = 0  # of the learning rate
    norms: list[float] = field(default_factory=list)  # since the last validation, one an update
    losses: list[float] = field(default_factory=list)

    def judge(self, found: Validation, higher_is_better: bool, patience: int | None) -> Status | None:
        """Take note of a validation; the status with which the training ends here, None where it goes on."""
        if not math.isfinite(found.score):
            return "diverged"
        better = found.score > self.best_value if higher_is_better else found.score < self.best_value
        if better or math.isnan(self.best_value):  # nothing came before the first
            self.best_value, self.best_update = found.score, found.update
            self.best_theta_P = found.theta_P.clone()
            self.validations_without_improvement = 0
        else:
            self.validations_without_improvement += 1
        if not found.solved:
            self.updates_to_solve = None
        elif self.updates_to_solve is None:
            self.updates_to_solve = found.update
        # Two validations in a row must say so: one lucky draw at the threshold is not a solution.
        elif found.update > self.updates_to_solve:
            return "solved"
        return "early_stopped" if patience and self.validations_without_improvement >= patience else None

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
