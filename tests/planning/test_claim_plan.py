"""A claim may name only columns that exist and shards that are planned; told before any job starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rnnlimits import catalog
from rnnlimits.planning.config.messages import ConfigError
from rnnlimits.planning.load import load
from support.example_config import GOOD, changed

CLAIMS: dict[str, Any] = {
    "sources": {"author2000": "Author (2000), Title"},
    "claims": [
        {
            "id": "forgets",
            "title": "It forgets",
            "says": "A sentence.",
            "source": {"key": "author2000", "place": "fig. 2"},
            "type": "theory",
            "parts": [
                {"check": "at_most", "bound": 0, "study": "trained",
                 "where": {"variant": "elman", "metric": "gradient_slope", "hidden_size": "largest"}},
            ],
        }
    ],
}  # fmt: skip


def with_claims(tmp_path: Path, *place_and_value: Any, too_few_seeds: str = "undecided") -> Path:
    claims = changed(CLAIMS, place_and_value[:-1], place_and_value[-1]) if place_and_value else CLAIMS
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(claims))
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump(GOOD | {"claims": "claims.yaml", "too_few_seeds": too_few_seeds})
    )
    return tmp_path / "config.yaml"


def test_a_claim_that_has_not_the_form_of_one_is_told_so(tmp_path):
    with pytest.raises(ConfigError, match=r"claims\.yaml: forgets\.type: got 'X'; "):
        load(with_claims(tmp_path, "claims", 0, "type", "X"))


def test_claims_stand_beside_the_config(tmp_path):
    assert load(with_claims(tmp_path)).claims_path == tmp_path / "claims.yaml"


PART = ("claims", 0, "parts", 0)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((*PART, "study"), "traind", "study: no study 'traind'; did you mean 'trained'? (known: "),
        (
            (*PART, "where", "length"),
            3,
            "where: unknown key 'length'; did you mean 'length_steps'? (possible: ",
        ),
        (
            (*PART, "where", "variant"),
            "gru",
            "where.variant: no planned shard has 'gru'; planned: elman, lstm",
        ),
        ((*PART, "where", "variant"), [], "where.variant: no planned shard has []; planned: elman, lstm"),
        (
            (*PART, "where", "hidden_size"),
            5,
            "where.hidden_size: no planned shard has 5; planned: smallest, lar",
        ),
        (
            (*PART, "where", "hidden_size"),
            "longest",
            "where.hidden_size: no planned shard has 'longest'; planned",
        ),
        (
            (*PART, "where", "split"),
            "testing",
            "where.split: got 'testing'; did you mean 'test'? (possible: ",
        ),
        (
            (*PART, "where", "lag_steps"),
            "lst",
            "where.lag_steps: got 'lst'; did you mean 'last'? (possible: shortest, ",
        ),
        ((*PART, "where"), 3, "where: give a mapping of columns to values"),
    ],
)
def test_a_claim_may_name_only_what_is_planned(tmp_path, place, value, message):
    with pytest.raises(ConfigError) as error:
        load(with_claims(tmp_path, *place, value))
    (line,) = error.value.lines
    assert line.startswith(f"{tmp_path / 'claims.yaml'}: forgets.parts[0].{message}")


def test_against_changes_some_columns_of_where(tmp_path):
    where = {"task": "adding", "variant": "elman", "metric": "loss"}
    part = {"check": "ordering", "direction": "lower", "study": "trained", "where": where}
    part["against"] = {"variant": "lstm"}
    assert load(with_claims(tmp_path, *PART, part))
    with pytest.raises(
        ConfigError, match=r"parts\[0\]\.against\.variant: no planned shard has 'gru'; planned: elman"
    ):
        load(with_claims(tmp_path, *PART, part | {"against": {"variant": "gru"}}))


@pytest.mark.parametrize("value", ["smallest", 4, [4, 5]])
def test_a_claim_may_name_extremes_and_alternatives(tmp_path, value):
    assert load(with_claims(tmp_path, *PART, "where", "hidden_size", value))


CHECKS = {
    "at_most": {"bound": 0},
    "at_most of a median": {"check": "at_most", "bound": 0, "statistic": "median"},
    "solved_share": {"at_least": 0.5},
    "more_solve": {"against": {"variant": "elman"}},
    "speed_up": {"at_least": 2, "against": {"variant": "elman"}},
}


@pytest.mark.parametrize(
    ("check", "fewest"),
    [("at_most", 3), ("at_most of a median", 5), ("solved_share", 5), ("more_solve", 4), ("speed_up", 5)],
)
def test_a_claim_that_the_seeds_could_never_decide_is_refused(tmp_path, check, fewest):
    metric = {"solved_share": "solved", "more_solve": "solved", "speed_up": "updates_to_solve"}
    where = {"variant": "elman", "metric": metric.get(check, "gradient_slope"), "hidden_size": "largest"}
    part = {"check": check, "study": "trained", "where": where} | CHECKS[check]
    place = ("claims", 0, "parts", 0)
    seeds = GOOD["studies"]["trained"]["seeds"]
    assert seeds < fewest
    with pytest.raises(
        ConfigError, match=rf"forgets\.parts\[0\]\.check: .* with {seeds} seeds.* at least {fewest},"
    ):
        load(with_claims(tmp_path, *place, part, too_few_seeds="refuse"))
    load(with_claims(tmp_path, *place, part))
    enough = changed(GOOD, ("studies", "trained", "seeds"), fewest)
    path = with_claims(tmp_path, *place, part)
    path.write_text(yaml.safe_dump(enough | {"claims": "claims.yaml"}))
    load(path)


def test_a_share_asks_for_as_many_seeds_as_its_bound_needs():
    options = catalog.check("solved_share")
    assert [options(at_least=share).fewest(0.95) for share in (0.3, 0.5, 0.8)] == [3, 5, 14]
    assert options(at_most=0.5).fewest(0.95) == 5
