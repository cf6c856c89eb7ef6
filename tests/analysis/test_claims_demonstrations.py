"""Of every check: numbers that reproduce it, numbers that contradict it, and numbers that leave it undecided.

A check of which one of these does not exist could not fail, or could not hold, whatever was measured.
"""

import dataclasses

import pytest

from rnnlimits import catalog
from rnnlimits.analysis.claims.finding import CONTRADICTED, REPRODUCED, UNDECIDED
from support.claim_evidence import ERROR, SLOPE, SOLVED, STEPS, times, two, verdict
from support.synthetic_rows import probed, scored, shard

AGAINST = {"against": {"variant": "elman"}}
BY = {"variant": "lstm"}


def slopes(values):
    return probed(shard(), "gradient_slope", values)


def errors(values):
    return scored(shard(), values)


def solved(values):
    return scored(shard(), [0.1] * len(values), values, status="early_stopped")


def both_solved(elman, lstm):
    return solved(elman) + scored(shard(variant="lstm"), [0.1] * len(lstm), lstm)


def measured_twice(one, other):
    return slopes(one) + probed(shard(), "input_sensitivity_slope", other)


REFERENCE = {"split": "reference", "stage": "final", "metric": "reference_linear_map"}


def beside_a_reference(values):
    """Of the same shard, the number of a method without a network."""
    known = dataclasses.replace(errors(values[:1])[0], split="reference", seed=None, learning_rate=None)
    return [*errors(values), dataclasses.replace(known, metric=REFERENCE["metric"], value=0.1)]


# Check: a part that asks for it, how rows are made, and what is reproduced, contradicted and undecided.
DEMONSTRATED = {
    "agree": (
        {"tolerance": 0.1, "where": SLOPE, "against": {"metric": "input_sensitivity_slope"}}, measured_twice,
        ([1, 2, 3], [1.01, 2, 3]), ([1, 2, 3], [2, 3, 4]), ([1, 2, 3], [1.3, 2, 2.9]),
    ),
    "at_least": ({"bound": 1, "where": SLOPE}, slopes, [2, 2.1, 2.2], [0.1, 0.2, 0.1], [0.5, 1, 1.5]),
    "at_most": ({"bound": 1, "where": SLOPE}, slopes, [0.1, 0.2, 0.1], [2, 2.1, 2.2], [0.5, 1, 1.5]),
    # The example's reference reaches 0.1.
    "beyond_reference": (
        {"direction": "higher", "margin": 0.01, "where": ERROR, "against": REFERENCE}, beside_a_reference,
        [0.15, 0.16, 0.17], [0.05, 0.06, 0.07], [0.08, 0.11, 0.15],
    ),
    # That none was found proves nothing, so nothing contradicts it: it is used beside none_exceeds.
    "exists": (
        {"conditions": {"gradient_slope": {"above": 1}}, "where": {"stage": "initial"}}, slopes,
        [0, 0, 2], None, [0, 0, 0],
    ),
    "more_solve": (
        {"where": {**SOLVED, **BY}, **AGAINST}, both_solved,
        ([0] * 5, [1] * 5), ([1] * 5, [0] * 5), ([1, 0, 0, 0, 0], [1, 1, 1, 0, 0]),
    ),
    "near_chance": (
        {"perfect": 0, "where": ERROR}, errors,
        [0.166, 0.167, 0.168], [0.01, 0.011, 0.012], [0.15, 0.16, 0.17],
    ),
    # One number is enough to contradict it; it is undecided where none was measured.
    "none_exceeds": ({"bound": 1, "where": SLOPE}, slopes, [0, 0.5, 1], [0, 0, 1.1], [None, None, None]),
    "ordering": (
        {"direction": "higher", "margin": 0.1, "where": {**SLOPE, **BY}, **AGAINST}, two,
        ([1, 1.1, 1.2], [3, 3.1, 3.2]), ([3, 3.1, 3.2], [1, 1.1, 1.2]), ([1, 2, 3], [1.5, 2.5, 3.5]),
    ),
    "ratio": (
        {"at_least": 2, "where": {**SLOPE, **BY}, **AGAINST}, two,
        ([1, 1.1, 1.2], [4, 4.1, 4.2]), ([1, 1.1, 1.2], [1, 1.1, 1.2]), ([1, 2, 3], [2, 4, 6]),
    ),
    "solved_share": (
        {"at_least": 0.5, "where": SOLVED}, solved, [1] * 5, [0] * 5, [1, 1, 1, 0, 0],
    ),
    "speed_up": (
        {"at_least": 2, "where": {**STEPS, **BY}, **AGAINST}, lambda elman, lstm: (
            times("elman", elman) + times("lstm", lstm)),
        ([900] * 5, [100] * 5), ([100] * 5, [100] * 5), ([100, 200, 300, 400, 500], [100, 150, 200, 50, 75]),
    ),
    "within": (
        {"low": 0, "high": 1, "where": SLOPE}, slopes,
        [0.4, 0.5, 0.6], [2, 2.1, 2.2], [0.2, 0.9, 1.2],
    ),
}  # fmt: skip
CANNOT_FAIL = {"exists"}


def test_every_check_is_demonstrated():
    assert set(DEMONSTRATED) == set(catalog.names("checks"))


@pytest.mark.parametrize("check", DEMONSTRATED)
@pytest.mark.parametrize("expected", [REPRODUCED, CONTRADICTED, UNDECIDED])
def test_a_check_can_hold_fail_and_stay_undecided(check, expected):
    part, make, *shown = DEMONSTRATED[check]
    numbers = shown[[REPRODUCED, CONTRADICTED, UNDECIDED].index(expected)]
    if numbers is None:
        assert check in CANNOT_FAIL
        return
    rows = make(*numbers) if isinstance(numbers, tuple) else make(numbers)
    assert verdict({"check": check, **part}, rows) == expected
