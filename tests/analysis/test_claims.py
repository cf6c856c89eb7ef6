"""Verdicts: none from too little, none against the interval, all four of them into the file."""

import itertools
import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from rnnlimits import rows as waist
from rnnlimits.analysis import claims, statistics
from rnnlimits.analysis.claims.bounds import FEWEST_SEEDS
from rnnlimits.analysis.claims.finding import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from rnnlimits.planning.config.messages import ConfigError
from support.claim_evidence import ERROR, SLOPE, findings, two, verdict
from support.repository_copy import ROOT
from support.synthetic_rows import probed, scored, shard, validated

AT_MOST = {"check": "at_most", "bound": 1, "where": ERROR}


@pytest.mark.parametrize("errors", [[0.1], [0.1, 0.1], [None, None, 0.1, 0.1]])
def test_too_few_seeds_decide_nothing(errors):
    assert verdict(AT_MOST, scored(shard(), errors)) == UNDECIDED


def test_more_than_half_diverged_decides_nothing():
    most = scored(shard(), [0.1, 0.1, 0.1, None, None, None, None])
    few = scored(shard(), [0.1, 0.1, 0.1, None, None, None])
    assert verdict(AT_MOST, most) == UNDECIDED
    assert "4 of 7 seeds of elman diverged" in findings(AT_MOST, most)[0].sentence
    assert verdict(AT_MOST, few) == REPRODUCED


def test_a_diverged_positive_control_decides_nothing():
    rows = scored(shard(), [None] * 4 + [0.3] * 3) + scored(shard(variant="lstm"), [0.1] * 7)
    part = {"check": "ordering", "direction": "lower", "where": {**ERROR, "variant": "lstm"}}
    assert verdict({**part, "against": {"variant": "elman"}}, rows) == UNDECIDED


def test_seeds_that_used_up_their_budget_do_not_speak_for_those_that_stopped():
    cell = shard(task="character_language_model")
    part = {
        "check": "ordering", "direction": "higher",
        "against": {"stage": "final", "metric": "best_bits_per_character"},
        "where": {
            "split": "validation", "stage": "training", "metric": "bits_per_character", "update": "last",
        },
    }  # fmt: skip
    rows = validated(cell, [[3.0, 2.0, 2.1]] * 3)
    ends = ("early_stopped", "out_of_updates")
    stopped, cut_off = [{**part, "where": {**part["where"], "status": end}} for end in ends]
    assert verdict(stopped, rows) == REPRODUCED
    assert verdict(cut_off, rows) == UNDECIDED
    assert "of out_of_updates seeds is higher" in findings(cut_off, rows)[0].sentence
    assert "by no value, 0 pairs; too few" in findings(cut_off, rows)[0].sentence


def test_a_missing_shard_is_not_run_even_if_shorter_ones_were():
    short, long = scored(shard(), [0.1] * 3), scored(shard(length_steps=200), [0.1] * 3)
    part = {**AT_MOST, "where": {**ERROR, "length_steps": "longest"}}
    assert verdict(part, short) == REPRODUCED
    assert verdict(part, short, planned=long) == NOT_RUN
    assert findings(part, short, planned=long)[0].sentence == "no rows of shard memory.adding.elman.h8.t200"


@pytest.mark.parametrize(
    "change",
    [
        {"study": "another"},
        {"where": {**ERROR, "variant": "transformer"}},
        {"where": {**ERROR, "metric": "unheard_of"}},
        {"check": "ordering", "direction": "lower", "where": ERROR, "against": {"variant": "lstm"}},
        {"check": "exists", "conditions": {"unheard_of": {"above": 0}}, "where": {"stage": "final"}},
    ],
)
def test_what_no_row_holds_is_not_run(change):
    part = {**AT_MOST, **change}
    assert verdict(part, scored(shard(), [0.1] * 3)) == NOT_RUN


def test_a_claim_that_fits_several_rows_of_a_seed_says_what_to_add():
    rows = probed(shard(), "gradient_slope", [0.1] * 3)
    rows += probed(shard(), "gradient_slope", [0.1] * 3, stage="final")
    with pytest.raises(ValueError, match=r"several rows of one seed fit .*; they differ in stage: say which"):
        findings({"check": "at_most", "bound": 1, "where": {"metric": "gradient_slope"}}, rows)


def test_one_contradiction_outweighs_all_and_reproduced_takes_all():
    order = [CONTRADICTED, NOT_RUN, UNDECIDED, REPRODUCED]
    for verdicts in itertools.product(order, repeat=2):
        assert claims.combine(verdicts) == order[min(map(order.index, verdicts))]


numbers = some.floats(-10, 10).map(lambda value: round(value, 2))


@settings(max_examples=50, deadline=None)  # the first call imports scipy
@given(some.lists(numbers, min_size=1, max_size=6), numbers, some.floats(0, 5))
def test_nothing_is_reproduced_whose_interval_excludes_the_bound(values, bound, width):
    interval = statistics.mean(np.array(values))
    rows = probed(shard(), "gradient_slope", values)
    outside = {
        "at_least": ({"bound": bound}, interval.high < bound),
        "at_most": ({"bound": bound}, interval.low > bound),
        "within": (
            {"low": bound, "high": bound + width},
            interval.high < bound or interval.low > bound + width,
        ),
    }
    for check, (limits, excluded) in outside.items():
        found = verdict({"check": check, **limits, "where": SLOPE}, rows)
        assert not (found == REPRODUCED and excluded)
        assert not (found == CONTRADICTED and not excluded)
        assert found == UNDECIDED or len(values) >= FEWEST_SEEDS


@settings(max_examples=50, deadline=None)  # the first call imports scipy
@given(some.lists(some.tuples(numbers, numbers), min_size=1, max_size=6), some.floats(0, 5))
def test_no_ordering_is_reproduced_whose_interval_excludes_its_margin(values, margin):
    elman, lstm = zip(*values)
    interval = statistics.difference(np.array(lstm), np.array(elman))
    part = {"check": "ordering", "direction": "higher", "margin": margin, "against": {"variant": "elman"}}
    found = verdict({**part, "where": {**SLOPE, "variant": "lstm"}}, two(elman, lstm))
    if found == REPRODUCED:
        assert interval.low >= margin
    if found == CONTRADICTED:
        assert interval.high < margin


FILE = """
sources:
  Author (2000): Author (2000), A title
claims:
- id: holds
  title: Holds
  says: >-
    A sentence
    on two lines.
  source: {key: Author (2000), place: table 1}
  type: number
  full: {length_steps: 100, hidden_size: 8}
  disputes: Some.
  parts:
  - check: at_most
    bound: 1
    study: memory
    where: {variant: elman, split: test, metric: mean_squared_error}
- id: fails
  title: Fails
  says: Another.
  source: {key: Author (2000), place: table 2}
  type: failure
  full: {}
  parts:
  - {check: near_chance, perfect: 0, study: memory, where: {split: test, metric: mean_squared_error}}
  - {check: at_most, bound: 1, study: memory, where: {split: test, metric: mean_squared_error},
     positive_control: true}
- id: straddles
  title: Straddles
  says: A third.
  source: {key: Author (2000), place: table 3}
  type: number
  parts:
  - {check: at_most, bound: 0.15, study: memory, where: {split: test, metric: mean_squared_error}}
- id: lacks
  title: Lacks
  says: A fourth.
  source: {key: Author (2000), place: table 4}
  type: number
  needs: a GPU
  parts:
  - {check: at_most, bound: 1, study: memory, where: {variant: lstm, split: test, metric: mean_squared_error}}
"""


def judged(folder, shuffle=None):
    folder.mkdir()
    (folder / "claims.yaml").write_text(FILE)
    paths = []
    for variant, errors in (("elman", [0.1, 0.12, 0.2]), ("gru", [0.01, 0.012, 0.02])):
        rows = scored(shard(variant=variant), errors) + validated(shard(variant=variant), [[0.3, 0.2]] * 3)
        if shuffle:
            shuffle.shuffle(rows)
        paths.append(folder / f"{variant}.parquet")
        waist.write(rows, {}, paths[-1])
    if shuffle:
        paths.reverse()
    return claims.judge(
        paths, folder / "claims.yaml", folder / "out" / "claims.csv"
    ), folder / "out" / "claims.csv"


def test_all_four_verdicts_reach_the_file_with_their_yardsticks(tmp_path):
    table, path = judged(tmp_path / "a")
    assert table.verdict.tolist() == [REPRODUCED, CONTRADICTED, UNDECIDED, NOT_RUN]
    written = pd.read_csv(path, keep_default_na=False).set_index("id")
    assert list(written.columns) == claims.COLUMNS[1:]
    assert written.loc["holds", "says"] == "A sentence on two lines."
    assert written.loc["holds", "scale"] == "reduced: length_steps 20 of 100"
    measured = (
        "elman on adding (h 8, T 20) test mean_squared_error: 0.134 [0.0548, 0.327] (geometric mean), 3 seeds"
    )
    assert written.loc["holds", "measured"] == measured
    assert written.loc["holds", ["bound", "seeds", "training"]].tolist() == ["≤ 1", "3", "up to 100 updates"]
    assert written.loc["holds", ["source", "place"]].tolist() == ["Author (2000)", "table 1"]
    assert written.loc["holds", "reference"] == "Author (2000), A title"
    assert written.loc["fails", "scale"] == "full"
    assert written.loc["straddles", "scale"] == "not stated"
    assert written.loc["lacks", "measured"].endswith("; needs a GPU")


def test_the_order_of_files_and_rows_changes_no_byte_of_the_verdicts(tmp_path):
    _, first = judged(tmp_path / "a")
    _, second = judged(tmp_path / "b", random.Random(3))
    assert first.read_bytes() == second.read_bytes()


def test_a_claims_file_with_a_mistake_is_refused_before_rows_are_read(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(FILE.replace("near_chance", "near_chanse"))
    with pytest.raises(
        ConfigError, match=r"fails\.parts\[0\]\.check: got 'near_chanse'; did you mean 'near_chance'"
    ):
        claims.judge([], path, tmp_path / "claims.csv")


def test_the_shipped_claims_are_the_twelve_and_more_with_every_source_used():
    content = claims.load(ROOT / "config" / "claims.yaml")
    ids = {claim["id"] for claim in content["claims"]}
    assert ids >= {
        "plain_gradients_vanish", "plain_fails_gates_do_not", "gates_keep_gradients_alive",
        "gates_model_text_better", "early_stopping_prevents_overfitting", "convolutions_are_for_images",
        "gradient_bound", "initialisation_sets_the_reach", "adding_needs_memory", "chaos_above_gain_one",
        "guessing_beats_lstm", "curse_of_memory",
    }  # fmt: skip
    assert {claim["source"]["key"] for claim in content["claims"]} == set(content["sources"])
