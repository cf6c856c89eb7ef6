"""The recipes of CONTRIBUTING.md, done word for word: one new file and one line in the config are enough."""

from pathlib import Path

import pandas as pd
import pytest

from support.recipes import STEP, section
from support.repository_copy import Copy, fresh

pytestmark = pytest.mark.xdist_group("recipes")


def follow(copy: Copy, heading: str) -> None:
    """Do what a section says, step by step; a command that fails ends it."""
    steps = list(STEP.finditer(section(heading)))
    assert steps, f"CONTRIBUTING.md has no steps under {heading!r}"
    for step in steps:
        if step["new"]:
            place = copy.folder / step["new"]
            assert not place.exists()
            place.write_text(step["content"], encoding="utf-8")
        elif step["old"]:
            assert step["line"].count("\n") == 1, "a recipe adds one line"
            place = copy.folder / step["old"]
            text = place.read_text()
            position = text.index(f"{step['under']}\n") + len(step["under"]) + 1 if step["under"] else 0
            place.write_text(text[:position] + step["line"] + text[position:])
        else:
            copy.run("bash", "-euc", step["commands"])


@pytest.fixture
def copy(tmp_path):
    made = fresh(tmp_path)
    follow(made, "A config to try things on")
    return made


def results(copy: Copy) -> Path:
    return copy.folder / "results" / "mine"


def test_an_architecture_is_one_file_and_one_line(copy):
    follow(copy, "An architecture")
    assert "minimal_gated" in set(pd.read_csv(results(copy) / "tables" / "test_results.csv").variant)
    assert "minimal_gated" in (results(copy) / "figures" / "gradient_by_lag.svg").read_text()


def test_a_task_is_one_file_and_one_line(copy):
    follow(copy, "A task")
    tested = pd.read_csv(results(copy) / "tables" / "test_results.csv")
    assert set(tested[(tested.task == "first_symbol") & (tested.metric == "accuracy")].chance) == {0.25}


def test_a_claim_is_one_entry_and_one_line(copy):
    follow(copy, "A claim")
    judged = pd.read_csv(results(copy) / "claims.csv").set_index("id")
    assert judged.verdict["five_updates_are_enough"] == "undecided"
    assert "Five updates are enough to learn to add" in (results(copy) / "report.html").read_text()
