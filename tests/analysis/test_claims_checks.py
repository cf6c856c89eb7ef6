"""Every check of a claim on cases worked by hand."""

import dataclasses

import pytest

from rnnlimits.analysis.claims.finding import CONTRADICTED, REPRODUCED, UNDECIDED
from support.claim_evidence import ERROR, SLOPE, findings, two, verdict
from support.synthetic_rows import probed, scored, shard, simulated, validated


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([0.164, 0.165, 0.166], REPRODUCED),  # 95 % of 1/6 is 0.1583
        ([0.240, 0.250, 0.260], REPRODUCED),  # worse than guessing is no better than guessing
        ([0.150, 0.165, 0.170], UNDECIDED),
        ([0.100, 0.105, 0.110], CONTRADICTED),
    ],
)
def test_an_error_near_chance_is_at_least_95_percent_of_it(errors, expected):
    part = {"check": "near_chance", "perfect": 0, "where": ERROR}
    assert verdict(part, scored(shard(), errors)) == expected


def test_an_accuracy_near_chance_goes_less_than_5_percent_of_the_way_to_1():
    part = {"check": "near_chance", "perfect": 1, "where": {"split": "test", "metric": "accuracy"}}
    digits = shard(task="sequential_digits")  # chance 0.1, so the bound is 0.145
    assert verdict(part, scored(digits, [0.10, 0.11, 0.12])) == REPRODUCED
    assert verdict(part, scored(digits, [0.10, 0.12, 0.150])) == UNDECIDED
    assert verdict(part, scored(digits, [0.20, 0.19, 0.18])) == CONTRADICTED


def test_near_a_chance_that_nobody_knows_is_undecided():
    part = {"check": "near_chance", "perfect": 0, "where": {"split": "test", "metric": "bits_per_character"}}
    assert verdict(part, scored(shard(task="character_language_model"), [2.0, 2.1, 2.2])) == UNDECIDED


@pytest.mark.parametrize(
    ("solved", "status", "limit", "expected"),
    [
        ([1] * 5, "solved", {"at_least": 0.5}, REPRODUCED),  # 0.5^5 is 3 %
        ([1] * 4, "solved", {"at_least": 0.5}, UNDECIDED),  # 0.5^4 is 6 %
        ([1] * 4, "solved", {"at_least": 0.4}, REPRODUCED),  # 0.4^4 is 3 %
        ([0] * 5, "early_stopped", {"at_least": 0.5}, CONTRADICTED),
        ([0] * 5, "out_of_updates", {"at_least": 0.5}, UNDECIDED),  # with more updates they might have
        ([0] * 5, "out_of_updates", {"at_most": 0.5}, REPRODUCED),
        ([1] * 5, "solved", {"at_most": 0.5}, CONTRADICTED),
        ([1, 0, 1, 0, 1], "early_stopped", {"at_most": 0.5}, UNDECIDED),
    ],
)
def test_a_share_of_solved_seeds_is_judged_by_exact_bounds(solved, status, limit, expected):
    part = {"check": "solved_share", **limit, "where": {"split": "test", "metric": "solved"}}
    assert verdict(part, scored(shard(), [0.1] * len(solved), solved, status=status)) == expected


def test_a_diverged_seed_has_not_solved_the_task():
    part = {"check": "solved_share", "at_least": 0.5, "where": {"split": "test", "metric": "solved"}}
    rows = scored(shard(), [None, *[0.001] * 5], [0, *[1] * 5])
    assert "0.833" in findings(part, rows)[0].sentence


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ({"check": "at_most", "bound": 0}, [REPRODUCED, UNDECIDED, CONTRADICTED]),
        ({"check": "at_least", "bound": 0}, [CONTRADICTED, UNDECIDED, REPRODUCED]),
        ({"check": "within", "low": -1, "high": 0}, [REPRODUCED, UNDECIDED, CONTRADICTED]),
    ],
)
def test_bounds_hold_fail_or_cut_the_interval(check, expected):
    slopes = [[-0.5, -0.4, -0.3], [-0.1, 0.1, 0.2], [0.3, 0.4, 0.5]]
    part = {**check, "where": SLOPE}
    assert [verdict(part, probed(shard(), "gradient_slope", values)) for values in slopes] == expected


def test_a_median_is_not_moved_by_a_long_tail():
    rows = simulated("guessing", "random_guessing", "sequences_to_solve", [100.0] * 9 + [1e6])
    part = {"check": "at_most", "bound": 500, "study": "guessing", "where": {"metric": "sequences_to_solve"}}
    assert verdict({**part, "statistic": "median"}, rows) == REPRODUCED
    assert verdict(part, rows) == UNDECIDED


def test_one_exception_contradicts_what_theory_forbids():
    part = {"check": "none_exceeds", "where": {"stage": "initial", "metric": "bound_violations"}}
    clean = probed(shard(), "bound_violations", [0.0, 0.0])
    assert verdict(part, clean) == REPRODUCED
    assert (
        verdict(part, clean + probed(shard(variant="irnn"), "bound_violations", [0.0, 1.0])) == CONTRADICTED
    )
    assert verdict(part, probed(shard(), "bound_violations", [None])) == UNDECIDED


def test_existence_asks_everything_of_the_same_network():
    conditions = {"spectral_radius": {"above": 1}, "jacobian_slope": {"below": 0}}
    part = {"check": "exists", "conditions": conditions, "where": {"stage": "initial"}}
    apart = probed(shard(), "spectral_radius", [1.2, 0.8]) + probed(shard(), "jacobian_slope", [0.1, -0.1])
    together = probed(shard(), "spectral_radius", [1.2, 0.8]) + probed(shard(), "jacobian_slope", [-0.1, 0.1])
    # Not to have found one does not prove that there is none.
    assert verdict(part, apart) == UNDECIDED
    assert verdict(part, together) == REPRODUCED


@pytest.mark.parametrize(
    ("lstm", "margin", "expected"),
    [
        ([-0.2, -0.21, -0.19], 0.1, REPRODUCED),  # 0.3, with an interval from 0.275 to 0.325
        ([-0.2, -0.21, -0.19], 0.28, UNDECIDED),  # 0.3 is more, but 0.275 is less
        ([-0.2, -0.21, -0.19], 0.3, UNDECIDED),  # at its bound nothing is reproduced
        ([-0.2, -0.21, -0.19], 0.5, CONTRADICTED),  # surely higher, surely not by half a nat
        ([-0.4, -0.6, -0.4], 0.0, UNDECIDED),  # 0.1, -0.1, 0.1
        ([-0.5, -0.5, -0.5], 0.0, UNDECIDED),  # equal
        ([-0.5, -0.5, -0.5], 0.01, CONTRADICTED),  # equal is not better by a margin
        ([-0.6, -0.61, -0.62], 0.0, CONTRADICTED),
    ],
)
def test_an_ordering_is_a_difference_whose_whole_interval_reaches_its_margin(lstm, margin, expected):
    part = {"check": "ordering", "direction": "higher", "margin": margin}
    part |= {"where": {**SLOPE, "variant": "lstm"}, "against": {"variant": "elman"}}
    assert verdict(part, two([-0.5, -0.5, -0.5], lstm)) == expected


def test_an_ordering_compares_the_same_networks_pair_by_pair_and_others_as_two_samples():
    # The seeds differ by far more than the two measurements do: as two samples, nothing could be said.
    one, other = [-1.0, -2.0, -3.0], [-0.9, -1.9, -2.9]
    rows = probed(shard(), "gradient_slope", one) + probed(shard(), "input_sensitivity_slope", other)
    part = {"check": "ordering", "direction": "lower", "where": SLOPE}
    same = {**part, "against": {"metric": "input_sensitivity_slope"}}
    assert verdict(same, rows) == REPRODUCED
    assert "by 0.1 [0.1, 0.1], 3 pairs" in findings(same, rows)[0].sentence
    apart = {**part, "where": {**SLOPE, "variant": "elman"}, "against": {"variant": "lstm"}}
    assert verdict(apart, two(one, other)) == UNDECIDED
    assert "by 0.1 [-2.17, 2.37], 3 seeds a side" in findings(apart, two(one, other))[0].sentence


def test_seeds_of_which_some_solved_the_task_and_some_did_not_have_no_mean_to_judge():
    part = {"check": "at_most", "bound": 0.5, "where": ERROR}
    split = scored(shard(), [0.001, 0.002, 0.17, 0.18, 0.16], [1, 1, 0, 0, 0])
    (found,) = findings(part, split)
    assert found.verdict == UNDECIDED
    assert "falls into two groups, 2 near 0.0015 and 3 near 0.17" in found.sentence
    assert "ask for a share, a median or an end" in found.why
    assert verdict({**part, "statistic": "median"}, split) == REPRODUCED
    assert verdict({**part, "statistic": "max"}, split) == REPRODUCED
    alike = scored(shard(), [0.001, 0.002, 0.0015, 0.002, 0.001], [1, 1, 1, 1, 1])
    assert verdict(part, alike) == REPRODUCED


def test_an_ordering_of_medians_holds_where_some_seeds_solve_the_task():
    part = {"check": "ordering", "direction": "lower", "margin": 0.1, "against": {"variant": "elman"}}
    part |= {"where": {**ERROR, "variant": "lstm"}}
    rows = scored(shard(), [0.17, 0.16, 0.165, 0.171] * 3)
    rows += scored(shard(variant="lstm"), [0.001, 0.002] * 5 + [0.17, 0.165], [1] * 10 + [0] * 2)
    assert verdict(part, rows) == UNDECIDED  # a mean
    part["statistic"] = "median"
    (found,) = findings(part, rows)
    assert found.verdict == REPRODUCED
    assert "(difference of medians), 12 seeds a side" in found.sentence


@pytest.mark.parametrize(("untrained", "expected"), [(0, REPRODUCED), (1, REPRODUCED), (4, UNDECIDED)])
def test_an_ordering_of_medians_must_hold_wherever_untrained_seeds_would_have_come_to_lie(
    untrained, expected
):
    part = {"check": "ordering", "direction": "lower", "margin": 0.1, "against": {"variant": "elman"}}
    part |= {"where": {**ERROR, "variant": "lstm"}, "statistic": "median"}
    elman = scored(shard(), [0.17] * 9)
    start = [dataclasses.replace(row, update=0) if row.seed < untrained else row for row in elman]
    rows = start + scored(shard(variant="lstm"), [0.001] * 9)
    (found,) = findings(part, rows)
    assert found.verdict == expected
    assert ("are not trained" in found.sentence) == (expected == UNDECIDED)


def test_an_ordering_of_medians_of_equal_networks_is_a_median_of_pairs():
    one, other = [-1.0, -2.0, -3.0, -4.0, -5.0], [-0.9, -1.9, -2.9, -3.9, -4.9]
    rows = probed(shard(), "gradient_slope", one) + probed(shard(), "input_sensitivity_slope", other)
    part = {"check": "ordering", "direction": "lower", "where": SLOPE, "statistic": "median"}
    (found,) = findings({**part, "against": {"metric": "input_sensitivity_slope"}}, rows)
    assert found.verdict == REPRODUCED
    assert "by 0.1 [0.1, 0.1] (median), 5 pairs" in found.sentence


def test_an_ordering_may_compare_two_moments_of_one_run():
    cell = shard(task="character_language_model")
    curves = [[3.0, 2.0, 2.1], [3.0, 2.0, 2.11], [3.0, 2.1, 2.2]]
    part = {
        "check": "ordering", "direction": "higher", "margin": 0.05,
        "where": {
            "split": "validation", "stage": "training", "metric": "bits_per_character", "update": "last",
        },
        "against": {"stage": "final", "metric": "best_bits_per_character"},
    }  # fmt: skip
    rows = validated(cell, curves) + validated(cell, [[1.0, 9.0]] * 3, 1e-2, selected=False)
    assert verdict(part, rows) == REPRODUCED
    assert "validation bits_per_character at update 20 is higher" in findings(part, rows)[0].sentence


def test_the_longest_lag_is_found_in_the_rows():
    near = probed(shard(), "gradient_log10_median", [-1.0, -1.0, -1.0], lag_steps=1)
    far = probed(shard(), "gradient_log10_median", [-9.0, -8.0, -7.0], lag_steps=99)
    part = {"check": "ordering", "direction": "lower", "margin": 4, "against": {"lag_steps": 1}}
    part["where"] = {"stage": "initial", "metric": "gradient_log10_median", "lag_steps": "largest"}
    assert verdict(part, near + far) == REPRODUCED


def test_variants_matched_by_parameters_meet_at_their_budget():
    rows = []
    for budget, (elman, lstm) in {500: (16, 8), 900: (24, 12)}.items():
        rows += scored(shard(hidden_size=elman, parameters_target=budget), [0.3, 0.3, 0.3])
        rows += scored(shard(variant="lstm", hidden_size=lstm, parameters_target=budget), [0.1, 0.1, 0.1])
    part = {"check": "ordering", "direction": "lower", "where": {**ERROR, "variant": "lstm"}}
    part["against"] = {"variant": "elman"}
    assert [finding.verdict for finding in findings(part, rows)] == [REPRODUCED, REPRODUCED]


def test_champions_are_compared_where_only_the_best_counts():
    errors = {"elman": 0.3, "lstm": 0.1, "convolution": 0.2, "temporal_convolution": 0.4}
    rows = [row for variant, error in errors.items() for row in scored(shard(variant=variant), [error] * 3)]
    part = {"check": "ordering", "direction": "lower", "where": {**ERROR, "variant": ["elman", "lstm"]}}
    part["against"] = {"variant": ["convolution", "temporal_convolution"]}
    assert verdict(part, rows) == CONTRADICTED  # elman loses to a convolution
    assert verdict({**part, "pick": "best"}, rows) == REPRODUCED
    assert len(findings({**part, "pick": "best"}, rows)) == 1


def test_two_measurements_agree_within_a_tolerance():
    rows = probed(shard(), "lyapunov_largest", [0.10, 0.20, 0.30])
    rows += probed(shard(), "gradient_log_slope", [0.11, 0.19, 0.31])
    part = {"check": "agree", "where": {"stage": "initial", "metric": "lyapunov_largest"}}
    part["against"] = {"metric": "gradient_log_slope"}
    results = [verdict({**part, "tolerance": tolerance}, rows) for tolerance in (0.05, 0.02, 0.0)]
    assert results == [REPRODUCED, UNDECIDED, UNDECIDED]
    shifted = probed(shard(), "lyapunov_largest", [1.0, 1.1, 1.2]) + rows[3:]
    assert verdict({**part, "tolerance": 0.05}, shifted) == CONTRADICTED


def test_a_ratio_is_one_of_geometric_means():
    rows = two([1.0, 1.0, 1.0], [3.6, 4.0, 40 / 9])
    part = {"check": "ratio", "where": {**SLOPE, "variant": "lstm"}, "against": {"variant": "elman"}}
    assert (
        "4 [3.08, 5.2] (quotient of geometric means), 3 seeds a side"
        in findings({**part, "at_least": 2}, rows)[0].sentence
    )
    assert [verdict({**part, "at_least": bound}, rows) for bound in (2, 4, 9)] == [
        REPRODUCED,
        UNDECIDED,
        CONTRADICTED,
    ]


def test_no_comparison_rests_on_weights_that_are_those_of_the_start():
    part = {"check": "ordering", "direction": "lower", "where": {**ERROR, "variant": "lstm"}}
    part["against"] = {"variant": "elman"}
    errors = ([0.9, 0.91, 0.92], [0.1, 0.11, 0.12])
    trained = scored(shard(), errors[0]) + scored(shard(variant="lstm"), errors[1])
    assert verdict(part, trained) == REPRODUCED
    first = [dataclasses.replace(row, update=0) if row.seed == 1 else row for row in trained[:6]]
    (found,) = findings(part, first + trained[6:])
    assert found.verdict == UNDECIDED
    assert "1 of 3 seeds of elman are not trained" in found.sentence


def test_a_probe_of_a_replica_that_diverged_is_not_judged():
    part = {"check": "at_most", "bound": 0, "where": {"stage": "final", "metric": "gradient_slope"}}
    rows = probed(shard(), "gradient_slope", [-0.5, -0.51, -0.52, 9.0], "final")
    assert verdict(part, rows) == UNDECIDED
    rows[3] = dataclasses.replace(rows[3], status="diverged")
    assert verdict(part, rows) == REPRODUCED


def test_test_is_that_of_the_weights_that_were_kept_unless_a_claim_asks_for_the_last_ones():
    kept = scored(shard(), [0.1, 0.11, 0.12], status="early_stopped")
    errors = [row for row in kept if row.metric == "mean_squared_error"]
    last = [dataclasses.replace(row, stage="training", update=99, value=row.value + 1) for row in errors]
    assert verdict({"check": "at_most", "bound": 0.5, "where": ERROR}, kept + last) == REPRODUCED
    saved = {"check": "ordering", "direction": "higher", "margin": 0.5, "against": {"stage": "final"}}
    assert verdict({**saved, "where": {**ERROR, "stage": "training"}}, kept + last) == REPRODUCED
