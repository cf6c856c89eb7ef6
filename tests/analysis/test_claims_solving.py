"""Who solves it at all, who sooner, and the best of the seeds, on cases worked by hand."""

import pytest

from rnnlimits.analysis import claims
from rnnlimits.analysis.claims import details
from rnnlimits.analysis.claims.finding import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from rnnlimits.analysis.claims.selection import plan_of
from support.claim_evidence import ERROR, SOLVED, STEPS, findings, times, verdict
from support.synthetic_rows import frame, scored, shard, simulated


def share_of(elman, lstm):
    rows = scored(shard(), [None if one is None else 0.1 for one in elman], elman)
    return rows + scored(shard(variant="lstm"), [0.1] * len(lstm), lstm)


@pytest.mark.parametrize(
    ("elman", "lstm", "level", "expected"),
    [
        ([0, 0, 0, 0, 0], [1, 1, 1, 0, 0], 0.1, REPRODUCED),  # p = 10/120
        ([0, 0, 0, 0, 0], [1, 1, 1, 0, 0], 0.05, UNDECIDED),
        ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1], 0.05, UNDECIDED),
        ([1, 1, 1, 1, 1], [0, 0, 0, 1, 0], 0.05, CONTRADICTED),  # p = 6/252
        ([0, 0, 0], [1, 1, 1], 0.05, UNDECIDED),  # p = 1/20, not below
        ([0, 0, 0, 0], [1, 1, 1, 1], 0.05, REPRODUCED),  # p = 1/70
        ([None, None, None, None, None], [1, 1, 1, 1, 1], 0.05, REPRODUCED),  # diverged: not solved
        ([0, 0], [1, 1], 0.5, UNDECIDED),  # too few
    ],
)
def test_more_seeds_solve_it_if_fishers_test_says_so(elman, lstm, level, expected):
    part = {"check": "more_solve", "level": level, "against": {"variant": "elman"}}
    part["where"] = {**SOLVED, "variant": "lstm"}
    assert verdict(part, share_of(elman, lstm)) == expected


def test_fishers_test_comes_with_both_counts_and_the_smallest_p_there_is():
    part = {"check": "more_solve", "where": {**SOLVED, "variant": "lstm"}, "against": {"variant": "elman"}}
    (found,) = findings(part, share_of([0, 0, 0, None], [1, 1, 1, 0]))
    assert "lstm on adding (h 8, T 20) test solved: 3 of 4 seeds; elman: 0 of 4, 1 diverged" in found.sentence
    assert found.sentence.endswith("one-sided p 0.0714")  # 4/56
    assert "no p below 0.0143" in found.why  # 1/70
    assert found.interval.estimate == 0.75
    assert verdict(part, share_of([0, 0, 0], [1, 1, 1])[:6]) == NOT_RUN


@pytest.mark.parametrize(
    ("slow", "fast", "expected", "words"),
    [
        ([400, 600, 800] * 2, [200] * 6, REPRODUCED, "is 3 [2, 4] times (6 seeds a side) as fast as elman"),
        ([400, 600, 800] * 2, [100, 700, 800] * 2, UNDECIDED, "is 0.857 ["),
        ([180, 600, 800] * 2, [200] * 6, UNDECIDED, "is 3 [0.9, 4] times"),  # not surely above the bound
        ([320, 600, 800] * 2, [200] * 6, REPRODUCED, "is 3 [1.6, 4] times"),
        ([200] * 5, [200, 210, 220, 210, 210], CONTRADICTED, "is 0.952 [0.909, 1] times"),
        ([None] * 5, [200] * 5, REPRODUCED, "is at least 5 times (5 seeds a side) as fast"),
        ([None] * 5, [900] * 5, UNDECIDED, "is at least 1.11 times"),
        ([900] * 5, [None] * 5, CONTRADICTED, "unsolved 5 of 5 and 0 of 5, counted as their budget"),
        ([None] * 5, [None] * 5, UNDECIDED, "unsolved 5 of 5 and 5 of 5"),
        ([400, 600, 800], [200] * 3, UNDECIDED, "too few, 5 are needed"),
    ],
)
def test_a_speed_up_is_a_quotient_of_medians_and_a_run_that_was_cut_off_says_only_at_least(
    slow, fast, expected, words
):
    rows = times("elman", slow) + times("lstm", fast)
    part = {"check": "speed_up", "at_least": 1.5, "against": {"variant": "elman"}}
    part["where"] = {**STEPS, "variant": "lstm"}
    (found,) = findings(part, rows)
    assert found.verdict == expected
    assert words in found.sentence
    assert verdict(part, rows, planned=times("gru", [1])) == expected
    assert verdict({**part, "where": {**STEPS, "variant": "gru"}}, rows, planned=times("gru", [1])) == NOT_RUN


def test_the_steps_of_an_unsolved_run_stand_in_the_evidence_as_they_were_judged():
    part = {"check": "speed_up", "at_least": 2, "study": "memory", "against": {"variant": "elman"}}
    part["where"] = {**STEPS, "variant": "lstm"}
    rows = frame(times("elman", [400, None, 800]) + times("lstm", [100, 100, 100]))
    judgement = claims.weigh({"id": "sooner", "parts": [part]}, rows, plan_of(rows), 0.95)
    seeds = [line for spot in details.places(judgement) for line in details.seeds(*spot)]
    assert [line["value"] for line in seeds] == [100, 100, 100, 400, 1000, 800]
    assert [line["status"] for line in seeds][3:] == ["solved", "out_of_updates", "solved"]
    assert [line["side"] for line in seeds] == ["one"] * 3 + ["other"] * 3


def test_an_unsolved_run_that_diverged_counts_like_one_that_was_cut_off_until_most_did():
    part = {"check": "speed_up", "at_least": 1.5, "against": {"variant": "elman"}}
    part["where"] = {**STEPS, "variant": "lstm"}
    gone = times("elman", [None] * 5, unsolved="diverged") + times("lstm", [100] * 5)
    assert verdict(part, gone) == UNDECIDED
    some = times("elman", [400, 400, 400, 400, None], unsolved="diverged") + times("lstm", [100] * 5)
    assert verdict(part, some) == REPRODUCED


@pytest.mark.parametrize(
    ("steps", "part", "expected"),
    [
        ([300, 400, 400, 400, 900], {"of": 600, "factor": 3}, REPRODUCED),  # 200 to 1,800
        ([300, 400, 900], {"of": 600, "factor": 3}, UNDECIDED),  # of three a median has no interval
        ([300, 400, 400, 400, 900], {"of": 300, "factor": 2}, UNDECIDED),
        ([300, 400, 400, 400, 450], {"of": 100, "factor": 2}, CONTRADICTED),
        ([300, 400, 400, 400, None], {"of": 600, "factor": 3}, UNDECIDED),  # the bound lies beyond the budget
        ([300, 400, 400, 400, None], {"of": 300, "factor": 3}, UNDECIDED),  # 400, but its interval is not
        ([300, 400, 400, None, None], {"low": 2000, "high": 3000}, UNDECIDED),  # it may be among the unsolved
        ([300, 300, 300, 300, None], {"of": 300, "factor": 2, "seeds": 5}, UNDECIDED),
        ([300] * 9 + [None], {"of": 300, "factor": 2}, REPRODUCED),
        ([300] * 9 + [None], {"of": 600, "factor": 3}, REPRODUCED),  # however long the one takes
        ([None] * 5, {"of": 300, "factor": 2}, CONTRADICTED),
        ([None] * 5, {"of": 600, "factor": 3}, UNDECIDED),
    ],
)
def test_a_median_of_steps_counts_the_unsolved_as_at_least_their_budget(steps, part, expected):
    rows = times("elman", steps)
    found = findings({"check": "within", "statistic": "median", "where": STEPS, **part}, rows)[0]
    assert found.verdict == expected
    assert ("unsolved, counted as 1,000 updates" in found.sentence) == (None in steps)
    if "factor" in part:
        assert f"(within a factor {part['factor']} of {part['of']})" in found.bound


@pytest.mark.parametrize(
    ("check", "statistic", "values", "status", "expected"),
    [
        ("at_least", "max", [0.5, 0.5, 0.995], "out_of_updates", REPRODUCED),
        ("at_least", "max", [0.5, 0.5, 0.98], "early_stopped", CONTRADICTED),
        (
            "at_least",
            "max",
            [0.5, 0.5, 0.98],
            "out_of_updates",
            UNDECIDED,
        ),  # with more updates one might have
        ("at_most", "max", [0.5, 0.5, 0.98], "out_of_updates", REPRODUCED),
        ("at_most", "max", [0.5, 0.5, 0.995], "out_of_updates", CONTRADICTED),
        ("at_most", "max", [0.5, 0.5], "out_of_updates", UNDECIDED),
        ("at_most", "min", [0.5, 1, 1], "out_of_updates", REPRODUCED),
        ("at_most", "min", [1, 1, 1], "early_stopped", CONTRADICTED),
        ("at_least", "min", [1, 1, 0.5], "out_of_updates", CONTRADICTED),
        ("at_least", "max", [None, None, None], "out_of_updates", UNDECIDED),
    ],
)
def test_the_best_of_the_seeds_comes_with_the_share_that_gets_there(
    check, statistic, values, status, expected
):
    part = {"check": check, "bound": 0.99, "statistic": statistic, "where": ERROR}
    (found,) = findings(part, scored(shard(), values, status=status))
    assert found.verdict == expected
    if values == [0.5, 0.5, 0.995] and check == "at_least":
        assert (
            "the largest of 3 seeds is 0.995; 1 of 3 within the bound, a share of 0.333 [" in found.sentence
        )


def test_a_best_of_seeds_of_which_no_row_is_there_is_not_run():
    part = {"check": "at_least", "bound": 1, "statistic": "max", "where": {"metric": "sequences"}}
    assert verdict(part, simulated("memory", "random_guessing", "solved", [1, 1])) == NOT_RUN


FAILS = {"check": "near_chance", "perfect": 0, "study": "memory", "where": {**ERROR, "variant": "elman"}}
RIVAL = {"check": "at_most", "bound": 0.01, "study": "memory", "where": {**ERROR, "variant": "gru"}}


@pytest.mark.parametrize(
    ("elman", "gru", "expected"),
    [
        (0.17, 0.001, REPRODUCED),
        (0.17, 0.1, UNDECIDED),  # the control failed too: perhaps nothing was tuned
        (0.1, 0.001, CONTRADICTED),
        (0.1, 0.1, CONTRADICTED),  # it did not fail, whatever the control did
        (0.17, None, NOT_RUN),
    ],
)
def test_a_failure_says_something_only_beside_a_positive_control_that_succeeds(elman, gru, expected):
    both = scored(shard(), [elman] * 3) + scored(shard(variant="gru"), [gru or 1] * 3)
    rows = both if gru else both[:6]
    claim = {"id": "fails", "parts": [FAILS, {**RIVAL, "positive_control": True}]}
    judgement = claims.weigh(claim, frame(rows), plan_of(frame(both)), 0.95)
    assert judgement.verdict == expected
    assert [part.get("positive_control", False) for _, part, _ in details.places(judgement)] == [False, True]


def test_a_mean_of_steps_counts_the_unsolved_as_their_budget_too():
    """The geometric mean of 500, 500 and 500 is 500; with an unsolved run of 1,000 updates it is 630."""
    part = {"check": "at_most", "bound": 5000, "where": STEPS}
    (found,) = findings(part, times("elman", [500, 500, None]))
    assert found.interval.estimate == pytest.approx((500 * 500 * 1000) ** (1 / 3))
    assert found.interval.n == 3
    # However long it takes in truth, the verdict must hold.
    assert found.verdict == UNDECIDED
