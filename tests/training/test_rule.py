"""By what a task chooses: the rule that training reads from its page, and the claims that rest on it."""

import pytest

from rnnlimits import catalog
from rnnlimits.planning.config.plain_yaml import read_yaml
from rnnlimits.planning.load import load
from rnnlimits.tasks.adding import Adding
from rnnlimits.tasks.adding import Options as AddingOptions
from rnnlimits.tasks.copy_memory import CopyMemory
from rnnlimits.tasks.copy_memory import Options as CopyOptions
from rnnlimits.training.rule import rule_of


def test_the_rule_of_a_task_is_what_its_page_says():
    task = CopyMemory(10, CopyOptions())
    rule = rule_of(task)
    assert (rule.by, rule.higher_is_better) == ("loss", True)
    assert rule.chance == {"loss": task.chance["loss"], "score": 0.125}


def test_a_level_of_chance_that_is_not_known_is_left_out(monkeypatch):
    monkeypatch.setattr(Adding, "chance", {"mean_squared_error": 1 / 6})
    assert rule_of(Adding(10, AddingOptions())).chance == {"score": 1 / 6}


def losses_on_test(config: str) -> list[tuple[str, str]]:
    """Claim and page of a task, for each claim about a loss on test."""
    loaded = load(config)
    found = []
    for claim in read_yaml(loaded.claims_path)["claims"]:
        for part in claim["parts"]:
            where = part.get("where", {})
            if (where.get("metric"), where.get("split")) != ("loss", "test"):
                continue
            names = [part["study"]] if isinstance(part["study"], str) else part["study"]
            found += [
                (claim["id"], page.page) for name in names for page in loaded.studies[name].tasks.values()
            ]
    return found


@pytest.mark.parametrize("config", ["config/config.yaml", "config/replicate.yaml"])
def test_a_claim_about_a_loss_reads_weights_that_were_chosen_by_the_loss(config):
    for claim, page in losses_on_test(config):
        assert catalog.page_class("tasks", page).chosen_by == "loss", claim


def test_there_are_claims_about_a_loss():
    assert losses_on_test("config/replicate.yaml")
