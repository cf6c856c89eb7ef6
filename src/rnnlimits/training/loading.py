"""A trained replica, back from the file beside its rows.

    results/rows/SHARD.parquet       names SHARD.safetensors and its sha256, and the digest of its spec
    results/rows/SHARD.safetensors   the weights of the kept replicas, and the spec

Nothing is believed that does not fit: the file must be the one that the rows name, and its spec theirs.
Reading it runs nothing.  What does not fit is one line: where, what came, what was expected, what to do.
"""

import dataclasses
import difflib
import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from rnnlimits import catalog, rows
from rnnlimits.architectures._model import Model
from rnnlimits.planning import provenance, shard_form
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row, Status
from rnnlimits.storage.integrity import DamagedError
from rnnlimits.tasks.base import Task
from rnnlimits.training import kept_weights
from rnnlimits.training.build import build_task, model_of

AGAIN = "remove the rows file and start the run again"
WHY_NONE = {
    "simulation": "a simulation has no model",
    "cross_validation": "folds choose a size and are not kept; load the refit, the shard with `chosen`",
    "untrained": "nothing was trained with `updates: 0`",
    "unasked": f"set `keep_weights: chosen` in its study, {AGAIN}",
}


@dataclass(frozen=True, kw_only=True)
class LoadedReplica:
    """A trained replica: its model, and what its rows say of it."""

    model: Model  # on the CPU: output, state = model(x, state); x (B, T, I) or (B, T) tokens
    shard: Shard  # what was asked for; a refit has the hidden size that was chosen
    seed: int
    learning_rate: float
    status: Status  # how its training ended
    test_scores: dict[str, float | None]  # metric -> value, as in the rows; None where it diverged
    provenance: dict[str, Any]  # of its rows: commit, versions, host, times, ...

    def state_dict(self) -> dict[str, Tensor]:
        """The weights by name, as plain tensors."""
        return {name: weight.detach() for name, weight in self.model.state_dict().items()}

    @property
    def spec(self) -> dict[str, Any]:
        """The shard as plain values: task, architecture, budget, every option."""
        spec: dict[str, Any] = json.loads(self.shard.to_json())
        return spec

    def task(self) -> Task:
        """The task that it was trained on, which hands out sequences; it may need data to be downloaded."""
        return build_task(self.shard)


def load(shard: str | Path, seed: int, results: str | Path, learning_rate: float | None) -> LoadedReplica:
    """rnnlimits.load, which says what it does."""
    path = rows_file(shard, Path(results))
    found = _whole(path)
    facts = _facts(path, found)
    weights = path.with_name(facts["weights"]["file"])
    _check_is_named(weights, path, facts["weights"])
    with _opened(weights) as file:
        told = _told(weights, file.metadata() or {})
        spec = _spec(weights, told, path, facts)
        rate = _chosen(found) if learning_rate is None else float(learning_rate)
        _check_is_kept(weights, told, rate, seed)
        prefix = kept_weights.name(rate, seed)
        tensors = {
            name.removeprefix(prefix): file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118
            if name.startswith(prefix)
        }
    if not (mine := [row for row in found if (row.seed, row.learning_rate) == (seed, rate)]):
        raise ValueError(f"{weights}: got replicas that have no rows in {path.name}; {AGAIN}")
    sized = dataclasses.replace(spec, hidden_size=mine[0].hidden_size, parameters=mine[0].parameters)
    return LoadedReplica(
        model=_model(weights, sized, seed, tensors), shard=sized, seed=seed, learning_rate=rate,
        status=next(row.status for row in mine if row.stage == "final"),
        test_scores={row.metric: row.value for row in mine if (row.split, row.stage) == ("test", "final")},
        provenance=facts,
    )  # fmt: skip


def rows_file(shard: str | Path, results: Path) -> Path:
    """Of a path itself, of an id the file in the folder of results."""
    given = Path(shard)
    is_id = isinstance(shard, str) and len(given.parts) == 1 and given.suffix != ".parquet"
    path = results / "rows" / f"{shard}.parquet" if is_id else given
    if path.is_file():
        return path
    names = [file.stem if is_id else str(file) for file in sorted(path.parent.glob("*.parquet"))]
    near = difflib.get_close_matches(str(shard), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`rnnlimits plan` names the shards of a config"
    where = "expected a shard's id with results=FOLDER, or the path of its rows file"
    raise FileNotFoundError(f"{path}: not there; {where}; {hint}")


def _whole(path: Path) -> list[Row]:
    try:
        shards = rows.read_provenance(path)["shards"]
        if len(shards) != 1:
            raise ValueError(
                f"{path}: got an archive of {len(shards)} shards, which holds no weights; expected the rows "
                "file of one shard, in results/rows of a run"
            )
        return rows.read(path)
    except DamagedError as error:
        raise ValueError(f"{error}; {AGAIN}") from error


def _facts(path: Path, found: list[Row]) -> dict[str, Any]:
    """What is recorded of the shard, if weights are."""
    ((name, facts),) = rows.read_provenance(path)["shards"].items()
    kept = facts.get("weights")
    if kept is None:
        raise ValueError(f"{path}: its rows come from a version that kept no weights; {AGAIN}")
    if kept == {"kept": "none"}:
        kind = found[0].kind if found else "training"
        trained = any(row.status not in ("untrained", "measured") for row in found)
        why = kind if kind in WHY_NONE else "unasked" if trained else "untrained"
        raise ValueError(f"{path}: no weights of {name} were kept; {WHY_NONE[why]}")
    plain = isinstance(kept, dict) and {*map(type, map(kept.get, ("file", "sha256")))} == {str}
    if not plain or Path(kept["file"]).name != kept["file"]:
        raise ValueError(f"{path}: got {str(kept)[:60]!r} for its weights; expected a file and its sha256")
    return dict(facts)


def _check_is_named(weights: Path, path: Path, named: dict[str, Any]) -> None:
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: not there, and {path.name} names it; put it there, or {AGAIN}")
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != named["sha256"]:
        raise ValueError(
            f"{weights}: damaged, or of another run: got sha256 {found[:16]}; expected "
            f"{named['sha256'][:16]}, as {path.name} names it; {AGAIN}"
        )


def _opened(weights: Path) -> Any:
    try:
        return safe_open(weights, framework="pt")
    except SafetensorError as error:
        raise ValueError(f"{weights}: no safetensors file ({error}); {AGAIN}") from error


def _told(weights: Path, metadata: dict[str, str]) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(metadata[kept_weights.METADATA])
        known, _ = told["format"], [told[key] for key in ("spec", "model_code")]
        told["replicas"] = [(float(rate), int(seed)) for rate, seed in told["replicas"]]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{weights}: no weights that rnnlimits has kept; {AGAIN}") from error
    if known != kept_weights.FORMAT:
        read = f"got format {known!r}; expected {kept_weights.FORMAT}"
        raise ValueError(f"{weights}: {read}; load it with the version that wrote it, or {AGAIN}")
    return told


def _spec(weights: Path, told: dict[str, Any], path: Path, facts: dict[str, Any]) -> Shard:
    try:
        spec = shard_form.read(json.dumps(told["spec"]))
    except ValueError as error:
        first = str(error).splitlines()[0].removeprefix("--spec: ")
        raise ValueError(f"{weights}: of a spec that this version does not take: {first}; {AGAIN}") from error
    if (found := provenance.config_hash(spec)) != facts.get("config_hash"):
        raise ValueError(
            f"{weights}: of another spec: got {found[:16]}; expected {str(facts.get('config_hash'))[:16]}, "
            f"that of {path.name}; {AGAIN}"
        )
    if told["model_code"] != provenance.fingerprint_of_model(spec):
        warnings.warn(
            f"{weights}: the code of {spec.architecture} is not what it was when this was trained; the model "
            "may compute something else",
            stacklevel=4,
        )
    return spec


def _chosen(found: list[Row]) -> float:
    return next(row.learning_rate for row in found if row.selected and row.learning_rate is not None)


def _check_is_kept(weights: Path, told: dict[str, Any], rate: float, seed: int) -> None:
    kept = told["replicas"]
    if (rate, seed) in kept:
        return
    if rate not in (rates := sorted({one for one, _ in kept})):
        said = f"got learning rate {rate!r}; expected one of {', '.join(map(repr, rates))}"
        raise LookupError(f"{weights}: {said}; `keep_weights: all` keeps those that were not chosen")
    seeds = ", ".join(str(of) for one, of in kept if one == rate)
    raise LookupError(f"{weights}: got seed {seed!r}; expected one of {seeds}; take a seed that was trained")


def _model(weights: Path, shard: Shard, seed: int, tensors: dict[str, Tensor]) -> Model:
    task = catalog.make(catalog.options("tasks", shard.task_page), shard.task_options)
    reads_last = bool(catalog.constant("tasks", shard.task_page, "reads_last"))
    model = model_of(shard, task, reads_last, seed)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise ValueError(
            f"{weights}: its weights do not fit the {shard.architecture} of this version ({first}); {AGAIN}"
        ) from error
    return model.eval()
