"""What is marked: one row at a time, and a whole table at once, also of rows that were written long ago."""

import dataclasses
from pathlib import Path

import pytest

from rnnlimits import rows
from rnnlimits.rows import Row, marks

ARCHIVE = Path("results/archive/laptop/rows.parquet")
COPY = Row(
    shard="s", study="images", kind="training", task="copy_memory", architecture="lstm", variant="lstm",
    hidden_size=8, length_steps=64, parameters=300, seed=0, learning_rate=1e-2, selected=True, split="test",
    stage="final", update=0, metric="loss", value=1.86, unit="nats", status="early_stopped",
)  # fmt: skip


def changed(**columns) -> dict:
    return vars(dataclasses.replace(COPY, **columns))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, True),
        ({"split": "probe", "metric": "gradient_slope"}, True),
        ({"split": "validation", "metric": "best_update", "value": 0.0, "update": 200}, True),
        ({"split": "validation", "metric": "best_update", "value": 50.0, "update": 200}, False),
        ({"split": "validation", "metric": "best_recall_accuracy", "value": 0.0, "update": 200}, False),
        ({"update": 50}, False),
        ({"split": "probe", "metric": "gradient_slope", "stage": "initial"}, False),
        ({"split": "reference", "metric": "reference_unigram"}, False),
        ({"split": "simulation"}, False),
    ],
)
def test_what_was_read_with_the_weights_of_the_start_is_marked(columns, expected):
    assert marks.not_trained(changed(**columns)) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"split": "probe", "status": "diverged"}, True),
        ({"split": "probe", "status": "diverged", "stage": "mid_training"}, True),
        ({"split": "probe", "status": "solved"}, False),
        ({"status": "diverged"}, False),  # a test score of such a replica has no value
    ],
)
def test_probes_of_a_replica_that_diverged_are_marked(columns, expected):
    assert marks.probe_of_a_diverged_replica(changed(**columns)) == expected


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [("solved", 0.0, True), ("solved", 1.0, False), ("early_stopped", 0.0, False)],
)
def test_a_seed_that_solved_on_validation_but_not_on_test_is_marked(status, value, expected):
    row = changed(metric="solved", status=status, value=value)
    assert marks.solved_on_validation_only(row) == expected
    assert not marks.solved_on_validation_only(row | {"split": "validation"})


@pytest.mark.parametrize(
    ("chosen", "tried", "expected"),
    [(8, [8, 16, 32], "smallest"), (32, [8, 16, 32], "largest"), (16, [32, 8, 16], None), (8, [8, 8], None)],
)
def test_a_choice_at_the_end_of_what_was_tried_is_told(chosen, tried, expected):
    assert marks.edge(chosen, tried) == expected


@pytest.mark.parametrize(
    "mark", [marks.not_trained, marks.probe_of_a_diverged_replica, marks.solved_on_validation_only]
)
def test_a_table_is_marked_as_its_rows_are_one_by_one(mark):
    pandas = pytest.importorskip("pandas")
    found = rows.read(ARCHIVE)
    one_by_one = [bool(mark(vars(row))) for row in found]
    assert mark(pandas.read_parquet(ARCHIVE)).tolist() == one_by_one


def test_rows_of_the_archive_say_which_replicas_were_never_trained():
    """All that was read with a replica's best weights is marked if its `best_update` is 0, else not."""
    found = [row for row in rows.read(ARCHIVE) if row.stage == "final" and row.selected]
    replica = {
        (row.shard, row.seed, row.learning_rate): row.value for row in found if row.metric == "best_update"
    }
    read = [row for row in found if row.split in ("test", "probe")]
    assert read
    for row in read:
        never = replica[row.shard, row.seed, row.learning_rate] == 0
        assert marks.not_trained(vars(row)) == never


def test_the_archive_says_which_choices_stand_at_the_end_of_their_lists():
    """The rates that were tried stand in the final rows of a shard, the sizes in those of the folds."""
    final = [row for row in rows.read(ARCHIVE) if row.stage == "final" and row.metric == "best_update"]
    shards = {row.shard for row in final if row.study == "sequence_length"}
    for shard in shards:
        tried = {row.learning_rate for row in final if row.shard == shard}
        (chosen,) = {row.learning_rate for row in final if row.shard == shard and row.selected}
        assert tried == {3e-3, 1e-2}
        assert marks.edge(chosen, sorted(tried)) == ("smallest" if chosen == 3e-3 else "largest")
    sizes = {
        variant: [
            row.hidden_size for row in final if row.kind == "cross_validation" and row.variant == variant
        ]
        for variant in ("elman", "lstm", "gru")
    }
    for row in final:
        if row.kind == "refit":
            at_the_end = {16: "smallest", 32: None, 64: "largest"}[row.hidden_size]
            assert marks.edge(row.hidden_size, sizes[row.variant]) == at_the_end
    assert shards
