"""How often a claim that is true at its bounds would be contradicted, and one that is false be reproduced."""

import numpy as np
import pytest
from pandas import DataFrame, Series

from rnnlimits.analysis.claims import checks, combine, multiplicity
from rnnlimits.analysis.claims.finding import CONTRADICTED, REPRODUCED
from rnnlimits.analysis.claims.questions import Question
from rnnlimits.analysis.claims.selection import Cell

TRIALS = 400
NAMES = {
    "shard": "s", "kind": "training", "study": "s", "task": "t", "variant": "v", "hidden_size": 8,
    "length_steps": 20, "parameters_target": None, "updates": 100,
}  # fmt: skip


def cell(values, **names) -> Cell:
    status = Series("early_stopped", index=range(len(values)))
    rows = DataFrame({"unit": "nats/step", "stage": "initial", "metric": "slope"}, index=range(len(values)))
    return Cell(NAMES | names, "slope", Series(values), status, np.nan, rows=rows)


def verdicts(asked, trials=TRIALS):
    """The verdicts on a claim whose parts `asked(generator)` draws anew for each trial."""
    found = []
    for trial in range(trials):
        questions = [[question] for question in asked(np.random.default_rng(trial))]
        findings = multiplicity.answered(questions, [{}] * len(questions), DataFrame())
        found.append(combine([finding.verdict for part in findings for finding in part]))
    return np.array(found)


AT_MOST = checks.of({"check": "at_most", "bound": 0.0})


@pytest.mark.parametrize("parts", [1, 3, 11])
def test_a_claim_whose_parts_all_lie_at_their_bounds_is_contradicted_in_5_percent_at_most(parts):
    def asked(drawn):
        return [Question(AT_MOST, (cell(drawn.standard_normal(5)),)) for _ in range(parts)]

    found = verdicts(asked)
    # Of one part 2.5 % are contradicted and 2.5 % reproduced; two standard errors of the count beside it.
    assert (found == CONTRADICTED).mean() <= 0.025 + 2 * (0.025 / TRIALS) ** 0.5
    assert (found == REPRODUCED).mean() <= 0.025 + 2 * (0.025 / TRIALS) ** 0.5


def test_without_a_correction_eleven_parts_would_contradict_a_claim_in_a_quarter_of_the_cases():
    def contradicted(trial):
        drawn = np.random.default_rng(trial)
        answers = [Question(AT_MOST, (cell(drawn.standard_normal(5)),)).answer() for _ in range(11)]
        return any(answer.verdict == CONTRADICTED for answer in answers)

    assert np.mean([contradicted(trial) for trial in range(200)]) == pytest.approx(0.24, abs=0.08)


def test_parts_that_are_surely_false_are_all_named():
    def asked(drawn):
        shifts = (9.0, 9.0, 0.0, -9.0)
        return [Question(AT_MOST, (cell(shift + drawn.standard_normal(10)),)) for shift in shifts]

    questions = [[question] for question in asked(np.random.default_rng(0))]
    findings = multiplicity.answered(questions, [{}] * 4, DataFrame())
    assert [part[0].verdict for part in findings] == [CONTRADICTED, CONTRADICTED, "undecided", REPRODUCED]


def shares(check, sides):
    """How often a comparison is reproduced; `sides(generator)` draws both."""
    pairs = (sides(np.random.default_rng(trial)) for trial in range(TRIALS))
    cells = ((cell(one, shard="a", variant="a"), cell(other, shard="b", variant="b")) for one, other in pairs)
    answers = [Question(check, both).answer() for both in cells]
    return np.mean([answer.verdict == REPRODUCED for answer in answers])


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_an_ordering_at_its_margin_is_reproduced_in_2_5_percent(margin):
    check = checks.of({"check": "ordering", "direction": "higher", "margin": margin})
    at_margin = shares(check, lambda drawn: (margin + drawn.standard_normal(5), drawn.standard_normal(5)))
    assert at_margin <= 0.025 + 2 * (0.025 / TRIALS) ** 0.5


def test_an_ordering_of_medians_at_its_margin_is_seldom_reproduced_whatever_the_shape():
    # As many counters end: some accept all strings, the others anything from none to most.
    def drawn_of(drawn, share, seeds=30):
        return np.where(drawn.random(seeds) < share, 1.0, 0.9 * drawn.random(seeds))

    # The median of such a mixture: half of the seeds lie below it.
    medians = [0.9 * 0.5 / (1 - share) for share in (0.3, 0.2)]
    margin = medians[0] - medians[1]
    check = checks.of({"check": "ordering", "direction": "higher", "margin": margin, "statistic": "median"})
    at_margin = shares(check, lambda drawn: (drawn_of(drawn, 0.3), drawn_of(drawn, 0.2)))
    assert at_margin <= 0.025 + 2 * (0.025 / TRIALS) ** 0.5


def test_a_speed_up_at_its_bound_is_seldom_reproduced():
    check = checks.of({"check": "speed_up", "at_least": 2.0})
    at_bound = shares(
        check,
        lambda drawn: (np.exp(0.3 * drawn.standard_normal(5)), 2 * np.exp(0.3 * drawn.standard_normal(5))),
    )
    assert at_bound <= 0.06
