"""What verdicts rest on, in files: each finding with its numbers, each seed as it was judged."""

import pandas as pd
import pytest

from rnnlimits import rows as waist
from rnnlimits.analysis import claims
from support.synthetic_rows import scored, shard, validated

FILE = """
sources:
  Author (2000): Author (2000), A title
claims:
- id: better
  title: Better
  says: A sentence.
  source: {key: Author (2000), place: table 1}
  type: ordering
  parts:
  - {check: at_most, bound: 1, study: memory, where: {variant: gru, split: test, metric: mean_squared_error}}
  - check: ordering
    direction: lower
    margin: 0.01
    study: memory
    where: {variant: [gru, lstm], split: test, metric: mean_squared_error}
    against: {variant: elman}
- id: absent
  title: Absent
  says: Another.
  source: {key: Author (2000), place: table 2}
  type: number
  parts:
  - {check: at_most, bound: 1, study: memory, where: {variant: irnn, split: test, metric: mean_squared_error}}
"""
ERRORS = {"elman": [0.1, 0.11, 0.12], "gru": [0.01, 0.02, 0.03], "lstm": [0.05, None, 0.06]}


# At the chosen rate each is as on test; at the other the order is turned round.
OTHER_RATE = {"elman": 0.1, "gru": 0.2, "lstm": 0.3}


def judged(folder, seconds):
    folder.mkdir(exist_ok=True)
    (folder / "claims.yaml").write_text(FILE)
    paths = []
    for variant, errors in ERRORS.items():
        cell = shard(variant=variant)
        rows = scored(cell, errors) + validated(cell, [[0.3, 0.2]] * 3)
        rows += validated(cell, [[0.5, OTHER_RATE[variant]]] * 3, learning_rate=1e-2, selected=False)
        paths.append(folder / f"{variant}.parquet")
        waist.write(rows, {"seconds_total": seconds}, paths[-1])
    claims.judge(paths, folder / "claims.yaml", folder / "claims.csv", details_dir=folder / "verdicts")
    return folder / "verdicts"


@pytest.fixture(scope="module")
def details(tmp_path_factory):
    folder = judged(tmp_path_factory.mktemp("judged"), seconds=30.0)
    return {path.stem: pd.read_csv(path) for path in folder.glob("*.csv")}


def test_every_finding_has_its_place_its_numbers_and_its_bounds(details):
    found = details["findings"]
    assert found[["claim", "part", "finding"]].to_numpy().tolist() == [
        ["better", 1, 1], ["better", 2, 1], ["better", 2, 2], ["absent", 1, 1],
    ]  # fmt: skip
    assert found.verdict.tolist() == ["reproduced", "reproduced", "undecided", "not run"]
    first, second = found.iloc[0], found.iloc[1]
    assert first.estimate == pytest.approx((0.01 * 0.02 * 0.03) ** (1 / 3), rel=1e-5)
    assert (first.estimator, first.n) == ("geometric mean", 3)
    assert first.low < 0.01 < 0.03 < first.high < 1
    assert (first.bound_high, second.bound_low) == (1, 0.01)
    assert pd.isna(first.bound_low)
    assert second.estimate == pytest.approx(0.09)  # lower by 0.09: positive in the claimed direction
    assert found.iloc[3][["estimate", "low", "high", "bound_low", "bound_high"]].isna().all()


def test_every_seed_of_both_sides_is_there_with_what_was_judged(details):
    seeds = details["evidence"]
    pair = seeds[(seeds.part == 2) & (seeds.finding == 2)]
    assert pair.side.tolist() == ["one"] * 3 + ["other"] * 3
    assert pair.variant.tolist() == ["lstm"] * 3 + ["elman"] * 3
    assert pair.seed.tolist() == [0, 1, 2] * 2
    assert pair.value.fillna(-1).tolist() == [0.05, -1, 0.06, 0.1, 0.11, 0.12]
    assert pair.status.tolist() == [
        "out_of_updates",
        "diverged",
        "out_of_updates",
        "out_of_updates",
        "out_of_updates",
        "out_of_updates",
    ]
    assert pair.chance.round(4).unique().tolist() == [0.1667]
    assert "absent" not in set(seeds.claim)


def test_each_side_comes_with_what_it_was_given(details):
    given = details["fairness"]
    pair = given[(given.part == 2) & (given.finding == 1)]
    assert pair.side.tolist() == ["one", "other"]
    assert pair.variant.tolist() == ["gru", "elman"]
    assert pair.parameters.tolist() == [80, 80]
    assert pair.updates_planned.tolist() == [100, 100]
    assert pair.updates_taken.tolist() == [10, 10]
    assert pair.trials.tolist() == [6, 6]  # three seeds at two rates
    assert pair.learning_rate.tolist() == [0.001, 0.001]
    assert pair.seconds.tolist() == [30.0, 30.0]


def test_two_equal_runs_differ_in_seconds_only(tmp_path):
    first, second = judged(tmp_path / "a", seconds=1.0), judged(tmp_path / "b", seconds=2.0)
    for name in ("findings", "evidence", "sensitivity"):
        assert (first / f"{name}.csv").read_bytes() == (second / f"{name}.csv").read_bytes()
    tables = [pd.read_csv(folder / "fairness.csv") for folder in (first, second)]
    assert not tables[0].equals(tables[1])
    assert tables[0].drop(columns="seconds").equals(tables[1].drop(columns="seconds"))


def test_every_change_stands_beside_its_finding(details):
    changes = details["sensitivity"]
    mine = changes[(changes.part == 2) & (changes.finding == 1)].set_index("change")
    assert mine.verdict.to_dict() == {
        "without seed 0": "reproduced", "without seed 1": "reproduced", "without seed 2": "reproduced",
        "each half of the seeds: needs 6 seeds": "not run",
        "learning rate 0.01 on both sides, by validation": "contradicted",
    }  # fmt: skip
    assert mine.loc["without seed 2", "estimate"] == pytest.approx(0.09)
    assert set(changes.part) == {2}  # nothing is compared in the others
