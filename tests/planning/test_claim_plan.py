"""A claim may name only columns that exist and shards that are planned; told before any job starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

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


def with_claims(tmp_path: Path, *place_and_value: Any) -> Path:
    claims = changed(CLAIMS, place_and_value[:-1], place_and_value[-1]) if place_and_value else CLAIMS
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(claims))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(GOOD | {"claims": "claims.yaml"}))
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
