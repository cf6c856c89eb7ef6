"""A trained replica comes back as it was, or not at all: every mismatch is one line that says what to do."""

import dataclasses
import hashlib
import json
import pickle
import warnings
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import rnnlimits
from rnnlimits import rows
from rnnlimits.execution import job
from rnnlimits.planning import provenance
from rnnlimits.planning.job import Job
from rnnlimits.tasks.base import generator
from support.small_shards import BUDGET, a_shard

SHORT = BUDGET | {"updates": 20}
SHARD = a_shard("lstm", seeds=2, learning_rates=[1e-2, 1e-3], budget=SHORT)


def trained(shard, results: Path, keep: str = "chosen") -> Path:
    """The rows file of a shard, in a folder of results."""
    out = results / "rows" / f"{shard.id}.parquet"
    job.run(Job(shard=shard, out=out, rows=out.parent, keep_weights=keep))
    return out


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    return trained(SHARD, tmp_path_factory.mktemp("results"), "all")


@pytest.fixture
def made(shared, tmp_path) -> Path:
    """Rows and weights that a test may spoil."""
    out = tmp_path / "rows" / shared.name
    out.parent.mkdir()
    for file in shared.parent.iterdir():
        (out.parent / file.name).write_bytes(file.read_bytes())
    return out


def renamed(path: Path, **facts) -> None:
    """The same rows with other facts."""
    before = rows.facts_of(path, SHARD.id)
    rows.write(rows.read(path), before | facts, path, SHARD.id)


def forged(path: Path, **told) -> None:
    """Weights that say something else, and rows that name them."""
    file = path.with_suffix(".safetensors")
    with safe_open(file, framework="pt") as opened:
        said = json.loads(opened.metadata()["rnnlimits"])
    save_file(load_file(file), file, {"rnnlimits": json.dumps(said | told)})
    rename_to_what_is_there(path)


def rename_to_what_is_there(path: Path) -> None:
    content = path.with_suffix(".safetensors").read_bytes()
    named = rows.facts_of(path, SHARD.id)["weights"]
    renamed(path, weights=named | {"sha256": hashlib.sha256(content).hexdigest()})


def refused(path, *expected: str, error: type[Exception] = ValueError, **asked) -> None:
    with pytest.raises(error) as raised:
        rnnlimits.load(path, **asked)
    said = str(raised.value)
    assert len(said.splitlines()) == 1
    for part in expected:
        assert part in said


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("rate", [None, 1e-2, 1e-3])
def test_a_loaded_replica_has_the_test_score_of_its_rows(shared, seed, rate):
    """Alone, through its own forward: a batch of replicas rounds otherwise, in the last digits."""
    replica = rnnlimits.load(shared, seed, learning_rate=rate)
    chosen = next(row.learning_rate for row in rows.read(shared) if row.selected and row.learning_rate)
    assert replica.learning_rate == (rate or chosen)
    task, budget = replica.task(), replica.shard.budget
    losses = []
    with torch.no_grad():
        for batch in task.evaluation("test", budget.test_sequences, generator(seed, "test")):
            output, _ = replica.model(batch.x)
            losses.append(task.scores(output, batch)["loss"])
    if replica.learning_rate != chosen:
        assert replica.test_scores == {}, "test is read at the chosen rate alone"
        return
    assert torch.cat(losses).double().mean().item() == pytest.approx(replica.test_scores["loss"], rel=1e-5)
    in_rows = {row.metric: row.value for row in rows.read(shared) if row.split == "test" and row.seed == seed}
    assert replica.test_scores == in_rows


def test_it_says_what_it_is(shared):
    by_path = rnnlimits.load(str(shared), seed=1)
    by_id = rnnlimits.load(SHARD.id, seed=1, results=shared.parent.parent)
    assert by_path.spec == by_id.spec
    assert by_path.shard == dataclasses.replace(SHARD, parameters=by_path.shard.parameters)
    assert by_path.shard.parameters == sum(weight.numel() for weight in by_path.model.parameters())
    assert (by_path.seed, by_path.status) == (1, "out_of_updates")
    assert by_path.provenance["config_hash"] == provenance.config_hash(SHARD)
    state = by_path.state_dict()
    assert state.keys() == by_path.model.state_dict().keys()
    assert {(type(one), one.requires_grad) for one in state.values()} == {(torch.Tensor, False)}
    for name, weight in by_id.state_dict().items():
        assert torch.equal(weight, state[name])


def test_its_state_goes_on_where_it_stopped(shared):
    model = rnnlimits.load(shared).model
    assert not model.training
    x_BTI = torch.randn(3, 10, 2)
    whole_BO, last = model(x_BTI)
    _, state = model(x_BTI[:, :4])
    rest_BO, end = model(x_BTI[:, 4:], state)
    torch.testing.assert_close(rest_BO, whole_BO)
    torch.testing.assert_close(end, last)


def test_every_measurement_takes_it_and_training_goes_on_from_it(shared):
    model = rnnlimits.load(shared).model
    x_BTI = torch.randn(2, 12, 2)
    table = rnnlimits.gradient_reach(model, x_BTI)
    assert {"gradient_log10_median", "input_sensitivity_log10_median"} <= set(table.metric)
    assert set(table.parameters) == {sum(weight.numel() for weight in model.parameters())}
    model(x_BTI)[0].sum().backward()
    assert all(weight.grad is not None for weight in model.parameters())


@pytest.mark.parametrize(
    ("page", "options", "task", "task_options"),
    [
        ("echo_state", {}, "adding", {}),  # most of its numbers are frozen
        ("unitary", {}, "adding", {}),
        ("convolution", {}, "sequential_digits", {}),
        ("stacked", {"of": "gru", "layers": 2}, "copy_memory", {}),
        ("gru", {}, "character_language_model", {"characters": 20000, "embedding": 4}),
    ],
)
def test_every_kind_of_model_comes_back(page, options, task, task_options, tmp_path):
    length = 64 if task == "sequential_digits" else 12
    small = SHORT | {"updates": 2, "validate_every": 1}
    shard = a_shard(
        page, task, length, architecture_options=options, task_options=task_options, seeds=1, budget=small
    )
    replica = rnnlimits.load(trained(shard, tmp_path))
    task = replica.task()
    with torch.no_grad():
        total, count, state = 0.0, 0, None
        for batch in task.evaluation("test", 8, generator(0, "test")):
            output, state = replica.model(batch.x, state if batch.carry else None)
            total += task.scores(output, batch)["loss"].double().sum().item()
            count += len(batch.x)
    assert total / count == pytest.approx(replica.test_scores["loss"], rel=1e-5)


def test_a_refit_has_the_size_that_its_folds_have_chosen(tmp_path):
    fold = a_shard(
        task="sequential_digits", length=64, kind="cross_validation", folds=2, seeds=1,
        budget=SHORT | {"updates": 2, "validate_every": 1},
    )  # fmt: skip
    folds = trained(fold, tmp_path, "all")
    refused(folds, "no weights of s.sequential_digits.elman.h6.t64 were kept; folds choose a size")
    refit = dataclasses.replace(fold, kind="refit", hidden_size=0, needs=[fold.id])
    replica = rnnlimits.load(trained(refit, tmp_path))
    assert replica.shard.hidden_size == 6
    assert replica.model(torch.randn(2, 64, 1))[0].shape == (2, 1, 10)


def test_nothing_is_there_where_nothing_was_kept(tmp_path):
    refused(trained(SHARD, tmp_path / "a", "none"), "set `keep_weights: chosen`", "start the run again")
    probed = a_shard(budget=SHORT | {"updates": 0}, probes={"gradient_reach": {"sequences": 2}})
    refused(trained(probed, tmp_path / "b"), "nothing was trained with `updates: 0`")


def test_rows_that_know_of_no_weights_are_told(made):
    facts = rows.facts_of(made, SHARD.id)
    facts.pop("weights")
    rows.write(rows.read(made), facts, made, SHARD.id)
    refused(made, "come from a version that kept no weights; remove the rows file and start the run again")
    archive = Path("results/archive/laptop/rows.parquet").resolve()
    refused(archive, "got an archive of", "expected the rows file of one shard")


def test_what_is_not_there_is_told_with_what_is_near(made):
    missing = FileNotFoundError
    near = made.with_name(made.name.replace("lstm", "lstn"))
    refused(near, "not there", f"did you mean {str(made)!r}?", error=missing)
    refused("s.adding.lstn.h6.t12", f"did you mean {SHARD.id!r}?", error=missing, results=made.parent.parent)
    refused("elsewhere", "`rnnlimits plan` names the shards", error=missing, results=made.parent)
    refused(made, "got seed 7; expected one of 0, 1;", error=LookupError, seed=7)
    refused(made, "got learning rate 0.5; expected one of 0.001, 0.01;", error=LookupError, learning_rate=0.5)
    made.with_suffix(".safetensors").unlink()
    refused(made, f"not there, and {made.name} names it; put it there, or remove", error=missing)


@pytest.mark.parametrize("spoil", ["shorter", "flipped", "pickled"])
def test_a_damaged_file_is_told_and_nothing_in_it_is_run(made, spoil):
    file = made.with_suffix(".safetensors")
    content = bytearray(file.read_bytes())
    if spoil == "shorter":
        content = content[:-8]
    elif spoil == "flipped":
        content[-5] ^= 1
    else:
        content = pickle.dumps(_Shell())
    file.write_bytes(content)
    refused(made, "damaged, or of another run: got sha256", "expected", "start the run again")
    rename_to_what_is_there(made)
    if spoil == "flipped":  # whoever writes both files may write any number
        rnnlimits.load(made)
    else:
        refused(made, "no safetensors file (", "start the run again")
    assert not Path("ran").exists()


class _Shell:
    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_damaged_rows_are_told(made):
    made.write_bytes(made.read_bytes()[:-100])
    refused(made, "damaged", "remove the rows file and start the run again")


def test_weights_of_another_spec_are_refused(made):
    forged(made, spec=json.loads(dataclasses.replace(SHARD, seeds=3).to_json()))
    refused(made, "of another spec: got ", f"that of {made.name}")
    forged(made, spec={"study": "s"})
    refused(made, "of a spec that this version does not take: these fields of a shard are missing")


def test_weights_of_another_format_or_shape_are_refused(made):
    forged(made, format=99)
    refused(made, "got format 99; expected 1; load it with the version that wrote it")
    forged(made, format=1, replicas=[[1e-2]])
    refused(made, "no weights that rnnlimits has kept")
    forged(made, replicas=[[0.5, 0]])
    refused(made, "got replicas that have no rows", learning_rate=0.5)
    forged(made, replicas=[[1e-2, 0], [1e-3, 0]])
    file = made.with_suffix(".safetensors")
    with safe_open(file, framework="pt") as opened:
        said = opened.metadata()
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("seed_0/readout.bias"))
    save_file(tensors | {name: torch.zeros(7)}, file, said)
    rename_to_what_is_there(made)
    refused(
        made, "do not fit the lstm of this version (size mismatch for readout.bias", learning_rate=_rate(name)
    )
    save_file(tensors, file)
    rename_to_what_is_there(made)
    refused(made, "no weights that rnnlimits has kept")


def _rate(name: str) -> float:
    return float(name.split("/")[0].removeprefix("learning_rate_"))


@pytest.mark.parametrize("named", ["../other.safetensors", "/etc/passwd", 3, None])
def test_rows_lead_into_no_other_folder(made, named):
    renamed(made, weights={"kept": "all", "file": named, "sha256": "0"})
    refused(made, "for its weights; expected a file and its sha256")


def test_other_code_of_the_model_is_a_warning(made):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rnnlimits.load(made)
    forged(made, model_code="of another day")
    with pytest.warns(UserWarning, match="the code of lstm is not what it was when this was trained"):
        rnnlimits.load(made)
