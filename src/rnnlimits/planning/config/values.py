"""What single keys may hold: labels, sizes, rates; and the strictness that every part of a config shares."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from rnnlimits.planning.config.messages import mistake

LABEL = r"^[a-z][a-z0-9_]{0,39}$"
LARGEST = 2**31 - 1  # what a column of whole numbers holds
LARGEST_OPTION = 1e9  # of a page: float32 holds its square, and no source comes near
MOST_MODELS = 10_000  # of one job, which keeps the weights of all; the largest published study has a thousand
MOST_STEPS = 10**9  # of all sequences that a network reads at once: 4 GB for each number that a step keeps
LARGEST_RATE = 1e30  # an optimiser multiplies it, and float32 ends at 3e38

Label = Annotated[str, StringConstraints(pattern=LABEL)]
Size = Annotated[int, Field(gt=0, le=LARGEST)]


def _in_one_job(count: int) -> int:
    if count > MOST_MODELS:
        raise mistake(f"got {count:,}; expected at most {MOST_MODELS:,}, as one job holds all of them")
    return count


Seeds = Annotated[int, Field(gt=0), AfterValidator(_in_one_job)]
Folds = Annotated[int, Field(ge=2), AfterValidator(_in_one_job)]
Rate = Annotated[float, Field(gt=0, le=LARGEST_RATE, allow_inf_nan=False)]
KeepWeights = Literal["chosen", "all", "none"]  # planning/kept_weights.py says which replicas that are


class Closed(BaseModel):
    """Nothing but the fields that are written down, and no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
