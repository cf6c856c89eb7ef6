"""What a config file may say; validated whole before any job starts, and every mistake is one line.

    config/config.yaml: studies.digits.architectures.elmn: no architecture 'elmn'; did you mean 'elman'? (...)

Where it is, what came, what was possible, what to do.  Every key is described in config/README.md.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from rnnlimits.planning import gpu, metric_loggers
from rnnlimits.planning.config import path_rules
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.config.messages import Where, mistake, mistakes, unknown_word
from rnnlimits.planning.config.options import AsWritten, Labelled, Page, resolved
from rnnlimits.planning.config.values import Closed, Folds, KeepWeights, Label, Rate, Seeds, Size

MOST_SHARDS = 100_000  # of one config: with more, planning itself takes minutes and gigabytes
MOST_HOURS = 10_000  # more than a year
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
# `any`: a GPU where somebody says that there is one, the CPU where somebody asks for it; else it waits.
StudyDevice = Literal["cpu", "cuda", "any"]
Elsewhere = Literal["restart", "refuse"]


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


# What the keys of a study allow alone, but not together; it counts shards, of which the schema knows nothing.
Feasibility = Callable[[Any], Iterable[tuple[Where, str]]]


def feasibility_of(info: ValidationInfo) -> Feasibility:
    """Handed in, `Config.model_validate(raw, context={"feasibility": ...})`: so all mistakes come at once."""
    if not info.context:
        raise LookupError('Config.model_validate: no context; give {"feasibility": problems}, or call load()')
    feasibility: Feasibility = info.context["feasibility"]
    return feasibility


class Grid(Closed):
    """What every study that trains has."""

    title: Title
    tasks: Annotated[Tasks, Labelled, Field(min_length=1)]
    architectures: Annotated[Architectures, Labelled, Field(min_length=1)]
    lengths: Sizes
    seeds: Seeds
    learning_rates: Annotated[list[Rate], Field(min_length=1), Once] = [1e-3]  # noqa: RUF012
    budget: Budget
    probes: Annotated[Probes, Labelled] = {}  # noqa: RUF012
    device: StudyDevice | None = None  # None: the config's
    keep_weights: KeepWeights = "chosen"  # of which replicas, beside the rows

    @property
    def cells(self) -> int:
        """How many shards there are, the refits of a cross-validation not counted."""
        return len(self.tasks) * len(self.architectures) * len(self.lengths) * len(self.sizes)

    @property
    def sizes(self) -> list[int]:
        """The hidden sizes, or the parameter counts to come near; none where the list is missing."""
        raise NotImplementedError(f"{type(self).__name__} needs sizes")

    @model_validator(mode="after")
    def _is_possible(self, info: ValidationInfo) -> Self:
        if self.cells > MOST_SHARDS:
            raise mistakes([((), too_many(self.cells))])
        if found := list(dict.fromkeys(feasibility_of(info)(self))):
            raise mistakes(found)
        return self


class TrainingStudy(Grid):
    """A grid of trainings, or of measurements at the initial weights (`updates: 0`)."""

    kind: Literal["training"]
    match: Literal["hidden_size", "parameters"] = "hidden_size"
    hidden_sizes: Sizes | None = None
    parameters: Sizes | None = None
    folds: ClassVar[None] = None

    @property
    def sizes(self) -> list[int]:
        return (self.parameters if self.match == "parameters" else self.hidden_sizes) or []


class CrossValidationStudy(Grid):
    """Chooses the hidden size: k folds of each size, then the chosen size trained again on all of it."""

    kind: Literal["cross_validation"]
    match: ClassVar[str] = "hidden_size"
    hidden_sizes: Sizes
    parameters: ClassVar[None] = None
    folds: Folds

    @property
    def sizes(self) -> list[int]:
        return self.hidden_sizes


class SimulationStudy(Closed):
    """Numbers that need no training."""

    kind: Literal["simulation"]
    title: Title
    device: ClassVar[None] = None
    keep_weights: ClassVar[KeepWeights] = "none"
    simulations: Annotated[Simulations, Labelled, Field(min_length=1)]
    seeds: Seeds

    @property
    def cells(self) -> int:
        return len(self.simulations)


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
    device: gpu.Device = "cpu"
    tf32: bool = False
    jobs_per_gpu: Size = 1
    memory_mb: Size | None = None  # what one job may use; None: found where the job runs
    checkpoint_every_s: Size | None = 60  # None: a killed training starts anew
    checkpoint_elsewhere: Elsewhere = "restart"  # a killed training, on a machine that rounds differently
    split_hours: Annotated[Rate, Field(le=MOST_HOURS)] | None = (
        None  # of a training on one core; beyond: in parts
    )
    log: metric_loggers.Kind = "none"  # of every update, beside the rows
    claims: AnyPath | None = None  # beside the config file
    # Only these are judged and only what they read is run; beside an id, what this config cuts down for it.
    only_claims: Annotated[dict[str, str | None], Field(min_length=1)] | None = None
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    too_few_seeds: Literal["refuse", "undecided"] = "refuse"  # for what a claim's check needs
    studies: Annotated[dict[Label, AnyStudy], Field(min_length=1)]
    _file: Path | None = PrivateAttr(default=None)
    _claims_content: dict[str, Any] = PrivateAttr(default_factory=lambda: {"claims": [], "sources": {}})

    @field_validator("studies")
    @classmethod
    def _few_enough(cls, studies: dict[str, Study]) -> dict[str, Study]:
        if (cells := sum(study.cells for study in studies.values())) > MOST_SHARDS:
            raise mistake(too_many(cells))
        return studies

    @property
    def claims_path(self) -> Path | None:
        """Where the claims stand, seen from the working directory."""
        return None if self.claims is None else (self._file or Path()).parent / self.claims

    @property
    def options(self) -> list[str]:
        """By which a command reads this config; none of one that came from no file."""
        return [] if self._file is None else ["--config", str(self._file)]

    @property
    def claims_content(self) -> dict[str, Any]:
        """{"claims": [...], "sources": {...}} to be judged, as they were when the config was read."""
        return self._claims_content

    def device_of(self, study: str) -> gpu.Device:
        """Where the jobs of a study train, as far as anybody has said whether there is a GPU."""
        return gpu.resolved(self.asked_for(study))

    def keep_weights_of(self, study: str) -> KeepWeights:
        """Of which replicas of its shards the weights stay."""
        return self.studies[study].keep_weights

    def asked_for(self, study: str) -> StudyDevice:
        """The device as it is written."""
        return self.studies[study].device or self.device

    def machine_options(self, study: str) -> list[str]:
        """What it says of the machine, as `rnnlimits train` takes it."""
        data = [f"--data={self.data}"] if self.data else []
        tf32 = ["--tf32"] if self.tf32 else []
        return ["--device", self.asked_for(study), *tf32, *data]
