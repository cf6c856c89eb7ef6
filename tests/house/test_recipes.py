"""The recipes of docs/recipes.md, done word for word: a new file and a line in the config are enough."""

import json
from pathlib import Path

import pandas as pd
import pytest

from support.recipes import STEP, headings, section
from support.repository_copy import Copy, fresh

pytestmark = pytest.mark.xdist_group("recipes")


def follow(copy: Copy, heading: str) -> None:
    """Do what a section says, step by step; a command that fails ends it."""
    steps = list(STEP.finditer(section(heading)))
    assert steps, f"docs/recipes.md has no steps under {heading!r}"
    # What the pattern does not see would be passed over: every block of code belongs to a step.
    blocks = sum(2 if step["edited"] else 1 for step in steps)
    assert section(heading).count("\n```") == 2 * blocks, f"a block of {heading!r} belongs to no step"
    for step in steps:
        if step["new"]:
            place = copy.folder / step["new"]
            assert not place.exists()
            place.parent.mkdir(exist_ok=True)
            place.write_text(step["content"], encoding="utf-8")
        elif step["old"]:
            assert step["line"].count("\n") == 1, "a recipe adds one line"
            place = copy.folder / step["old"]
            text = place.read_text(encoding="utf-8")
            position = text.index(f"{step['under']}\n") + len(step["under"]) + 1 if step["under"] else 0
            place.write_text(text[:position] + step["line"] + text[position:], encoding="utf-8")
        elif step["edited"]:
            assert (copy.folder / step["edited"]).read_text(encoding="utf-8").count(step["before"]) == 1
            copy.edit(step["edited"], step["before"], step["after"])
        else:
            copy.run("bash", "-euc", step["commands"])


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """One for all: each recipe adds to what the others have added, as in a repository that grows."""
    made = fresh(tmp_path_factory.mktemp("recipes"))
    follow(made, FIRST)
    return made


def results(copy: Copy) -> Path:
    return copy.folder / "results" / "mine"


FIRST = "A config to try things on"
FOLLOWED = {
    "An architecture",
    "A task",
    "A probe",
    "A figure",
    "A table",
    "A claim",
    "A check",
    "A budget key",
    "A data set",
}


def test_every_recipe_is_followed():
    assert set(headings()) == {FIRST} | FOLLOWED


def test_an_architecture_is_one_file_and_one_line(copy):
    follow(copy, "An architecture")
    assert "minimal_gated" in set(pd.read_csv(results(copy) / "tables" / "test_results.csv").variant)
    assert "minimal_gated" in (results(copy) / "figures" / "gradient_by_lag.svg").read_text()


def test_a_task_is_one_file_and_one_line(copy):
    follow(copy, "A task")
    tested = pd.read_csv(results(copy) / "tables" / "test_results.csv")
    assert set(tested[(tested.task == "first_symbol") & (tested.metric == "accuracy")].chance) == {0.25}


def test_a_probe_is_one_file_and_one_line(copy):
    follow(copy, "A probe")
    probed = pd.read_csv(results(copy) / "tables" / "probe_scalars.csv")
    saturated = probed[probed.metric == "saturated_share"]
    assert set(saturated.stage) == {"initial", "final"}
    assert saturated.estimate.between(0, 1).all()


def test_a_figure_is_one_file(copy):
    follow(copy, "A figure")
    assert "trainable weights" in (results(copy) / "figures" / "parameter_counts.svg").read_text()
    assert "How many weights has each architecture?" in (results(copy) / "report.html").read_text()


def test_a_table_is_one_file_and_a_line_in_the_report(copy):
    follow(copy, "A table")
    diverged = pd.read_csv(results(copy) / "tables" / "divergence.csv")
    assert (diverged.diverged_share == 0).all()
    assert (diverged.n == 5).all()  # the seeds, at the one learning rate
    assert "How often training diverges" in (results(copy) / "report.html").read_text()


def test_a_claim_is_one_entry_and_one_line(copy):
    follow(copy, "A claim")
    judged = pd.read_csv(results(copy) / "claims.csv").set_index("id")
    assert judged.verdict["five_updates_are_enough"] == "undecided"
    assert "Five updates are enough to learn to add" in (results(copy) / "report.html").read_text()


def test_a_check_is_one_file_and_a_line_for_its_readers(copy):
    follow(copy, "A check")
    judged = pd.read_csv(copy.folder / "results" / "checked" / "claims.csv").set_index("id")
    assert judged.verdict["half_of_theory"] == "reproduced"


def test_a_budget_key_is_a_type_and_what_it_does(copy):
    follow(copy, "A budget key")
    plan = copy.run("rnnlimits", "plan", "--config", "config/mine.yaml", "--json").stdout
    spec = json.loads(plan.splitlines()[0])
    assert spec["budget"]["weight_decay"] == 0.1

    def losses(decay: float) -> list[float]:
        spec["budget"]["weight_decay"] = decay
        copy.run("rnnlimits", "train", "--spec", json.dumps(spec), "--out", "decay.parquet")
        rows = pd.read_parquet(copy.folder / "decay.parquet")
        # On validation after the last update: on test, the initial weights may have been the best.
        return rows[
            (rows.split == "validation") & (rows.metric == "loss") & (rows["update"] == 5)
        ].value.tolist()

    without, with_decay = losses(0.0), losses(0.1)
    assert without
    assert without != with_decay


def test_a_data_set_is_one_file_and_the_task_that_reads_it(copy):
    follow(copy, "A data set")
    tested = pd.read_csv(results(copy) / "tables" / "test_results.csv")
    assert len(tested[(tested.task == "rain_tomorrow") & (tested.metric == "accuracy")])
    copy.edit("my_data/rain.txt", "1", "0")
    read = "RNNLIMITS_DATA=my_data python -c 'from rnnlimits.tasks.data import rain; rain.days()'"
    assert "it is not the published file" in copy.run("bash", "-euc", read, check=False).stdout
