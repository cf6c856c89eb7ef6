"""Tables: means, intervals and counts by hand; bytes that do not depend on any order."""

import dataclasses
import random

import numpy as np
import pandas as pd
import pytest

from rnnlimits import catalog
from rnnlimits import rows as waist
from rnnlimits.analysis import tables
from support.synthetic_rows import example, frame, probed, scored, shard, validated


@pytest.fixture(scope="module")
def rows():
    return frame(example())


def line(table, **where):
    """The only line that holds these values."""
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_a_test_result_is_the_average_over_the_seeds_that_did_not_diverge(rows):
    # As if no seed of elman had solved the task: one group.
    rows = rows.assign(value=rows.value.mask((rows.metric == "solved") & (rows.variant == "elman"), 0.0))
    table = tables.TABLES["test_results"](rows)
    elman = line(table, variant="elman", metric="mean_squared_error")
    # Two seeds, 0.1 and 0.2, on their logarithms: Student's t with one degree of freedom is 12.7.
    factor = 2 ** (12.7062 / 2)
    middle = 0.02**0.5
    assert (elman.estimate, elman.low, elman.high) == pytest.approx(
        (middle, middle / factor, middle * factor), rel=1e-4
    )
    assert elman.estimator == "geometric mean"
    assert (elman.n, elman.n_diverged, elman.chance) == (2, 1, 1 / 6)
    lstm = line(table, variant="lstm", metric="mean_squared_error")
    assert (lstm.estimate, lstm.n) == pytest.approx(((0.004 * 0.005 * 0.006) ** (1 / 3), 3))
    assert 0 < lstm.low < 0.004 < 0.006 < lstm.high


def test_solved_is_a_share_with_wilsons_interval(rows):
    solved = line(tables.TABLES["test_results"](rows), variant="lstm", metric="solved")
    # Wilson's lower limit for n of n is n / (n + z²), z = 1.96.
    assert (solved.estimate, solved.low, solved.high) == pytest.approx((1.0, 3 / (3 + 1.959964**2), 1.0))
    assert line(tables.TABLES["test_results"](rows), variant="elman", metric="solved").n == 3


def test_only_the_metric_that_decides_is_primary(rows):
    table = tables.TABLES["test_results"](rows[rows.study == "memory"])
    assert set(table[table.primary].metric) == {"mean_squared_error"}
    assert set(table[~table.primary].metric) == {"solved"}


def test_a_stopped_replica_keeps_its_last_value_and_a_diverged_one_has_none(rows):
    curves = tables.TABLES["learning_curves"](rows)
    elman = curves[curves.variant == "elman"].set_index("update")
    assert elman.n.tolist() == [3, 2, 2]
    assert elman.estimate.tolist() == pytest.approx([0.3, 0.2, (0.1 * 0.2) ** 0.5])  # geometric means
    # The rate that was not chosen is no curve.
    assert set(curves.learning_rate) == {1e-3}


def test_a_replica_has_its_end_and_its_best_value(rows):
    table = tables.TABLES["replicas"](rows)
    last = line(table, variant="elman", seed=2)
    assert (last.status, last.best_update, last.stop_update, last.best_value) == (
        "early_stopped",
        20,
        20,
        0.1,
    )
    assert pd.isna(last.updates_to_solve)
    assert line(table, variant="elman", seed=1).status == "diverged"
    assert "sequential_digits" not in set(table.task)


def test_every_learning_rate_that_was_tried_has_a_line(rows):
    table = tables.TABLES["learning_rate_search"](rows)
    lstm = table[table.variant == "lstm"]
    assert lstm.learning_rate.tolist() == [1e-3, 1e-2]
    assert lstm.estimate.tolist() == pytest.approx([0.004, 0.1])
    assert lstm.selected.tolist() == [True, False]
    assert line(table, variant="elman").n_diverged == 1


def test_gradients_are_averaged_over_seeds_at_each_lag(rows):
    table = tables.TABLES["gradient_by_lag"](rows)
    near = line(table, stage="initial", quantity="gradient", lag_steps=1)
    assert (near["median"], near.p10, near.p90, near.n) == (-2, -3, -1, 3)
    assert (near.low, near.high) == pytest.approx((-2 - 4.302653 / 3**0.5, -2 + 4.302653 / 3**0.5))
    far = line(table, quantity="gradient", lag_steps=2)
    assert (far["median"], far.n) == (-5, 2)  # the third seed's gradient was exactly zero
    assert pd.isna(line(table, stage="initial", quantity="input_sensitivity", lag_steps=1).p10)


def test_mid_training_is_a_moment_of_its_own_and_parameter_gradients_a_quantity():
    cell = shard("memory", "adding", "lstm")
    found = [
        row
        for name in ("parameter_gradient", "gradient_output_only")
        for stage, value in (("initial", -2.0), ("mid_training", -3.0))
        for row in probed(cell, f"{name}_log10_median", [value] * 3, stage, lag_steps=4)
    ]
    found += probed(cell, "parameter_gradient_slope", [-0.5] * 3, "mid_training")
    frame = pd.DataFrame([vars(row) for row in found])
    table = tables.TABLES["gradient_by_lag"](frame)
    for quantity in ("parameter_gradient", "gradient_output_only"):
        assert line(table, quantity=quantity, stage="initial")["median"] == -2
        assert line(table, quantity=quantity, stage="mid_training")["median"] == -3
    assert (
        line(tables.TABLES["gradient_slopes"](frame), quantity="parameter_gradient").stage == "mid_training"
    )


def test_a_time_constant_belongs_to_a_gradient_that_falls(rows):
    table = tables.TABLES["gradient_slopes"](rows)
    assert line(table, variant="elman").time_constant == 2
    assert pd.isna(line(table, variant="lstm").time_constant)


def test_jacobians_stand_beside_their_bound(rows):
    near = line(tables.TABLES["jacobian_by_lag"](rows), lag_steps=1)
    assert (near.largest, near.low, near.high, near.bound) == pytest.approx(
        (-2, -4.4841, 0.4841, 0), abs=1e-4
    )
    assert pd.isna(near.smallest)


def test_the_scores_by_context_stand_beside_those_of_all_inputs_and_of_guessing():
    found = probed(shard(), "context_score_full", [0.9, 0.8, 0.7], "final", unit="share")
    found += probed(shard(variant="gru"), "context_score_full", [0.5] * 3, "final", unit="share")
    found += probed(shard(), "context_score_chance", [0.25] * 3, "final", unit="share")
    for variant, metric, lag, values in [
        ("elman", "context_score", 0, [0.4] * 3), ("elman", "context_score", 1, [0.5, 0.6, None]),
        ("elman", "context_score_shuffled", 0, [0.6] * 3), ("gru", "context_score", 0, [0.5] * 3),
    ]:  # fmt: skip
        cell = shard(variant=variant)
        found += probed(cell, metric, values, "final", lag_steps=lag, unit="share")
    table = tables.TABLES["context_by_lag"](frame(found))
    assert len(table) == 4
    far = line(table, variant="elman", quantity="last", lag_steps=1)
    assert (far.n, far.chance, far.unit) == (2, 0.25, "share")
    assert 0.5 < far.estimate < 0.6
    assert 0.79 < far.full < 0.82
    assert line(table, quantity="shuffled").estimate == pytest.approx(0.6)
    assert pd.isna(line(table, variant="gru").chance)


def test_reach_is_the_median_lag_of_a_hundredth_beside_the_context_that_is_needed():
    found = probed(shard(), "context_needed", [6, 7, 9], "final", unit="steps")
    # Log10 of the gradient by seed: a hundredth of lag 1 is left at lag 3, at lag 2, and not at all.
    curves = {1: [0.0, 0.0, 0.0], 2: [-1.9, -2.1, -0.1], 3: [-2.0, -3.0, -0.2], 4: [-2.5, None, -0.3]}
    for lag, values in curves.items():
        found += probed(shard(), "gradient_log10_median", values, "final", lag_steps=lag, unit="log10")
        # What was measured before training is no reach of a trained network.
        found += probed(shard(), "input_sensitivity_log10_median", values, lag_steps=lag, unit="log10")
    table = tables.TABLES["reach"](frame(found))
    assert set(table.quantity) == {"context", "gradient"}
    needed, gradient = (line(table, quantity=quantity) for quantity in ("context", "gradient"))
    assert (needed.estimate, needed.n, needed.n_beyond) == (7, 3, 0)
    assert (gradient.estimate, gradient.n, gradient.n_beyond) == (3, 3, 1)
    assert pd.isna(gradient.low)  # three seeds give a median no interval


def test_probe_scalars_have_no_lag(rows):
    scalars = {"gradient_slope", "bound_violations", "context_needed"}
    scalars |= {"context_score_full", "context_score_chance"}
    assert set(tables.TABLES["probe_scalars"](rows).metric) == scalars


def test_the_smallest_size_within_one_standard_error_is_chosen_and_read_once(rows):
    table = tables.TABLES["cross_validation"](rows).set_index("hidden_size")
    assert table["mean"].tolist() == pytest.approx([0.82, 0.86, 0.87])
    # Fold values 0.85, 0.86, 0.90: standard deviation 0.02646, over the root of 3.
    assert table.standard_error[32] == pytest.approx(0.02646 / np.sqrt(3), abs=1e-5)
    assert table.best.tolist() == [False, False, True]
    assert table.chosen.tolist() == [False, True, False]
    assert table.test_value[16] == pytest.approx(0.8141, abs=1e-4)  # the mean of the logits of its seeds
    assert table.test_value.drop(16).isna().all()


def test_a_lower_error_is_better_without_being_told(rows):
    folds = []
    for size, end in ((8, 0.5), (16, 0.2)):
        cell = shard("cv", "adding", "gru", size, 20, "cross_validation")
        folds += validated(cell, [[0.9, end], [0.9, end + 0.02]])
    table = tables.TABLES["cross_validation"](frame(folds)).set_index("hidden_size")
    assert table.best.to_dict() == {8: False, 16: True}


def test_a_fold_that_diverged_counts_as_guessing():
    folds = []
    for size, diverged in ((8, [0]), (16, [])):
        cell = shard("cv", "adding", "gru", size, 20, "cross_validation")
        folds += validated(cell, [[0.9, 0.1], [0.9, 0.1]], diverged=diverged)
    table = tables.TABLES["cross_validation"](frame(folds)).set_index("hidden_size")
    assert table["mean"].to_dict() == pytest.approx({8: (1 / 6 + 0.1) / 2, 16: 0.1})
    assert table.n_diverged.to_dict() == {8: 1, 16: 0}
    assert table.chosen.to_dict() == {8: False, 16: True}


def test_one_lost_fold_does_not_outweigh_what_the_others_show():
    """Of size 16, three folds of four are near 0; of size 8, all are worse than guessing."""
    folds = []
    for size, end, diverged in ((8, 0.5, []), (16, 0.01, [0])):
        cell = shard("cv", "adding", "gru", size, 20, "cross_validation")
        folds += validated(cell, [[0.9, end + fold / 1000] for fold in range(4)], diverged=diverged)
    table = tables.TABLES["cross_validation"](frame(folds)).set_index("hidden_size")
    assert table.chosen.to_dict() == {8: False, 16: True}
    assert table.size_edge.dropna().to_dict() == {16: "largest"}


def test_a_learning_rate_from_the_end_of_its_list_is_called_so():
    tried = [
        validated(shard(), [[0.9, end]] * 2, rate, rate == 0.01) for rate, end in ((0.003, 0.2), (0.01, 0.1))
    ]
    middle = [
        validated(shard(variant="lstm"), [[0.9, end]] * 2, rate, rate == 0.003)
        for rate, end in ((0.001, 0.2), (0.003, 0.1), (0.01, 0.2))
    ]
    rows = frame([*tried[0], *tried[1], *(row for one in middle for row in one)])
    search = tables.TABLES["learning_rate_search"](rows)
    assert search.dropna(subset="edge")[["variant", "edge"]].to_numpy().tolist() == [["elman", "largest"]]


def test_seeds_that_solve_the_task_on_validation_only_are_counted():
    solved = [dataclasses.replace(row, status="solved") for row in scored(shard(), [0.1, 0.2], [1, 0])]
    table = tables.TABLES["test_results"](frame(solved))
    assert line(table, metric="solved").n_validation_only == 1


def test_seeds_that_solve_the_task_and_those_that_do_not_have_a_curve_each():
    alike = validated(shard(variant="lstm"), [[0.9, 0.2], [0.9, 0.4]])
    solving, failing = (validated(shard(), [[0.9, end]]) for end in (0.0, 0.8))
    solving = [dataclasses.replace(row, status="solved") for row in solving]
    failing = [dataclasses.replace(row, seed=1) for row in failing]
    curves = tables.TABLES["learning_curves"](frame(alike + solving + failing))
    last = curves[curves["update"] == curves["update"].max()]
    assert last.groupby(["variant", "group"]).n.first().to_dict() == {
        ("elman", "not solved"): 1, ("elman", "solved"): 1, ("lstm", "all"): 2,
    }  # fmt: skip


def test_parameters_say_how_far_they_are_from_their_budget(rows):
    table = tables.TABLES["parameters"](rows)
    assert line(table, variant="lstm").deviation_percent == pytest.approx(-20)
    assert pd.isna(line(table, variant="elman").deviation_percent)
    assert not table.duplicated(["study", "task", "variant", "hidden_size", "length_steps"]).any()


def test_simulations_and_references_are_read_as_they_are(rows):
    simulation = tables.TABLES["simulations"](rows).iloc[0]
    assert (simulation.estimator, simulation["median"], simulation.n) == ("geometric mean", 20, 3)
    assert tables.TABLES["references"](rows).value.tolist() == [3.5]


def test_tables_of_no_rows_still_have_their_columns(rows):
    full = {name: table(rows, 0.95) for name, table in tables.TABLES.items()}
    for name, table in tables.TABLES.items():
        empty = table(rows[:0], 0.95)
        assert list(empty.columns) == list(full[name].columns), name
        assert empty.empty


def files(folder, rows, shuffle=None):
    """One rows file a shard; `shuffle` mixes the rows inside each."""
    paths = []
    for name in dict.fromkeys(row.shard for row in rows):
        mine = [row for row in rows if row.shard == name]
        if shuffle:
            shuffle.shuffle(mine)
        paths.append(folder / f"{name}.parquet")
        waist.write(mine, {"seconds_total": 1.5, "host": "laptop", "updates_run": 20}, paths[-1])
    return paths


def test_the_order_of_files_and_rows_does_not_change_a_byte(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    first = tables.write(files(tmp_path / "a", example()), tmp_path / "first")
    mixed = files(tmp_path / "b", example(), random.Random(5))[::-1]
    second = tables.write(mixed, tmp_path / "second")
    assert [path.name for path in first] == [f"{name}.csv" for name in (*tables.TABLES, "timings")]
    assert sorted(path.stem for path in first) == catalog.tables(), "what the workflow declares"
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_an_archive_gives_the_tables_of_its_shards(tmp_path):
    paths = files(tmp_path, example())
    waist.merge(paths, tmp_path / "archive.parquet")
    alone = tables.write(paths, tmp_path / "alone")
    archived = tables.write([tmp_path / "archive.parquet"], tmp_path / "archived")
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in archived]


def test_whole_numbers_are_written_whole_and_missing_ones_empty(tmp_path):
    tables.write(files(tmp_path, example()), tmp_path)
    lines = (tmp_path / "gradient_slopes.csv").read_text().splitlines()
    assert lines[1] == "memory,adding,elman,elman,8,20,80,,initial,gradient,-0.5,-0.5,-0.5,2,3"
    timings = pd.read_csv(tmp_path / "timings.csv")
    assert timings.seconds_total.tolist() == [1.5] * len(timings)
    assert timings.columns[0] == "shard"


def test_a_shard_in_two_files_is_refused(tmp_path):
    path = files(tmp_path, scored(shard(), [0.1, 0.2]))[0]
    copy = path.with_name("copy.parquet")
    copy.write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"shard 'memory.adding.elman.h8.t20' is also in .*; give each"):
        tables.read([path, copy])


def test_a_replica_that_did_best_with_its_first_weights_is_counted_as_not_trained():
    first = [dataclasses.replace(row, update=0) for row in scored(shard(), [1.8, 1.9])]
    later = scored(shard(variant="lstm"), [0.1, 0.2])
    table = tables.TABLES["test_results"](frame(first + later))
    assert table[table.metric == "mean_squared_error"].n_not_trained.tolist() == [2, 0]


def test_a_probe_of_a_replica_that_diverged_is_in_no_mean():
    """Its number is finite, as it was taken with the weights before the divergence."""
    alive = probed(shard(), "gradient_slope", [-0.5, -0.5], "final")
    gone = [dataclasses.replace(row, seed=2, status="diverged", value=9.0) for row in alive[:1]]
    table = tables.TABLES["gradient_slopes"](frame(alive + gone))
    assert table.slope.tolist() == [-0.5]
    assert table.n.tolist() == [2]


def test_seeds_of_which_some_solve_the_task_have_two_means_and_a_share():
    """0.1, 0.2 and 0.3 have a mean of 0.2, if all solve the task or none; here one does."""
    split = scored(shard(), [0.001, 0.2, 0.3], [1, 0, 0])
    alike = scored(shard(variant="lstm"), [0.1, 0.2, 0.3], [0, 0, 0])
    table = tables.TABLES["test_results"](frame(split + alike))
    told = line(table, variant="elman", metric="mean_squared_error")
    assert (told.low_group, told.high_group, told.n_low_group) == pytest.approx((0.001, 0.25, 1))
    assert told[["estimate", "low", "high"]].isna().all()
    assert told.estimator == "two groups"
    one = line(table, variant="lstm", metric="mean_squared_error")
    assert pd.isna(one.low_group)
    assert one.estimate > 0
    assert line(table, variant="elman", metric="solved").estimate == pytest.approx(1 / 3)
