"""Shard to rows: the protocol (choose on validation, read test once) and what each row says."""

import dataclasses
import functools
import math

import pytest
import torch

from rnnlimits import rows
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row
from rnnlimits.rows.marks import not_trained, probe_of_a_diverged_replica
from rnnlimits.training import device, protocol, trainer
from rnnlimits.training.build import set_up
from rnnlimits.training.replica import Replica
from support.small_shards import BUDGET, a_job, a_shard

SHORT = BUDGET | {"updates": 20}


def select(found: list[Row], **columns) -> list[Row]:
    return [row for row in found if all(getattr(row, name) == value for name, value in columns.items())]


def run(shard: Shard, **means) -> list[Row]:
    return protocol.run(a_job(shard, **means))[0]


@pytest.fixture(scope="module")
def searched() -> list[Row]:
    """Three seeds, two learning rates of which one is hopeless, one probe."""
    probes = {"gradient_reach": {"sequences": 4}}
    return run(a_shard(learning_rates=[1e-9, 1e-2], budget=SHORT, probes=probes))


def test_every_replica_has_a_curve_and_a_final_row(searched):
    curve = select(searched, split="validation", stage="training", metric="mean_squared_error")
    assert len(curve) == 3 * 2 * 3  # seeds x rates x (step 0 and two validations)
    assert {row.update for row in curve} == {0, 10, 20}
    assert len(select(searched, stage="final", metric="best_mean_squared_error")) == 6
    assert all(row.chance == pytest.approx(1 / 6) for row in curve)


def test_the_learning_rate_is_chosen_by_the_mean_validation_score_over_seeds(searched):
    best = select(searched, stage="final", metric="best_mean_squared_error")
    mean = {rate: sum(row.value for row in best if row.learning_rate == rate) / 3 for rate in (1e-9, 1e-2)}
    chosen = {row.learning_rate for row in best if row.selected}
    assert chosen == {min(mean, key=mean.get)}


def test_test_is_read_for_the_chosen_rate_only_and_once_a_seed(searched):
    test = select(searched, split="test", metric="mean_squared_error")
    assert [row.seed for row in test] == [0, 1, 2]
    assert {row.learning_rate for row in test} == {1e-2}
    assert {row.value for row in select(searched, split="test", metric="solved")} <= {0.0, 1.0}


def test_probes_are_taken_at_initialisation_and_after_training(searched):
    for stage in ("initial", "final"):
        slopes = select(searched, split="probe", stage=stage, metric="gradient_slope")
        assert [row.seed for row in slopes] == [0, 1, 2]
    assert {row.status for row in select(searched, stage="initial")} == {"untrained"}


def test_gradient_norms_before_clipping_are_rows(searched):
    norms = {
        metric: select(searched, split="train", metric=metric, update=20, seed=0, learning_rate=1e-2)[0].value
        for metric in ("gradient_norm_median", "gradient_norm_p99", "gradient_norm_max")
    }
    assert 0 < norms["gradient_norm_median"] <= norms["gradient_norm_p99"] <= norms["gradient_norm_max"]


def test_the_parameter_count_of_a_row_is_that_of_the_model(searched):
    hidden, inputs = 6, 2
    assert {row.parameters for row in searched} == {hidden * (inputs + hidden + 1) + hidden + 1}


def test_the_same_shard_gives_the_same_bytes(tmp_path):
    shard = a_shard("lstm", budget=SHORT)
    digests = []
    for name in ("first", "second"):
        torch.manual_seed(hash(name) % 1000)  # the global generator must not matter
        rows.write(*protocol.run(a_job(shard)), tmp_path / f"{name}.parquet")
        digests.append(rows.content_digest(tmp_path / f"{name}.parquet"))
    assert digests[0] == digests[1]


def test_another_probe_moves_no_training_number(searched):
    without = run(a_shard(learning_rates=[1e-9, 1e-2], budget=SHORT))
    assert without == [row for row in searched if row.split != "probe"]


MIDDLE = {"budget": SHORT | {"probe_at": 0.25}, "probes": {"gradient_reach": {"sequences": 4}}}


def test_on_request_the_chosen_replicas_are_probed_once_more_half_trained():
    found = run(a_shard(learning_rates=[1e-9, 1e-2], **MIDDLE))
    halfway = run(a_shard(learning_rates=[1e-2], budget=SHORT | {"updates": 10}, probes=MIDDLE["probes"]))
    middle = select(found, stage="mid_training", metric="gradient_slope")
    # The first validation at a quarter of twenty steps or later is the one after ten.
    assert [(row.seed, row.update, row.learning_rate) for row in middle] == [
        (seed, 10, 1e-2) for seed in range(3)
    ]
    expected = select(halfway, stage="final", metric="gradient_slope")
    assert {row.update for row in expected} == {10}  # where they are the best ones, too
    assert [row.value for row in middle] == [row.value for row in expected]
    rest = [row for row in found if row.stage != "mid_training"]
    without = run(a_shard(learning_rates=[1e-9, 1e-2], budget=SHORT, probes=MIDDLE["probes"]))
    assert rest == without


def test_on_request_test_is_read_with_the_last_weights_too_and_nothing_else_changes():
    plain = run(a_shard(learning_rates=[1e-9, 1e-2], budget=SHORT))
    found = run(a_shard(learning_rates=[1e-9, 1e-2], budget=SHORT | {"test_last_weights": True}))
    last = [row for row in found if row.split == "test" and row.stage == "training"]
    assert [
        (row.seed, row.update, row.learning_rate, row.metric) for row in last if row.metric == "loss"
    ] == [(seed, 20, 1e-2, "loss") for seed in range(3)]
    assert [row for row in found if row not in last] == plain
    # Where the last validation was the best one, the last weights are those that were kept.
    for row in last:
        (kept,) = select(found, split="test", stage="final", metric=row.metric, seed=row.seed)
        assert (kept.value == row.value) == (kept.update == row.update)
    diverged = {"architecture_options": {"nonlinearity": "relu"}, "learning_rates": [1e30]}
    lost = run(a_shard(**diverged, budget=SHORT | {"test_last_weights": True}))
    assert {row.value for row in lost if row.split == "test" and row.stage == "training"} == {None}


@pytest.mark.parametrize(
    ("rate", "patience", "step"), [(1e-9, 1, 10), (1e30, None, 0)], ids=["early_stopped", "diverged"]
)
def test_a_replica_that_ended_before_the_middle_is_probed_with_the_weights_it_ended_with(
    rate, patience, step
):
    budget = SHORT | {"probe_at": 0.9, "patience": patience, "patience_from": patience and 0}
    relu = {"architecture_options": {"nonlinearity": "relu"}, "learning_rates": [rate]}
    found = run(a_shard(**relu, **MIDDLE | {"budget": budget}))
    middle = select(found, stage="mid_training", metric="gradient_slope")
    assert {row.update for row in middle} == {step}
    assert all(math.isfinite(row.value) for row in middle)


def test_a_diverged_run_is_a_row_without_a_value():
    found = run(a_shard(architecture_options={"nonlinearity": "relu"}, learning_rates=[1e30], budget=SHORT))
    test = select(found, split="test", metric="mean_squared_error")
    assert [(row.status, row.value) for row in test] == [("diverged", None)] * 3
    assert [row.value for row in select(found, split="test", metric="solved")] == [0.0] * 3


def test_probes_after_the_training_of_a_replica_that_diverged_are_marked_as_such():
    relu = {"architecture_options": {"nonlinearity": "relu"}, "learning_rates": [1e30]}
    found = run(a_shard(**relu, **MIDDLE))
    probes = select(found, split="probe")
    assert {row.stage for row in probes} == {"initial", "mid_training", "final"}
    assert {row.stage for row in probes if probe_of_a_diverged_replica(vars(row))} == {
        "mid_training",
        "final",
    }
    assert all(row.stage == "initial" for row in probes if not probe_of_a_diverged_replica(vars(row)))


def test_a_rate_at_which_all_seeds_diverge_is_not_chosen():
    found = run(
        a_shard(architecture_options={"nonlinearity": "relu"}, learning_rates=[1e30, 1e-9], budget=SHORT)
    )
    assert {row.learning_rate for row in select(found, split="test")} == {1e-9}


def test_a_rate_at_which_a_seed_diverged_can_still_be_chosen_for_what_the_others_learn():
    """Before, a diverged seed at each rate made all equal, and the smallest was taken unseen."""
    setup = set_up(a_shard(learning_rates=[1e-3, 1e-2]))
    replicas = [
        Replica(
            seed, rate, best_value=error, best_loss=error, status="diverged" if seed else "out_of_updates"
        )
        for rate, error in ((1e-3, 0.15), (1e-2, 0.02))
        for seed in (0, 1)
    ]
    assert protocol.chosen_rate(setup, replicas) == 1e-2


def test_what_has_learnt_when_to_answer_but_not_what_is_kept_and_goes_on():
    """Of copy_memory the recall falls first: it once ended the training and kept the weights of the start."""
    budget = BUDGET | {"updates": 60, "batch_size": 16, "patience": 2}
    found = run(a_shard("lstm", "copy_memory", 8, budget=budget))
    curve = {
        metric: {(row.seed, row.update): row.value for row in select(found, stage="training", metric=metric)}
        for metric in ("loss", "recall_accuracy")
    }
    assert any(curve["recall_accuracy"][seed, 20] < curve["recall_accuracy"][seed, 0] for seed in range(3))
    assert {row.value for row in select(found, metric="best_update")} == {60}
    assert {row.status for row in select(found, split="test")} == {"out_of_updates"}
    for row in select(found, split="test", metric="loss"):
        assert row.value < 0.7 * curve["loss"][row.seed, 0]


def test_a_replica_whose_start_is_its_best_is_marked_and_counted():
    shard = a_shard(learning_rates=[1e-30], budget=SHORT, probes={"gradient_reach": {"sequences": 2}})
    found, facts = protocol.run(a_job(shard))
    marked = [row for row in found if not_trained(vars(row))]
    assert {row.split for row in marked} == {"validation", "test", "probe"}
    assert {row.seed for row in marked} == {0, 1, 2}
    assert facts["replicas_not_trained"] == 3
    trained, facts = protocol.run(a_job(a_shard(budget=SHORT)))
    assert not any(not_trained(vars(row)) for row in trained)
    assert (facts["replicas_not_trained"], facts["chosen_by"]) == (0, "loss")


def test_without_steps_only_the_initial_probes_are_taken():
    shard = a_shard(
        budget=SHORT | {"updates": 0}, probes={"gradient_reach": {"sequences": 2}}, learning_rates=[]
    )
    found = run(shard)
    assert {(row.split, row.stage, row.update) for row in found} == {("probe", "initial", 0)}


def test_the_gradient_norms_of_every_step_go_to_the_csv_log(tmp_path):
    logged = run(a_shard(budget=SHORT), log=tmp_path / "log")
    assert logged == run(a_shard(budget=SHORT)), "no row depends on it"
    (metrics,) = (tmp_path / "log").rglob("metrics.csv")
    header, *lines = metrics.read_text().splitlines()
    assert len(lines) == 20
    assert {f"gradient_norm/{r}" for r in range(3)} <= set(header.split(","))


def made_by(logger: str, **options: object) -> tuple[str, str]:
    return logger, str(options)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("csv", "CSVLogger"),
        ("tensorboard", "TensorBoardLogger"),
        ("wandb", "WandbLogger"),
        ("mlflow", "MLFlowLogger"),
    ],
)
def test_each_word_means_a_logger_of_lightnings(kind, named, tmp_path, monkeypatch):
    for name in ("CSVLogger", "TensorBoardLogger", "WandbLogger", "MLFlowLogger"):
        monkeypatch.setattr(trainer, name, functools.partial(made_by, name))
    made, options = trainer.logger_of(a_job(a_shard(), log_as=kind), tmp_path / "metrics" / "a.b")
    assert made == named
    assert "a.b" in options, "one run's curves are told from another's"
    assert trainer.logger_of(a_job(a_shard(), log_as=kind), None) is None


def test_folds_are_replicas_and_the_refit_reads_test_with_the_size_they_choose(tmp_path):
    budget = SHORT | {"updates": 8, "validate_every": 4}
    common = {"task": "sequential_digits", "length": 64, "budget": budget, "folds": 3}
    sizes = [a_shard(**common, kind="cross_validation", hidden_size=size) for size in (2, 4)]
    for shard in sizes:
        rows.write(*protocol.run(a_job(shard)), tmp_path / f"{shard.id}.parquet")
    found = rows.read(tmp_path / f"{sizes[0].id}.parquet")
    assert {row.seed for row in found} == {0, 1, 2}
    assert not select(found, split="test")

    refit = a_shard(**common, kind="refit", hidden_size=0, needs=[shard.id for shard in sizes])
    with pytest.raises(ValueError, match="--rows"):
        run(refit)
    read = run(refit, rows=tmp_path)
    (size,) = {row.hidden_size for row in read}
    assert size in (2, 4)
    assert {row.shard for row in read} == {refit.id}
    assert len(select(read, split="test", metric="accuracy")) == refit.seeds


def test_cuda_is_refused_where_there_is_none():
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ValueError, match="use device: cpu"):
        run(a_shard(), device="cuda")


def test_tf32_is_off_unless_it_is_asked_for():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        for wanted in (True, False):
            device.choose_products(tf32=wanted)
            assert torch.backends.cuda.matmul.allow_tf32 is wanted
            assert torch.backends.cudnn.allow_tf32 is wanted
        assert torch.backends.cudnn.deterministic
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def test_the_provenance_says_how_long_what_took():
    _, provenance = protocol.run(a_job(a_shard(budget=SHORT)))
    assert provenance["seconds_total"] >= provenance["seconds_training"] > 0
    assert provenance["replicas"] == 3
    assert provenance["updates_run"] == 20
    assert provenance["peak_memory_mb"] > 50
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in provenance.values())


def test_a_shard_survives_the_round_trip_to_rows(searched, tmp_path):
    rows.write(searched, {}, tmp_path / "r.parquet")
    assert [dataclasses.asdict(row) for row in rows.read(tmp_path / "r.parquet")] == [
        dataclasses.asdict(row) for row in searched
    ]
