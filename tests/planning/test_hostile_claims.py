"""Claims that are broken anywhere: told in one line before any job starts, never a traceback."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlimits.planning import claim_plan, grid
from rnnlimits.planning.config import claim_form
from rnnlimits.planning.config.plain_yaml import read_yaml
from rnnlimits.planning.load import load
from support.repository_copy import ROOT
from support.wrong_configs import NASTY, WRONG, places

CONFIG = ROOT / "config"
CONTENT = read_yaml(CONFIG / "claims.yaml")
PLACES = places(CONTENT)
KEYS = [None, 3, "x", "metric", "parameters_target", "update", "seed", "seeds", "against", "bound"]
VALUES = [*WRONG, *NASTY, "longest", "largest", "last", ["largest", 3], 2**40, {"a": [1]}, [{"a": 1}], ...]


@pytest.fixture(scope="module")
def planned():
    loaded = load(CONFIG / "smoke.yaml")
    return list(loaded.studies), grid.shards(loaded)


@settings(max_examples=200, deadline=None)
@given(place=st.sampled_from(PLACES), value=st.sampled_from(VALUES), key=st.sampled_from(KEYS))
def test_whatever_stands_in_a_claim_is_taken_or_told(planned, place, value, key):
    content = copy.deepcopy(CONTENT)
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[place[-1]]
    elif isinstance(inner[place[-1]], dict):
        inner[place[-1]][key] = value
    else:
        inner[place[-1]] = value
    lines = claim_form.problems(content) or claim_plan.problems(content["claims"], *planned)
    assert [line for line in lines if "\n" in line or "\x1b" in line or len(line) > 2000] == []


@pytest.mark.parametrize("key", ["title", "says", "disputes", "needs"])
@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@x", " =cmd()", "", 3, ["x"]])
def test_a_text_that_a_spreadsheet_would_run_is_refused(key, text):
    content = copy.deepcopy(CONTENT)
    content["claims"][0][key] = text
    (line,) = claim_form.problems(content)
    assert line.startswith(f"plain_gradients_vanish.{key}: ")
    assert line.endswith("; expected text that begins with none of = + - @")


def test_the_shipped_claims_are_taken(planned):
    assert claim_form.problems(CONTENT) == []
    assert claim_plan.problems(CONTENT["claims"], *planned) == []
