"""Training of all replicas of a shard at once, as a LightningModule.

Lightning runs the loop, the device and the loggers; what is written here is what it has no word for: a data
stream, a gradient norm, an early stop and a divergence for each replica. A replica that has stopped takes no
further part in any product, so its weights cannot move.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from rnnlimits.planning.config.budget import Budget
from rnnlimits.rows import Status
from rnnlimits.tasks.base import Batch, Task
from rnnlimits.training.checkpoints import GroupCheckpoint
from rnnlimits.training.cuda_graph import Recording, Replayed
from rnnlimits.training.dropout import Dropout
from rnnlimits.training.evaluation import evaluate
from rnnlimits.training.gradient_norm_penalty import penalty_and_gradient
from rnnlimits.training.optimisers import OPTIMISERS
from rnnlimits.training.replica import Reading, Replica, Validation
from rnnlimits.training.replicas import Replicas, clip, fold, shrink, stack
from rnnlimits.training.rule import rule_of
from rnnlimits.training.schedules import rate
from rnnlimits.training.streams import Stream


class ReplicaTraining(pl.LightningModule):
    """A group of replicas in training; what is left of it is in `replicas` and `readings`."""

    recorder: type[Recording] | None = None  # None: what suits the device

    def __init__(
        self,
        models: Replicas,
        replicas: Sequence[Replica],
        tasks: dict[int, Task],
        validation: dict[int, list[Batch]],
        budget: Budget,
        checkpoint: GroupCheckpoint | None = None,
    ):
        super().__init__()
        self.models = models
        self.replicas = list(replicas)
        self.task = next(iter(tasks.values()))
        self.validation = validation
        self.budget = budget
        self.shrinks = budget.not_finite == "shrink"
        self.active = list(range(len(replicas)))
        # Replicas of one seed differ in the learning rate alone: they share the seed's data stream.
        self.streams = {seed: Stream(task, budget.batch_size, seed) for seed, task in tasks.items()}
        self.dropout = Dropout(budget.dropout, tasks)
        self.checkpoint = checkpoint
        self.done: int | None = None  # updates, with all that is theirs; None before the first validation
        self.optimiser_state: dict[str, Any] | None = None  # to go on with
        self.carried: tuple[Tensor, ...] | None = None
        self.readings: list[Reading] = []

    def configure_optimizers(self) -> torch.optim.Optimizer:
        groups = [
            {"params": [row], "lr": replica.learning_rate}
            for row, replica in zip(self.models.rows, self.replicas, strict=True)
        ]
        self.optimiser = OPTIMISERS[self.budget.optimiser](groups)
        if self.optimiser_state:
            self.optimiser.load_state_dict(self.optimiser_state)
        return self.optimiser

    def on_fit_start(self) -> None:
        self.step = Replayed(self.gradients, self.device, self.recorder)
        if self.carried is not None:  # from a checkpoint, which is read before anything is on a GPU
            self.carried = tuple(part.to(self.device) for part in self.carried)

    def training_step(self, _: Tensor) -> Tensor:
        for r in self.active:
            one = self.replicas[r]
            lr = rate(self.budget, one.learning_rate, self.done or 0, one.halvings)
            self.optimiser.param_groups[r]["lr"] = lr
        drawn = {seed: next(self.streams[seed]) for seed in {self.replicas[r].seed for r in self.active}}
        theta_RP = self.models.theta(self.active).detach()
        batch = stack([drawn[self.replicas[r].seed] for r in self.active], theta_RP)
        carried = (batch.carry and self.carried) or ()
        frozen_RQ = self.models.frozen_RQ[self.active]
        seeds = [self.replicas[r].seed for r in self.active]
        masks = self.models.masks(self.dropout, seeds, batch.x, theta_RP)
        self.gradient_RP, losses_and_norms_2R, *state = self.step(
            theta_RP, frozen_RQ, batch.x, batch.target, batch.mask_BT, batch.asked_BA, *masks, *carried
        )
        self.carried = tuple(state)
        # Both in one: each time that a number is read, the processor waits for a GPU.
        for r, loss, norm in zip(self.active, *losses_and_norms_2R.tolist(), strict=True):
            self.replicas[r].losses.append(loss)
            self.replicas[r].norms.append(norm)
        return losses_and_norms_2R[0].sum()

    def gradients(
        self, theta_RP: Tensor, frozen_RQ: Tensor, x: Tensor, target: Tensor,
        mask_BT: Tensor | None, asked_BA: Tensor | None = None,
        kept_RBTI: Tensor | None = None, kept_RBTH: Tensor | None = None, *state: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Clipped gradients, the losses above the norms before clipping, and the state to carry on.

        A function of its arguments alone, which reads nothing from the device: so a GPU can replay it.
        """
        theta_RP = theta_RP.detach().requires_grad_()
        tensors, penalty = self.models.tensors(theta_RP, frozen_RQ), self.budget.gradient_norm_penalty
        last = self.task.reads_last and not penalty  # Omega is of every step
        y_RBTH, new_state = self.models.hidden(tensors, x, state or None, last=last, kept_RBTI=kept_RBTI)
        output = self.models.answer(tensors, y_RBTH, asked_BA, kept_RBTH)
        loss_N = self.task.loss_N(output.flatten(0, 1), fold(Batch(x, target, mask_BT)))
        loss_R = loss_N.view(len(theta_RP), -1).mean(1)
        # No replica's loss depends on another's weights: the gradients of the sum stay apart.
        gradient_RP, *direct = torch.autograd.grad(loss_R.sum(), [theta_RP, *([y_RBTH] if penalty else [])])
        if penalty:
            self.add_penalty(gradient_RP, penalty, tensors[self.models.trained_matrix], y_RBTH, *direct)
        clipped_RP, norms_R = clip(gradient_RP, self.budget.clip_norm, self.budget.clip_value)
        if self.shrinks:
            clipped_RP = shrink(clipped_RP, norms_R, theta_RP.detach(), self.matrix)
        # Truncated back-propagation through time: the state goes on, its gradient does not.
        return (
            clipped_RP,
            torch.stack([loss_R.detach(), norms_R]),
            *(part.detach() for part in new_state or ()),
        )

    @torch.no_grad()
    def add_penalty(
        self, gradient_RP: Tensor, weight: float, U_RHH: Tensor, h_RBTH: Tensor, direct_RBTH: Tensor
    ) -> None:
        """To the recurrent matrix's part, and before the clipping, as in the released code."""
        nonlinearity = self.models.architecture.nonlinearity
        _, by_U_RHH = penalty_and_gradient(U_RHH, h_RBTH, direct_RBTH, nonlinearity)
        gradient_RP[:, self.matrix] += weight * by_U_RHH.flatten(1)

    @property
    def matrix(self) -> slice:
        """Where in a row the recurrent matrix stands."""
        return self.models.layout.place(self.models.trained_matrix)

    def backward(self, loss: Tensor, *_: object) -> None:
        """Lightning's moment for the gradients: they are there; one that is not finite makes no update."""
        for r, gradient_P in zip(self.active, self.gradient_RP, strict=True):
            if self.shrinks or math.isfinite(self.replicas[r].norms[-1]):
                self.models.rows[r].grad = gradient_P

    def on_train_batch_end(self, outputs: object, batch: int, batch_idx: int) -> None:
        update = batch + 1
        if self.logger:
            norms = {f"gradient_norm/{r}": self.replicas[r].norms[-1] for r in self.active}
            losses = {f"loss/{r}": self.replicas[r].losses[-1] for r in self.active}
            self.logger.log_metrics(norms | losses, update)
        if not self.shrinks:
            broken = [r for r in self.active if not math.isfinite(self.replicas[r].norms[-1])]
            self.close(dict.fromkeys(broken, "diverged"), update)
        if self.active and (update % self.budget.validate_every == 0 or update == self.budget.updates):
            self.validate(update)
        if not self.active:
            self.trainer.should_stop = True
        self.done = update
        if self.checkpoint and self.checkpoint.due:
            self.checkpoint.save(self.state())

    def validate(self, update: int) -> None:
        """Read the validation split; keep the best weights; close what is solved or done."""
        theta_RP = self.models.theta(self.active).detach()
        sets = [self.validation[self.replicas[r].seed] for r in self.active]
        scores = evaluate(self.models, self.task, self.active, theta_RP, sets)
        closing: dict[int, Status] = {}
        over: Status | None = "out_of_updates" if update == self.budget.updates else None
        for row, r in enumerate(self.active):
            values = {metric: score_R[row] for metric, score_R in scores.items()}
            if status := self.validated(r, update, values, theta_RP[row]) or over:
                closing[r] = status
            elif update >= (self.budget.probe_at or math.inf) * self.budget.updates:
                self.replicas[r].keep_mid_training(update, theta_RP[row])
        self.close(closing, update)

    def validated(self, r: int, update: int, values: dict[str, float], theta_P: Tensor) -> Status | None:
        """Write down what a validation of one replica found; its status where its training ends here."""
        replica = self.replicas[r]
        self.readings += [Reading(r, "validation", update, *one) for one in values.items()]
        self.readings += [Reading(r, "train", update, *one) for one in replica.training_summary().items()]
        if self.budget.plateau:  # its schedule is halve_on_plateau
            replica.watch_the_plateau(values["loss"], self.budget.plateau)
        found = Validation(
            score=values[self.task.metric], loss=values["loss"], solved=self.task.solved(values),
            update=update, theta_P=theta_P,
        )  # fmt: skip
        return replica.judge(found, rule_of(self.task), self.budget)

    def close(self, closing: dict[int, Status], update: int) -> None:
        """These replicas' training ends here: they leave the products, and what they carried."""
        for r, status in closing.items():
            self.replicas[r].close(status, update, self.models.rows[r], self.budget)
        for r in self.active:
            self.replicas[r].stop_update = update
        keep = [row for row, r in enumerate(self.active) if r not in closing]
        if self.carried is not None and closing:
            self.carried = tuple(part[keep] for part in self.carried)
            self.step.forget()
        self.active = [self.active[row] for row in keep]

    def state(self) -> dict[str, Any]:
        """All that decides the updates to come and the rows, in plain dictionaries, lists and tensors."""
        return self.outcome() | {
            "active": list(self.active),
            "weights": [row.detach() for row in self.models.rows],
            "optimiser": self.optimiser.state_dict(),
            "streams": {seed: stream.state() for seed, stream in self.streams.items()},
            "dropout": self.dropout.state(),
            "carried": None if self.carried is None else list(self.carried),
            # Nothing of ours draws from torch's own generator; a page of a user's may.
            "generator": torch.get_rng_state(),
        }

    def outcome(self) -> dict[str, Any]:
        """What is left of a training that is over."""
        return {
            "done": self.done,
            "active": [],
            "replicas": [dict(vars(replica)) for replica in self.replicas],
            "readings": [dataclasses.astuple(reading) for reading in self.readings],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Be what another module was when it gave its `state` or its `outcome` away."""
        self.done, self.active = state["done"], list(state["active"])
        self.readings = [Reading(*reading) for reading in state["readings"]]
        for replica, known in zip(self.replicas, state["replicas"], strict=True):
            vars(replica).update(known)
        if not self.active:
            return
        for row, weights_P in zip(self.models.rows, state["weights"], strict=True):
            row.data.copy_(weights_P)
        for seed, stream in self.streams.items():
            stream.restore(state["streams"][seed])
        self.dropout.restore(state["dropout"])
        self.optimiser_state = state["optimiser"]
        self.carried = state["carried"] and tuple(state["carried"])
        torch.set_rng_state(state["generator"])
