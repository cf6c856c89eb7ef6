"""A config is validated whole: a mistake is one line with where, what came, what was possible, what to do."""

import json
from typing import Any

import pytest
import yaml

from rnnlimits.planning import gpu, grid
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.config.messages import ConfigError
from rnnlimits.planning.config.schema import STUDIES, Config
from rnnlimits.planning.load import load
from support.example_config import GOOD, changed
from support.repository_copy import ROOT
from support.wrong_configs import lines, lines_of

SHIPPED = sorted(path for path in (ROOT / "config").glob("*.yaml") if not path.stem.endswith("claims"))


def test_the_good_config_is_good(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(GOOD))
    loaded = load(tmp_path / "config.yaml")
    assert loaded.studies["trained"].architectures["elman"].options.initialisation == "orthogonal"
    assert loaded.confidence == 0.95


def test_tf32_reaches_the_command_only_where_the_config_asks_for_it(tmp_path):
    asked = []
    for number, more in enumerate(({}, {"tf32": True})):
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(GOOD | {"device": "cuda"} | more))
        asked.append(load(path).machine_options("trained"))
    assert asked == [["--device", "cuda"], ["--device", "cuda", "--tf32"]]


def test_a_study_may_train_elsewhere_than_the_others(tmp_path, monkeypatch):
    monkeypatch.delenv(gpu.VARIABLE, raising=False)
    for device, other in (("cpu", "cuda"), ("cuda", "cpu")):
        raw = changed(GOOD, ("studies", "matched", "device"), other) | {"device": device}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(raw))
        loaded = load(tmp_path / "config.yaml")
        assert [loaded.device_of(study) for study in ("trained", "matched", "simulated")] == [
            device, other, device,
        ]  # fmt: skip
        # Whoever wrote `device: cuda` for the whole config has a GPU; one study's is asked about.
        waiting = {shard.study for shard in grid.waiting(loaded)}
        assert waiting == ({"matched"} if other == "cuda" else set())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_config_plans(path):
    loaded = load(path)
    shards = grid.shards(loaded)
    assert len({shard.id for shard in shards}) == len(shards)
    assert {shard.study for shard in shards} == set(loaded.studies)


CLAIM = {
    "id": "a_claim", "title": "A title", "says": "A sentence.", "type": "number", "reduced": "Less.",
    "source": {"key": "A (2000)", "place": "p. 1"},
    "parts": [{"check": "at_least", "bound": 0.5, "study": "matched",
               "where": {"split": "test", "metric": "accuracy"}}],
}  # fmt: skip


def only(tmp_path, wanted, claims="claims.yaml"):
    """A config that judges only some of two claims."""
    content = {"sources": {"A (2000)": "A book"}, "claims": [CLAIM, CLAIM | {"id": "another"}]}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(content))
    path = tmp_path / "config.yaml"
    more = {"claims": claims, "too_few_seeds": "undecided", "only_claims": wanted}
    path.write_text(yaml.safe_dump(GOOD | more))
    return load(path)


def test_with_only_some_claims_nothing_is_run_that_they_do_not_read(tmp_path):
    loaded = only(tmp_path, {"a_claim": "Two seeds."})
    assert {shard.study for shard in grid.shards(loaded)} == {"matched"}
    (claim,) = loaded.claims_content["claims"]
    assert (claim["id"], claim["reduced"]) == ("a_claim", "Less. Two seeds.")


def test_only_claims_names_claims_that_are_there(tmp_path):
    with pytest.raises(ConfigError, match="only_claims: got 'a_clam'; did you mean 'a_claim'"):
        only(tmp_path, {"a_clam": None})
    with pytest.raises(ConfigError, match="only_claims: has no effect without claims; name their file"):
        only(tmp_path, {"a_claim": None}, claims=None)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_dumped_config_reads_as_the_same_plan(path, tmp_path):
    loaded = load(path)
    dumped = loaded.model_dump(mode="json") | {"claims": None, "only_claims": None}
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(dumped))))
    assert grid.everything(load(tmp_path / "again.yaml")) == grid.everything(loaded)


def test_the_paper_grid_is_as_large_as_promised():
    study = load(ROOT / "config" / "paper.yaml").studies["sequence_length"]
    assert len({page.page for page in study.architectures.values()}) >= 8
    assert len(study.tasks) >= 3
    assert (len(study.lengths), max(study.lengths)) >= (6, 1000)
    assert len(study.hidden_sizes) >= 4
    assert study.seeds >= 5


# (where, what is written there, what is said about it)
MISTAKES: list[tuple[str, Any, str]] = [
    ("reslts", "x", "unknown key 'reslts'; did you mean 'results'? (possible: name, results, data, device, "),
    ("results", "../elsewhere", "got '../elsewhere'; expected a relative folder below the working directory"),
    ("results", "/results", "got '/results'; expected a relative folder below"),
    ("results", ".", "got '.'; expected a relative folder below"),
    ("name", "my run", "got 'my run'; expected lower-case letters, digits and _, first a letter, 40 at most"),
    ("device", "gpu", "got 'gpu'; did you mean 'cpu'? (possible: cpu, cuda)"),
    ("confidence", 1.0, "got 1.0; expected a number less than 1"),
    ("studies", {}, "got {}; expected at least one"),
    ("studies.Big", GOOD["studies"]["simulated"], "got 'Big'; expected lower-case letters, digits and _"),
    ("studies.trained", [1], "got [1]; expected a mapping of keys"),
    ("studies.trained.lenghts", [3], "unknown key 'lenghts'; did you mean 'lengths'? (possible: title, "),
    ("studies.trained.folds", 3, "unknown key 'folds'; remove it (possible: title, tasks, "),
    ("studies.trained.seeds", ..., "missing; write this key"),
    ("studies.trained.kind", ..., "got None; take a possible one (possible: training, cross_validation, "),
    ("studies.trained.kind", "trainig", "got 'trainig'; did you mean 'training'? (possible: training, "),
    # pages and their options
    ("studies.trained.tasks", {}, "got {}; expected at least one"),
    ("studies.trained.architectures.elmn", {}, "no architecture 'elmn'; did you mean 'elman'? (known: "),
    ("studies.trained.tasks.mine", {"page": "addin"}, "no task 'addin'; did you mean 'adding'? (known: "),
    ("studies.trained.tasks." + "a" * 41, {"page": "adding"}, "got 'aaaa"),
    ("studies.trained.probes.gradient_rech", {}, "no probe 'gradient_rech'; did you mean 'gradient_reach'?"),
    ("studies.simulated.simulations.curse", {}, "no simulation 'curse'; "),
    (
        "studies.trained.architectures.elman",
        3,
        "got 3; expected a mapping of options, or {} for the defaults",
    ),
    (
        "studies.trained.architectures.elman.initialization",
        "x",
        "unknown key 'initialization'; did you mean 'initialisation'? (possible: page, nonlinearity, ",
    ),
    (
        "studies.trained.architectures.elman.initialisation",
        "orthogonl",
        "got 'orthogonl'; did you mean 'orthogonal'? (possible: default, glorot, ",
    ),
    ("studies.trained.architectures.elman.gain", "large", "got 'large'; expected a number"),
    ("studies.trained.architectures.elman.gain", float("nan"), "got nan; expected a finite number"),
    ("studies.trained.architectures.elman", {"spectral_radius": 0.9}, "hidden size 4, length 64: "),
    ("studies.trained.probes.gradient_reach.sequences", True, "got True; expected a whole number"),
    # sizes
    ("studies.trained.hidden_sizes[1]", -8, "got -8; expected a number greater than 0"),
    ("studies.trained.hidden_sizes[0]", 2.5, "got 2.5; expected a whole number"),
    ("studies.trained.hidden_sizes", [4, 8, 4], "4 is there twice; name each value once"),
    ("studies.trained.seeds", 0, "got 0; expected a number greater than 0"),
    ("studies.trained.seeds", True, "got True; expected a whole number"),
    ("studies.trained.seeds", "3", "got '3'; expected a whole number"),
    (
        "studies.trained.seeds",
        300_000_000,
        "got 300,000,000; expected at most 10,000, as one job holds all of them",
    ),
    (
        "studies.trained.budget.batch_size",
        2**30,
        "got 1,073,741,824 sequences of 64 steps; expected at most 15,625,000",
    ),
    ("studies.simulated.seeds", 2**40, "got 1,099,511,627,776; expected at most 10,000, as one job holds"),
    ("studies.folded.folds", 2**31, "got 2,147,483,648; expected at most 10,000, as one job holds all of"),
    ("studies.folded.folds", 139, "task 'sequential_digits': got 139; expected at most 138 folds"),
    ("studies.trained.hidden_sizes[0]", 2**40, "got 1099511627776; expected a number not greater than 2.147"),
    ("studies.trained.lengths", [], "got []; expected at least one"),
    ("studies.trained.lengths", 64, "got 64; expected a list, as in [1, 2]"),
    ("studies.trained.lengths[0]", 65, "task 'digits' cannot have length 65: an image has 8 x 8 pixels, so "),
    (
        "studies.trained.parameters",
        [100],
        "has no meaning with `match: hidden_size`; remove it, or change match",
    ),
    ("studies.trained.hidden_sizes", ..., "missing; `match: hidden_size` needs a list of hidden_sizes"),
    (
        "studies.matched.hidden_sizes",
        [3],
        "has no meaning with `match: parameters`; remove it, or change match",
    ),
    ("studies.matched.parameters", ..., "missing; `match: parameters` needs a list of parameters"),
    # budget and learning rates
    ("studies.trained.budget.updates", -1, "got -1; expected a number not less than 0"),
    (
        "studies.trained.budget.optimizer",
        "adam",
        "unknown key 'optimizer'; did you mean 'optimiser'? (possible: ",
    ),
    (
        "studies.trained.budget.optimiser",
        "adm",
        "got 'adm'; did you mean 'adam'? (possible: adam, rmsprop, sgd)",
    ),
    ("studies.trained.budget.schedule", "cosin", "got 'cosin'; did you mean 'cosine'? (possible: "),
    (
        "studies.trained.budget",
        {"updates": 10, "schedule": "step_decay"},
        "decay_every: missing; `schedule: step_decay` needs it",
    ),
    (
        "studies.trained.budget",
        {"updates": 10, "schedule": "halve_on_plateau"},
        "plateau: missing; `schedule: halve_on_plateau` needs it",
    ),
    ("studies.trained.budget.plateau", 3, "has no effect with `schedule: constant`; remove it, or change "),
    (
        "studies.trained.budget",
        {"updates": 10, "schedule": "cosine", "warmup": 10},
        "warmup: got 10; expected less than the 10 updates",
    ),
    ("studies.trained.budget.clip_value", 0, "got 0; expected a number greater than 0"),
    ("studies.trained.budget.dropout", 0, "got 0; expected a number greater than 0"),
    ("studies.trained.budget.dropout", 1, "got 1; expected a number less than 1"),
    ("studies.trained.budget.dropout", float("nan"), "got nan; expected a "),
    (
        "studies.trained.budget.gradient_norm_penalty",
        4.0,
        "architecture 'lstm': lstm has no recurrence f(W x + U h + b); pages that have: elman, irnn",
    ),
    (
        "studies.trained.budget.not_finite",
        "shrink",
        "architecture 'lstm': lstm has no recurrence f(W x + U h + b); pages that have: elman, irnn",
    ),
    ("studies.trained.learning_rates[1]", -0.1, "got -0.1; expected a number greater than 0"),
    ("studies.trained.learning_rates[0]", 1e38, "got 1e+38; expected a number not greater than 1e+30"),
    ("studies.trained.learning_rates[0]", float("inf"), "got inf; expected a finite number"),
    (
        "studies.trained.learning_rates",
        ...,
        "missing; give the list to choose from, the same for every archi",
    ),
    (
        "studies.matched.probes",
        {},
        "none, and nothing is trained with `updates: 0`: give a probe, or updates",
    ),
    ("studies.trained.keep_weights", "best", "got 'best'; take a possible one (possible: chosen, all, none)"),
    ("studies.simulated.keep_weights", "all", "unknown key 'keep_weights'"),
    ("studies.matched.keep_weights", "all", "got all, and nothing is trained with `updates: 0`; remove the"),
    ("studies.trained.budget.probe_at", 1.0, "got 1.0; expected a number less than 1"),
    ("studies.matched.budget.probe_at", 0.5, "half-trained weights need a training: give updates"),
    ("studies.folded.budget.probe_at", 0.5, "weights are kept, but no probe looks at them: give a probe"),
    # cross-validation
    ("studies.folded.folds", 1, "got 1; expected a number not less than 2"),
    ("studies.folded.tasks.adding", {}, "adding has no fixed training set to fold; tasks that have: "),
]


@pytest.mark.parametrize(("place", "value", "message"), MISTAKES)
def test_a_mistake_is_one_line_that_says_where_and_what(tmp_path, place, value, message):
    (line,) = lines(tmp_path / "config.yaml", (place, value))
    # A key of a mapping that comes whole stands below the place.
    assert line.startswith((f"{place}: {message}", f"{place}.{message}"))


def test_a_list_of_rates_without_training_is_told_at_the_list(tmp_path):
    (line,) = lines(tmp_path / "config.yaml", ("studies.trained.budget.updates", 0))
    assert line.startswith("studies.trained.learning_rates: nothing is trained with `updates: 0`; ")


def test_a_cross_validation_that_trains_nothing_is_told_so(tmp_path):
    found = lines(tmp_path / "config.yaml", ("studies.folded.budget.updates", 0))
    message = "got 0; expected more updates, as a cross-validation compares trained models"
    assert f"studies.folded.budget.updates: {message}" in found


def test_parameter_counts_that_meet_in_one_size_are_told_at_the_architecture(tmp_path):
    (line,) = lines(tmp_path / "config.yaml", ("studies.matched.parameters", [500, 501]))
    assert line.startswith("studies.matched.architectures.gru: several of the parameter counts give the same")


def test_all_mistakes_are_listed_at_once(tmp_path):
    found = lines(
        tmp_path / "config.yaml",
        ("studies.trained.seeds", 0),
        ("studies.trained.architectures.elmn", {}),
        ("studies.simulated.simulations.curse_of_memory.decya", 0.5),
        ("device", "gpu"),
    )
    assert [line.partition(":")[0] for line in found] == [
        "device",
        "studies.trained.architectures.elmn",
        "studies.trained.seeds",
        "studies.simulated.simulations.curse_of_memory.decya",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the whole file: got None; expected a mapping of keys"),
        ("- a\n- b\n", "the whole file: got ['a', 'b']; expected a mapping of keys"),
        ("name: [", "expected the node content, but found '<stream end>'"),
        ("name: a\nresults: b\nname: c\n", "line 3: key 'name' is there twice; keep one"),
        ("name: 2026-99-99\n", "line 1: got '2026-99-99': month must be in 1..12"),
        ("name: &x [*x]\n", "found unconstructable recursive node"),
        ("name: !!python/object:os.system {}\n", "could not determine a constructor"),
        ("? [a]\n: b\n", "found unhashable key"),
        ("\x01", "not YAML (unacceptable character"),
    ],
)
def test_a_file_that_is_no_config_is_told_so(tmp_path, text, message):
    assert any(message in line for line in lines_of(tmp_path / "config.yaml", text))


def test_files_that_cannot_be_read_are_told_so(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("name: größe".encode("latin-1"))
    for path, message in [
        (
            tmp_path / "nowhere.yaml",
            ": cannot be read (No such file or directory); give the path of a YAML file",
        ),
        (tmp_path, ": cannot be read (Is a directory)"),
        (tmp_path / "latin.yaml", ", line 1: not UTF-8 text (byte 8); save it as UTF-8"),
    ]:
        with pytest.raises(ConfigError, match=r"^[^\n]*$") as error:
            load(path)
        assert str(error.value).startswith(f"{path}{message}")


def test_numbers_may_be_written_as_powers_of_ten(tmp_path):
    text = yaml.safe_dump(GOOD).replace("- 0.001\n", "- 1e-3\n")
    assert "1e-3" in text
    (tmp_path / "config.yaml").write_text(text)
    assert load(tmp_path / "config.yaml").studies["trained"].learning_rates == [0.001, 0.01]


def test_the_readme_describes_every_key():
    readme = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    models = [Config, Budget, *STUDIES.values()]
    keys = {key for model in models for key in model.model_fields} - {"kind"}
    assert {key for key in keys if f"| `{key}` |" not in readme} == set()
    assert all(f"`kind: {kind}`" in readme for kind in STUDIES)
