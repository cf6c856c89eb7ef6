"""The studies and claims of the replication, tried tiny on the CPU: each can be trained and judged."""

from pathlib import Path

import pytest
import yaml

from rnnlimits import rows
from rnnlimits.analysis import claims
from rnnlimits.planning import grid
from rnnlimits.planning.config.plain_yaml import read_yaml
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from rnnlimits.training import protocol, simulation
from support.repository_copy import ROOT
from support.small_shards import a_job

CONFIG = ROOT / "config"
pytestmark = pytest.mark.xdist_group("replication")  # or each worker would train all of it

ON_A_CPU = [f"C{number}" for number in (*range(1, 7), 9, 12, 13, 14, 16, 17, 19, 20, 21, 22, 31, 34, 35)]
ON_A_GPU = [f"C{number}" for number in (7, 8, 10, 11, 15, 18, 23, 24, 25, 26, 28, 33)]
# Task page -> the shortest length it takes with these options.
TINY = {
    "adding": (10, {}),
    "adding_1997": (20, {}),
    "character_language_model": (5, {"characters": 2000}),
    "associative_recall": (16, {"pairs": 2, "vocabulary": 16}),
    "copy_memory": (3, {}),
    "counting": (7, {"longest": 15}),
    "noise_padded": (10, {}),
    "parity": (6, {"longest": 12}),
    "selective_copy": (6, {"symbols": 2, "vocabulary": 5}),
    "sequential_digits": (64, {}),
    "temporal_order": (10, {}),
    "temporal_order_1997": (20, {}),
    "time_warping": (8, {"maximum_warping": 3}),
}
PROBES = {"lyapunov": {"steps": 10, "burn_in": 5}}
UNITS = {"elman": 16}  # a sparse start has 15 weights a unit


def content() -> dict:
    return read_yaml(CONFIG / "replicate.yaml")


def tiny(study: dict) -> dict:
    """The same study with the same labels, small enough for a second."""
    if study["kind"] == "simulation":
        pages = {label: options | {"paths": 40} for label, options in study["simulations"].items()}
        return study | {"seeds": 3, **({} if "random_guessing" in pages else {"simulations": pages})}
    tasks = {label: tiny_task(label, options) for label, options in study["tasks"].items()}
    shortest = TINY[next(iter(tasks.values()))["page"]][0]
    small = {"batch_size": 2, "validation_sequences": 4, "test_sequences": 4, "validate_every": 1}
    steps = min(2, study["budget"]["updates"])
    sizes = {"parameters": [300]} if "parameters" in study else {"hidden_sizes": [16]}
    return study | sizes | {
        "tasks": tasks,
        "lengths": [shortest + number for number in range(len(study["lengths"]))],
        "seeds": 3,
        "budget": study["budget"] | small | {"updates": steps},
        "probes": {name: PROBES.get(name, {}) for name in study.get("probes", {})},
    }  # fmt: skip


def tiny_task(label: str, options: dict) -> dict:
    page = options.get("page", label).replace("sequential_mnist", "sequential_digits")
    kept = {key: value for key, value in options.items() if key not in ("page", "permutation")}
    return kept | TINY[page][1] | {"page": page}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replication")
    whole = content()
    written = whole | {"too_few_seeds": "undecided"}
    written |= {"studies": {label: tiny(study) for label, study in whole["studies"].items()}}
    (folder / "config.yaml").write_text(yaml.safe_dump(written))
    (folder / "replicate_claims.yaml").write_bytes((CONFIG / "replicate_claims.yaml").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLIMITS_GPU", "1")
        loaded = load(folder / "config.yaml")
        paths = [train(shard, folder) for shard in grid.shards(loaded)]
        table = claims.judge(paths, loaded.claims_path, folder / "claims.csv", loaded, folder / "details")
    return table.set_index("id"), folder / "details"


def train(shard: Shard, folder: Path) -> Path:

    path = folder / f"{shard.id}.parquet"
    measured = (simulation if shard.kind == "simulation" else protocol).run(a_job(shard))
    rows.write(*measured, path)
    return path


def test_every_claim_of_the_catalogue_is_there():
    entries = read_yaml(CONFIG / "replicate_claims.yaml")["claims"]
    assert {entry["id"] for entry in entries} == {*ON_A_CPU, *ON_A_GPU}
    assert {entry["id"] for entry in entries if "needs" in entry} == set(ON_A_GPU)


def test_every_claim_says_what_the_source_measured():
    for entry in read_yaml(CONFIG / "replicate_claims.yaml")["claims"]:
        assert entry["paper"], entry["id"]
        assert entry["disputes"], entry["id"]


@pytest.mark.parametrize("claim", [*ON_A_CPU, *ON_A_GPU])
def test_rows_of_every_study_decide_the_claim(judged, claim):
    table, _ = judged
    assert table.verdict[claim] != "not run", table.measured[claim]
    assert table.measured[claim]


def test_only_what_needs_a_gpu_is_left_out_without_one(monkeypatch):
    monkeypatch.delenv("RNNLIMITS_GPU", raising=False)
    loaded = load(CONFIG / "replicate.yaml")
    planned = {shard.study for shard in grid.shards(loaded)} - {shard.study for shard in grid.waiting(loaded)}
    studies = content()["studies"]
    assert planned == {label for label, study in studies.items() if "device" not in study}
    named = {
        study
        for entry in claims.load(CONFIG / "replicate_claims.yaml")["claims"]
        if entry["id"] in ON_A_CPU
        for part in entry["parts"]
        for study in (part["study"] if isinstance(part["study"], list) else [part["study"]])
    }
    assert named <= planned
