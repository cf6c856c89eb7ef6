"""The refit of a cross-validation: what it chooses, and that it chooses from nothing that is damaged."""

import dataclasses
import random
from pathlib import Path

import pytest

from rnnlimits import rows
from rnnlimits.execution import job
from rnnlimits.rows import Row
from rnnlimits.storage import integrity
from rnnlimits.training.refit import chosen_by_cross_validation
from support.small_shards import BUDGET, a_job, a_shard, budgeted

RATE = {2: 1e-3, 4: 1e-2}
COMMON = {"task": "sequential_digits", "length": 64, "folds": 3, "budget": BUDGET | {"updates": 0}}
FOLDS = [a_shard(**COMMON, kind="cross_validation", hidden_size=size) for size in RATE]
REFIT = a_shard(**COMMON, kind="refit", hidden_size=0, needs=[shard.id for shard in FOLDS])


def best(shard, fold: int, accuracy: float | None, selected: bool = True) -> Row:
    rate = RATE[shard.hidden_size] if selected else 1.0
    return shard.row(
        seed=fold, fold=fold, learning_rate=rate, selected=selected, split="validation",
        stage="final", update=8, metric="best_accuracy", value=accuracy, unit="share", chance=0.1,
        status="out_of_updates",
    )  # fmt: skip


def written(folder: Path, accuracies: dict[int, list[float | None]]) -> Path:
    """The folds' rows: three accuracies a size, and better ones at a rate that was not chosen."""
    for shard in FOLDS:
        found = [best(shard, fold, value) for fold, value in enumerate(accuracies[shard.hidden_size])]
        found += [best(shard, fold, 0.99, selected=False) for fold in range(3)]
        rows.write(found, {}, folder / f"{shard.id}.parquet")
    return folder


@pytest.mark.parametrize(
    ("small", "large", "size"),
    [
        ([0.5, 0.5, 0.5], [0.8, 0.8, 0.8], 4),
        ([0.79, 0.79, 0.79], [0.7, 0.8, 0.9], 2),  # within a standard error of the best: the smaller one
        ([0.5, 0.5, 0.5], [0.8, None, 0.8], 2),  # a fold that diverged counts as guessing, 0.1
        ([0.2, 0.2, 0.2], [0.8, None, 0.8], 4),  # and does not outweigh what the others show
    ],
)
def test_the_smallest_size_within_a_standard_error_of_the_best_is_chosen(tmp_path, small, large, size):
    chosen = chosen_by_cross_validation(REFIT, written(tmp_path, {2: small, 4: large}))
    assert (chosen.hidden_size, chosen.learning_rates) == (size, [RATE[size]])
    assert dataclasses.replace(chosen, needs=REFIT.needs).id == REFIT.id


def test_without_the_folds_rows_there_is_nothing_to_choose_from():
    with pytest.raises(ValueError, match=r"needs the rows of s\..*; say where with --rows"):
        chosen_by_cross_validation(REFIT, None)


def refused(folder: Path, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        chosen_by_cross_validation(REFIT, folder)
    assert len(str(error.value).splitlines()) == 1


def test_a_fold_that_is_not_there_is_named(tmp_path):
    folder = written(tmp_path, {2: [0.5] * 3, 4: [0.8] * 3})
    (folder / f"{FOLDS[0].id}.parquet").unlink()
    refused(folder, f"{FOLDS[0].id}.parquet: not there, and {REFIT.id} needs it; train it first")


def test_the_rows_of_another_fold_under_this_name_choose_nothing(tmp_path):
    folder = written(tmp_path, {2: [0.5] * 3, 4: [0.8] * 3})
    small, large = (folder / f"{shard.id}.parquet" for shard in FOLDS)
    large.write_bytes(small.read_bytes())
    refused(folder, f"damaged: it holds the rows of '{FOLDS[0].id}'; expected '{FOLDS[1].id}'")


@pytest.mark.parametrize("there", [[], [0, 1], [0, 2, 3], [0, 1, 2, 3]])
def test_folds_that_are_too_few_or_too_many_choose_nothing(tmp_path, there):
    folder = written(tmp_path, {2: [0.5] * 3, 4: [0.8] * 3})
    large = FOLDS[1]
    found = [best(large, fold, 0.9) for fold in there]
    rows.write(found, {}, folder / f"{large.id}.parquet", large.id)
    refused(folder, f"damaged: it has {len(there)} scores of its folds; expected one of each of 3")


def test_no_flipped_bit_and_no_cut_chooses_anything_else(tmp_path):
    folder = written(tmp_path, {2: [0.5] * 3, 4: [0.8] * 3})
    fold = folder / f"{FOLDS[1].id}.parquet"
    good, right = fold.read_bytes(), chosen_by_cross_validation(REFIT, folder)
    told, draw = [], random.Random(0)
    for _ in range(60):
        damaged = bytearray(good)
        damaged[draw.randrange(len(good))] ^= 1 << draw.randrange(8)
        for content in (damaged, good[: draw.randrange(len(good))]):
            fold.write_bytes(content)
            try:
                assert chosen_by_cross_validation(REFIT, folder) == right
            except integrity.DamagedError as error:
                told.append(str(error))
    assert len(told) > 90, "every cut, and more than half of the flips"
    assert all(line.startswith(f"{fold}: ") and len(line.splitlines()) == 1 for line in told)


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"sequential_digits")] ^= 1  # in the first page of the first column
    path.write_bytes(content)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [flipped, truncated])
def test_a_damaged_fold_is_set_aside_and_nothing_is_refitted_from_it(tmp_path, damage):
    folder = written(tmp_path / "rows", {2: [0.5] * 3, 4: [0.8] * 3})
    fold, out = folder / f"{FOLDS[1].id}.parquet", folder / f"{REFIT.id}.parquet"
    damage(fold)
    with pytest.raises(ValueError, match=rf"damaged: .*; set aside as {fold.name}.damaged: run it again"):
        job.run(a_job(REFIT, out=out, rows=folder))
    assert not fold.exists()
    assert integrity.place_aside(fold).exists()
    assert not out.exists()


def test_a_damaged_fold_is_trained_anew_and_the_refit_has_the_same_rows(tmp_path):
    budget = BUDGET | {"updates": 2, "validate_every": 1}
    folds = [dataclasses.replace(shard, folds=2, seeds=1) for shard in FOLDS]
    folds = [budgeted(shard, **budget) for shard in folds]
    refit = budgeted(dataclasses.replace(REFIT, folds=2, seeds=1), **budget)
    folder = tmp_path / "rows"
    paths = {shard.id: folder / f"{shard.id}.parquet" for shard in [*folds, refit]}

    def run(shard):
        job.run(a_job(shard, out=paths[shard.id], rows=folder))
        return rows.content_digest(paths[shard.id])

    before = [run(shard) for shard in [*folds, refit]]
    flipped(paths[folds[1].id])
    with pytest.raises(ValueError, match="set aside as"):
        run(refit)
    with pytest.raises(ValueError, match="not there"):
        run(refit)
    assert [run(folds[1]), run(refit)] == before[1:]
    assert sorted(folder.iterdir()) == sorted(paths.values()), "what was set aside is gone"
