"""How long and how a shard trains: one typed object from the config to the trainer."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from rnnlimits.planning.config.messages import Where, mistakes
from rnnlimits.planning.config.values import Closed, Rate, Size

SCHEDULE_KEYS = {"plateau": "halve_on_plateau", "decay_every": "step_decay", "warmup": "cosine"}


class Budget(Closed):
    """How long and how a shard trains; the defaults are the same for every architecture."""

    updates: Annotated[int, Field(ge=0)]  # 0: probe the initial weights and train nothing
    batch_size: Size = 32
    optimiser: Literal["adam", "rmsprop", "sgd"] = "adam"
    clip_norm: Rate | None = 1.0
    clip_value: Rate | None = None  # after clip_norm
    gradient_norm_penalty: Rate | None = None  # the weight of Omega, Pascanu et al. (2013)
    dropout: Annotated[float, Field(gt=0, lt=1)] | None = None  # share of the numbers
    not_finite: Literal["stop", "shrink"] = "stop"  # a gradient norm: end the replica, or shorten U
    schedule: Literal["constant", "halve_on_plateau", "step_decay", "cosine"] = "constant"
    plateau: Size | None = None  # validations, with halve_on_plateau
    decay_every: Size | None = None  # updates, with step_decay
    warmup: Annotated[int, Field(ge=0)] = 0  # updates, with cosine
    validate_every: Size = 100
    patience: Size | None = None  # validations without improvement until a replica stops
    patience_from: Annotated[int, Field(ge=0)] | None = None  # updates; None: better than guessing first
    validation_sequences: Size = 256
    test_sequences: Size = 1024
    test_last_weights: bool = False  # read test once more, with the weights at which training stopped
    probe_at: Annotated[float, Field(gt=0, lt=1)] | None = None  # share of the updates: once more on the way

    @model_serializer(mode="wrap")
    def _plain(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without dropout a spec is, letter for letter, what it was before there was such a key."""
        found: dict[str, Any] = whole(self)
        return {key: value for key, value in found.items() if key != "dropout" or value is not None}

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if found := [*_of_schedule(self), *_of_patience(self)]:
            raise mistakes(found)
        return self


def _of_schedule(budget: Budget) -> Iterator[tuple[Where, str]]:
    """Every schedule has a key of its own, which no other reads."""
    for key, schedule in SCHEDULE_KEYS.items():
        came, own = getattr(budget, key), budget.schedule == schedule
        if own and came is None:
            yield (key,), f"missing; `schedule: {schedule}` needs it"
        if not own and came:
            yield (key,), f"has no effect with `schedule: {budget.schedule}`; remove it, or change schedule"
    if budget.schedule == "cosine" and budget.warmup >= budget.updates > 0:
        yield ("warmup",), f"got {budget.warmup}; expected less than the {budget.updates} updates"


def _of_patience(budget: Budget) -> Iterator[tuple[Where, str]]:
    if budget.patience_from is not None and budget.patience is None:
        yield ("patience_from",), "has no effect without patience; remove it, or give patience"
