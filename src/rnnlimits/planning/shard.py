"""One shard is one job: a cell of the grid, with all its seeds and learning rates trained together.

A shard is plain data and travels as one line of JSON: through Snakemake's `params`, through a shell, into the
provenance of its rows.
"""

import dataclasses
import json
from typing import Any

from rnnlimits.catalog import pick
from rnnlimits.planning.config.budget import Budget
from rnnlimits.rows import COLUMNS, Kind, Row

SECONDS = "seconds"  # how long it takes: `plan --json` says it beside the spec, and it decides no number
UNKNOWN_PARAMETERS = 10_000  # of a refit, whose size is not yet chosen when jobs are put into order


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """Everything that decides the numbers of one job."""

    study: str
    kind: Kind
    task: str  # the label in the config
    task_page: str  # the file in tasks/, or in simulations/
    task_options: dict[str, Any]
    variant: str  # the label of the architecture in the config
    architecture: str  # the file in architectures/; "none" for a simulation
    architecture_options: dict[str, Any]
    hidden_size: int  # 0 where it is chosen from other shards' rows (refit)
    length_steps: int
    parameters: int  # trainable, of the whole model
    parameters_target: int | None  # what `match: parameters` aimed at
    seeds: int  # replicas have seeds 0 .. seeds - 1
    learning_rates: list[float]
    budget: Budget | None  # None: a simulation, which trains nothing
    probes: dict[str, dict[str, Any]]
    folds: int | None  # of a cross-validation
    needs: list[str]  # ids of the shards whose rows this one reads (refit only)

    @property
    def id(self) -> str:
        """The name of the rows file, of the job and of the row's column `shard`."""
        if self.kind == "simulation":
            return f"{self.study}.{self.task}.simulation"
        size = "chosen" if self.kind == "refit" else f"h{self.hidden_size}"
        return f"{self.study}.{self.task}.{self.variant}.{size}.t{self.length_steps}"

    @property
    def replicas(self) -> int:
        """How many models this job trains side by side."""
        if self.kind == "simulation":
            return self.seeds
        per_rate = self.folds if self.kind == "cross_validation" and self.folds else self.seeds
        # A refit finds its learning rate already chosen.
        return per_rate * (1 if self.kind == "refit" else len(self.learning_rates))

    @property
    def updates(self) -> int:
        """How many updates each replica may make; 0: it is measured untrained, or is a simulation."""
        return self.budget.updates if self.budget else 0

    @property
    def cost(self) -> float:
        """A rough measure of the work, in additions and multiplications: long jobs should start first."""
        if self.budget is None:
            return 0.0
        # A fold is as urgent as itself and the refit, which has to wait for it.
        models = self.replicas + (self.seeds if self.kind == "cross_validation" else 0)
        per_step = self.budget.batch_size * models * (self.parameters or UNKNOWN_PARAMETERS)
        # A time step costs some 100 us whatever its size; probing alone costs as much as some updates.
        return max(self.budget.updates, 20) * self.length_steps * (200_000 + per_step)

    def row(self, **measured: Any) -> Row:
        """A row of this shard: the columns that say which shard it is are filled in."""
        same = {name: getattr(self, name) for name in _COMMON}
        return Row(shard=self.id, **(same | measured))

    def to_json(self) -> str:
        """One line with sorted keys: equal shards give equal text.  A budget is whole, with its defaults."""
        plain = vars(self) | {"budget": self.budget and self.budget.model_dump()}
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Shard":
        """The shard that `to_json` wrote; of another hand's text, shard_form.read checks the values."""
        return cls.of(cls.fields_of(text))

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Shard":
        """The shard of the fields of `to_json`."""
        budget = values["budget"]
        return cls(**(values | {"budget": None if budget is None else Budget.model_validate(budget)}))

    @classmethod
    def fields_of(cls, text: str) -> dict[str, Any]:
        """What a line of JSON says of each field, whatever that is; other fields are a ValueError."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # also a number of 5,000 digits, a thousand brackets
            raise ValueError(f"--spec: not JSON ({error}); take it from `rnnlimits plan --json`") from error
        known = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(values, dict):
            raise ValueError(f"--spec: got {type(values).__name__}; expected a mapping of {', '.join(known)}")
        values.pop(SECONDS, None)
        try:
            for key in values:
                pick(key, known, noun="field of a shard")
        except LookupError as error:
            raise ValueError(f"--spec: {error}") from error
        if missing := [name for name in known if name not in values]:
            raise ValueError(f"--spec: these fields of a shard are missing: {', '.join(missing)}")
        return values


_COMMON = set(COLUMNS) & {field.name for field in dataclasses.fields(Shard)}
