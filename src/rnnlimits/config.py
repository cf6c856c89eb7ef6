"""What a config file may say; validated whole before any job starts, and every mistake is one line.

    config/config.yaml: studies.digits.architectures.elmn: no architecture 'elmn'; did you mean 'elman'? (...)

Where it is, what came, what was possible, what to do.  Every key is described in config/README.md.
"""

import functools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from rnnlimits import claim_form, claim_plan, feasibility, grid, path_rules
from rnnlimits.mistakes import (
    ConfigError,
    Where,
    mistake,
    mistakes,
    tell,
    unknown_word,
)
from rnnlimits.pages import AsWritten, Labelled, Page, resolved
from rnnlimits.plain_yaml import read_yaml

MOST_SHARDS = 100_000  # of one config: with more, planning itself takes minutes and gigabytes
LABEL = r"^[a-z][a-z0-9_]{0,39}$"

Label = Annotated[str, StringConstraints(pattern=LABEL)]
Size = Annotated[int, Field(gt=0, le=feasibility.LARGEST)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
LARGEST_RATE = 1e30  # an optimiser multiplies it, and float32 ends at 3e38
Device = Literal["cpu", "cuda"]
Rate = Annotated[float, Field(gt=0, le=LARGEST_RATE, allow_inf_nan=False)]


def _without_repeats(values: list[Any]) -> list[Any]:
    if repeated := sorted(value for value, times in Counter(values).items() if times > 1):
        raise mistake(f"{repeated[0]} is there twice; name each value once")
    return values


def too_many(cells: int) -> str:
    return f"{cells:,} shards; {MOST_SHARDS:,} at most: write several configs"


AnyPath = Annotated[str, AfterValidator(path_rules.plain_path)]
Once = AfterValidator(_without_repeats)
Sizes = Annotated[list[Size], Field(min_length=1), Once]


Tasks = dict[Label, Annotated[Page, resolved("tasks"), AsWritten]]
Architectures = dict[Label, Annotated[Page, resolved("architectures"), AsWritten]]
Probes = dict[Label, Annotated[Page, resolved("probes"), AsWritten]]
Simulations = dict[Label, Annotated[Page, resolved("simulations"), AsWritten]]


class Closed(BaseModel):
    """Nothing but the fields that are written down, and no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


SCHEDULE_KEYS = {"plateau": "halve_on_plateau", "decay_every": "step_decay", "warmup": "cosine"}


class Budget(Closed):
    """How long and how a shard trains; the defaults are the same for every architecture."""

    steps: Annotated[int, Field(ge=0)]  # 0: probe the initial weights and train nothing
    batch: Size = 32
    optimiser: Literal["adam", "rmsprop", "sgd"] = "adam"
    clip_norm: Rate | None = 1.0
    clip_value: Rate | None = None  # after clip_norm
    omega: Rate | None = None  # the weight of Pascanu et al.'s regulariser
    not_finite: Literal["stop", "shrink"] = "stop"  # a gradient norm: end the replica, or shorten U
    schedule: Literal["constant", "halve_on_plateau", "step_decay", "cosine"] = "constant"
    plateau: Size | None = None  # validations, with halve_on_plateau
    decay_every: Size | None = None  # updates, with step_decay
    warmup: Annotated[int, Field(ge=0)] = 0  # updates, with cosine
    validate_every: Size = 100
    patience: Size | None = None  # validations without improvement until a replica stops
    validation_sequences: Size = 256
    test_sequences: Size = 1024
    probe_at: Annotated[float, Field(gt=0, lt=1)] | None = None  # share of the steps: once more on the way

    @model_validator(mode="after")
    def _schedule_is_whole(self) -> Self:
        if found := list(_of_schedule(self)):
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
    if budget.schedule == "cosine" and budget.warmup >= budget.steps > 0:
        yield ("warmup",), f"{budget.warmup} came; the {budget.steps} steps must be more"


class Grid(Closed):
    """What every study that trains has."""

    title: Title
    tasks: Annotated[Tasks, Labelled, Field(min_length=1)]
    architectures: Annotated[Architectures, Labelled, Field(min_length=1)]
    lengths: Sizes
    seeds: Size
    learning_rates: Annotated[list[Rate], Field(min_length=1), Once] = [1e-3]
    budget: Budget
    probes: Annotated[Probes, Labelled] = {}
    device: Device | None = None  # None: the config's

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if (cells := feasibility.cells(self)) > MOST_SHARDS:
            raise mistakes([((), too_many(cells))])
        if found := list(dict.fromkeys(feasibility.problems(self))):
            raise mistakes(found)
        return self


class TrainingStudy(Grid):
    """A grid of trainings, or of measurements at the initial weights (`steps: 0`)."""

    kind: Literal["training"]
    match: Literal["hidden_size", "parameters"] = "hidden_size"
    hidden_sizes: Sizes | None = None
    parameters: Sizes | None = None
    folds: ClassVar[None] = None


class CrossValidationStudy(Grid):
    """Chooses the hidden size: k folds of each size, then the chosen size trained again on all of it."""

    kind: Literal["cross_validation"]
    match: ClassVar[str] = "hidden_size"
    hidden_sizes: Sizes
    parameters: ClassVar[None] = None
    folds: Annotated[int, Field(ge=2)]


class SimulationStudy(Closed):
    """Numbers that need no training."""

    kind: Literal["simulation"]
    title: Title
    device: ClassVar[None] = None
    simulations: Annotated[Simulations, Labelled, Field(min_length=1)]
    seeds: Size


GridStudy = TrainingStudy | CrossValidationStudy
Study = GridStudy | SimulationStudy
STUDIES: dict[str, type[Closed]] = {
    "training": TrainingStudy,
    "cross_validation": CrossValidationStudy,
    "simulation": SimulationStudy,
}


def _of_known_kind(study: Any) -> Any:
    if isinstance(study, dict) and study.get("kind") not in list(STUDIES):
        raise mistakes([(("kind",), unknown_word(study.get("kind"), list(STUDIES)))])
    return study


AnyStudy = Annotated[Annotated[Study, Field(discriminator="kind")], BeforeValidator(_of_known_kind)]


class Config(Closed):
    """A whole config file."""

    name: Label
    results: Annotated[str, AfterValidator(path_rules.results_folder)]
    data: AnyPath | None = None
    device: Device = "cpu"
    tf32: bool = False
    jobs_per_gpu: Size = 1
    memory_mb: Size | None = None  # what one job may use; None: found where the job runs
    checkpoint_every_s: Size | None = 60  # None: a killed training starts anew
    claims: AnyPath | None = None  # beside the config file
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    studies: Annotated[dict[Label, AnyStudy], Field(min_length=1)]
    _folder: Path = PrivateAttr(default=Path())

    @field_validator("studies")
    @classmethod
    def _few_enough(cls, studies: dict[str, Study]) -> dict[str, Study]:
        if (cells := sum(feasibility.cells(study) for study in studies.values())) > MOST_SHARDS:
            raise mistake(too_many(cells))
        return studies

    @property
    def claims_path(self) -> Path | None:
        """Where the claims stand, seen from the working directory."""
        return None if self.claims is None else self._folder / self.claims

    def device_of(self, study: str) -> Device:
        """Where the jobs of a study train."""
        return self.studies[study].device or self.device

    def machine_options(self, study: str) -> list[str]:
        """What it says of the machine, as `rnnlimits train` takes it."""
        data = [f"--data={self.data}"] if self.data else []
        tf32 = ["--tf32"] if self.tf32 else []
        return ["--device", self.device_of(study), *tf32, *data]


def load(path: str | Path) -> Config:
    """The config of a file, or a ConfigError with a line for everything that is wrong with it."""
    path = Path(path)
    if problem := path_rules.problem_of(str(path)):
        raise ConfigError([f"--config: {problem}"])
    raw = read_yaml(path)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        lines = tell(error, functools.partial(_possible_keys, raw), STUDIES)
        raise ConfigError(f"{path}: {line}" for line in lines) from error
    config._folder = path.parent
    if config.claims_path:
        claims = read_yaml(config.claims_path)
        lines = claim_form.problems(claims)
        if lines := lines or claim_plan.problems(claims["claims"], list(config.studies), grid.shards(config)):
            raise ConfigError(f"{config.claims_path}: {line}" for line in lines)
    return config


def _possible_keys(raw: Any, where: Where) -> list[str]:
    """The keys that may stand in the mapping at this place."""
    match where:
        case ("studies", label, _kind):
            return list(STUDIES[raw["studies"][label]["kind"]].model_fields)
        case ("studies", _, _, "budget"):
            return list(Budget.model_fields)
    return list(Config.model_fields)
