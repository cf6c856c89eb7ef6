"""The config of a file, checked whole: its form, what its keys allow together, and its claims."""

import functools
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rnnlimits.planning import claim_plan, feasibility, grid
from rnnlimits.planning.config import claim_form, path_rules
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.config.messages import ConfigError, Where, tell, unknown_word
from rnnlimits.planning.config.plain_yaml import read_yaml
from rnnlimits.planning.config.schema import STUDIES, Config


def load(path: str | Path) -> Config:
    """The config of a file, or a ConfigError with a line for everything that is wrong with it."""
    path = Path(path)
    if problem := path_rules.problem_of(str(path)):
        raise ConfigError([f"--config: {problem}"])
    raw = read_yaml(path)
    try:
        config = checked(raw)
    except ValidationError as error:
        lines = tell(error, functools.partial(_possible_keys, raw), STUDIES)
        raise ConfigError(f"{path}: {line}" for line in lines) from error
    config._file = path
    if config.claims_path:
        claims = read_yaml(config.claims_path)
        if lines := claim_form.problems(claims):
            raise ConfigError(f"{config.claims_path}: {line}" for line in lines)
        wanted = _wanted(claims["claims"], config, path)
        if lines := _unfit(wanted, config):
            raise ConfigError(f"{config.claims_path}: {line}" for line in lines)
        config._claims_content = claims | {"claims": wanted}
    elif config.only_claims:
        raise ConfigError([f"{path}: only_claims: has no effect without claims; name their file"])
    return config


def _wanted(claims: list[dict[str, Any]], config: Config, path: Path) -> list[dict[str, Any]]:
    """The claims to be judged, with what this config cuts down for them."""
    if config.only_claims is None:
        return claims
    known = {claim["id"]: claim for claim in claims}
    if unknown := [name for name in config.only_claims if name not in known]:
        raise ConfigError(f"{path}: only_claims: {unknown_word(name, list(known))}" for name in unknown)
    wanted = []
    for name, cut in config.only_claims.items():
        claim = dict(known[name])
        if cut:
            claim["reduced"] = f"{claim.get('reduced', '')} {cut}".strip()
        if all(config.asked_for(study) == "cpu" for study in config.studies):
            claim.pop("needs", None)  # a GPU, where the claims were written
        wanted.append(claim)
    return wanted


def _unfit(claims: list[dict[str, Any]], config: Config) -> list[str]:
    """What of the claims the studies do not produce, or not often enough to judge it."""
    planned = grid.everything(config)
    found = claim_plan.problems(claims, list(config.studies), planned)
    if found or config.too_few_seeds == "undecided":
        return found
    return list(claim_plan.too_few_seeds(claims, planned, config.confidence))


def checked(raw: Any) -> Config:
    """The config that plain data are; pydantic's ValidationError, with all mistakes, where they are none."""
    return Config.model_validate(raw, context={"feasibility": feasibility.problems})


def _possible_keys(raw: Any, where: Where) -> list[str]:
    """The keys that may stand in the mapping at this place."""
    match where:
        case ("studies", label, _kind):
            return list(STUDIES[raw["studies"][label]["kind"]].model_fields)
        case ("studies", _, _, "budget"):
            return list(Budget.model_fields)
    return list(Config.model_fields)
