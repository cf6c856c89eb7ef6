"""A verdict that hangs on one seed, on one half of the seeds or on the learning rate is seen to."""

import dataclasses

import pytest

from rnnlimits.analysis.claims import sensitivity
from rnnlimits.analysis.claims.finding import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from support.claim_evidence import ERROR, SLOPE, SOLVED, STEPS, findings, times, two
from support.synthetic_rows import scored, shard, validated

LOWER = {"check": "ordering", "direction": "lower", "against": {"variant": "elman"}}
ON_TEST = {**LOWER, "where": {**ERROR, "variant": "lstm"}}


def made(part, rows):
    (found,) = findings(part, rows)
    return found.verdict, {one.change: one.verdict for one in found.changes}, sensitivity.in_words([found])


def test_a_verdict_that_hangs_on_one_seed_does_not_survive_without_it():
    errors = [0.3, 0.3, 0.3, 0.3, 0.3]
    rows = scored(shard(), errors) + scored(shard(variant="lstm"), [0.1, 0.1, 0.1, 0.1, 0.9])
    verdict, changes, words = made(ON_TEST, rows)
    assert verdict == UNDECIDED
    assert changes["without seed 4"] == REPRODUCED
    assert changes["without seed 0"] == UNDECIDED
    assert words.startswith("without one seed: 4 of 5 verdicts the same; each half of the seeds: needs 6")


def test_the_seeds_that_are_left_are_enough_though_the_claim_asks_for_all():
    rows = scored(shard(), [0.3] * 3) + scored(shard(variant="lstm"), [0.1] * 3)
    verdict, changes, _ = made({**ON_TEST, "seeds": 3}, rows)
    assert verdict == REPRODUCED
    assert [changes[f"without seed {seed}"] for seed in range(3)] == [REPRODUCED] * 3


def test_six_seeds_are_two_sets_of_three():
    rows = scored(shard(), [0.3] * 6) + scored(shard(variant="lstm"), [0.1, 0.1, 0.1, 0.5, 0.5, 0.5])
    _, changes, words = made(ON_TEST, rows)
    assert changes["seeds 0 to 2 alone"] == REPRODUCED
    assert changes["seeds 3 to 5 alone"] == CONTRADICTED
    assert "each half of the seeds: 0 of 2 verdicts the same" in words


def curves(rates, chosen=1e-3):
    """Best validation values by variant and learning rate, the same for three seeds."""
    rows = []
    for (variant, rate), best in rates.items():
        cell = shard(variant=variant)
        rows += validated(cell, [[0.9, best]] * 3, learning_rate=rate, selected=rate == chosen)
    return rows


def test_another_learning_rate_is_judged_by_validation_with_the_same_rate_on_both_sides():
    rows = scored(shard(), [0.3] * 3) + scored(shard(variant="lstm"), [0.1] * 3)
    rates = {1e-3: (0.3, 0.1), 1e-2: (0.2, 0.5), 1e-1: (0.8, 0.7)}
    for rate, (elman, lstm) in rates.items():
        rows += curves({("elman", rate): elman, ("lstm", rate): lstm})
    rows += curves({("elman", 1e-4): 0.0})  # tried on one side only
    _, changes, words = made(ON_TEST, rows)
    assert {change: verdict for change, verdict in changes.items() if "rate" in change} == {
        "learning rate 0.01 on both sides, by validation": CONTRADICTED,
        "learning rate 0.1 on both sides, by validation": REPRODUCED,
    }
    assert "other learning rates: 1 of 2 verdicts the same" in words


@pytest.mark.parametrize(
    ("rows", "part", "why"),
    [
        (two([-0.5] * 3, [-0.1] * 3), SLOPE, "nothing was trained"),
        (
            scored(shard(), [0.3] * 3) + scored(shard(variant="lstm"), [0.1] * 3),
            ERROR,
            "it was not read at others",
        ),
        (
            scored(shard(), [0.3] * 3)
            + scored(shard(variant="lstm"), [0.1] * 3)
            + curves({("elman", 1e-3): 0.3, ("lstm", 1e-3): 0.1}),
            ERROR,
            "no other was tried on both sides",
        ),
    ],
)
def test_it_says_why_there_is_no_other_learning_rate(rows, part, why):
    _, changes, words = made({**LOWER, "where": {**part, "variant": "lstm"}}, rows)
    assert changes[f"other learning rates: {why}"] == NOT_RUN
    assert words.endswith(f"other learning rates: {why}")


def test_who_solves_it_and_how_soon_is_known_at_every_rate():
    rows = []
    for variant, steps in {"elman": [900] * 5, "lstm": [100] * 5}.items():
        rows += times(variant, steps) + scored(shard(variant=variant), [0.1] * 5, [1] * 5)
        swapped = [None] * 5 if variant == "lstm" else [100] * 5
        rows += [_at(row, 1e-2) for row in times(variant, swapped)]
    for part, verdict in (
        ({"check": "speed_up", "at_least": 2, "where": {**STEPS, "variant": "lstm"}}, REPRODUCED),
        ({"check": "more_solve", "level": 0.1, "where": {**SOLVED, "variant": "lstm"}}, UNDECIDED),
    ):
        found, changes, _ = made({**part, "against": {"variant": "elman"}}, rows)
        assert found == verdict
        assert changes["learning rate 0.01 on both sides, by validation"] == CONTRADICTED


def _at(row, rate):
    return dataclasses.replace(row, learning_rate=rate, selected=False)
