"""A --spec that a person typed: refused in lines that name its field, before a page or torch is imported."""

import json
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlimits import catalog
from rnnlimits.planning import grid, shard_form
from rnnlimits.planning.load import load
from support.command_line import run
from support.example_config import GOOD, changed
from support.wrong_configs import NASTY, WRONG, places


@pytest.fixture(scope="module")
def specs(tmp_path_factory) -> dict[str, dict]:
    """One shard of each kind, as `rnnlimits plan --json` writes it."""
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(yaml.safe_dump(GOOD))
    return {shard.kind: json.loads(shard.to_json()) for shard in grid.shards(load(path))}


def test_what_planning_writes_is_taken_as_it_is(specs):
    for spec in specs.values():
        assert json.loads(shard_form.read(json.dumps(spec)).to_json()) == spec


# (of which kind of shard, which field, what comes, what is said)
MISTAKES = [
    (
        "training",
        ("task_page",),
        "../../x",
        "task_options: no task '../../x'; take a known one (known: adding, ",
    ),
    ("training", ("task_page",), "adding.x", "task_options: no task 'adding.x'; did you mean 'adding'?"),
    ("training", ("task_page",), "base", "task_options: no task 'base'; add "),
    ("training", ("architecture",), "os", "architecture_options: no architecture 'os'; "),
    (
        "training",
        ("probes",),
        {"../x": {}},
        "probes.../x: got '../x'; expected lower-case letters, digits and _",
    ),
    ("training", ("probes",), {"style": {}}, "probes.style: no probe 'style'; "),
    ("training", ("task_options", "x"), 1, "task_options.x: unknown key 'x'; remove it"),
    ("training", ("task_options", "page"), "gru", "task_options: unknown key 'page'; remove it"),
    (
        "training",
        ("architecture_options",),
        [1],
        "architecture_options: got [1]; expected a mapping of labels",
    ),
    ("training", ("hidden_size",), -8, "hidden_size: got -8; expected a number not less than 0"),
    ("training", ("hidden_size",), [8], "hidden_size: got [8]; expected a whole number"),
    ("training", ("hidden_size",), 0, "hidden_size: got 0; expected more for a shard of kind training"),
    ("training", ("length_steps",), 10**30, "length_steps: got 1000000000000000000000000000000; "),
    ("training", ("seeds",), "2; touch x", "seeds: got '2; touch x'; expected a whole number"),
    ("training", ("seeds",), 300_000_000, "seeds: got 300,000,000; expected at most 10,000, as one job "),
    ("refit", ("folds",), 300_000_000, "folds: got 300,000,000; expected at most 10,000, as one job "),
    (
        "training",
        ("learning_rates",),
        [rate / 1000 for rate in range(1, 10_002)],
        "learning_rates: got 10,001 for 2 seeds or folds; expected at most 10,000 models in one job",
    ),
    (
        "training",
        ("learning_rates",),
        [],
        "learning_rates: got []; expected more for a shard of kind training",
    ),
    ("training", ("learning_rates",), [float("nan")], "learning_rates[0]: got nan; expected a finite number"),
    ("training", ("budget", "updates"), -1, "budget.updates: got -1; expected a number not less than 0"),
    (
        "training",
        ("budget", "updatess"),
        1,
        "budget.updatess: unknown key 'updatess'; did you mean 'updates'?",
    ),
    ("training", ("budget", "plateau"), 3, "budget.plateau: has no effect with `schedule: constant`; "),
    (
        "training",
        ("budget", "gradient_norm_penalty"),
        2.0,
        "budget.gradient_norm_penalty: gru has no recurrence f(W x + U h + b); ",
    ),
    (
        "training",
        ("budget", "batch_size"),
        2**31 - 1,
        "budget.batch_size: got 2,147,483,647 sequences of ",
    ),
    ("training", ("study",), "../x", "study: got '../x'; expected lower-case letters"),
    ("training", ("kind",), "trainig", "kind: got 'trainig'; did you mean 'training'?"),
    ("refit", ("needs",), ["../../x"], "needs[0]: got '../../x'; expected lower-case letters"),
    ("simulation", ("task_page",), "os", "task_options: no simulation 'os'; "),
    (
        "simulation",
        ("budget",),
        {"updates": 1},
        "budget: got {'updates': 1}; expected null, as a simulation trains nothing",
    ),
    ("training", ("budget",), None, "budget: got None; expected a mapping of keys"),
]


@pytest.mark.parametrize(("kind", "place", "value", "said"), MISTAKES)
def test_a_mistake_in_a_spec_is_one_line(specs, monkeypatch, capsys, tmp_path, kind, place, value, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalog, "module", lambda *names: pytest.fail(f"{names} was imported"))
    spec = json.dumps(changed(specs[kind], place, value))
    code, out, told = run(monkeypatch, capsys, "train", "--spec", spec, "--out", "x.parquet")
    assert (code, out) == (1, "")
    assert told.startswith(f"--spec: {said}")
    assert len(told.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 5000, "9" * 5000, "null", '{"study": "\\ud800"}', "\0", "'; ls"]
)
def test_what_is_no_shard_at_all_is_one_line(monkeypatch, capsys, tmp_path, text):
    monkeypatch.chdir(tmp_path)
    code, _, told = run(monkeypatch, capsys, "train", "--spec", text, "--out", "x.parquet")
    assert code == 1
    assert told.startswith("--spec: ")
    assert len(told.splitlines()) == 1
    assert len(told) < 600
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=120, deadline=None)
@given(data=st.data(), value=st.sampled_from([*(one for one in WRONG if one != b"x"), *NASTY]))
def test_whatever_stands_in_a_spec_is_a_shard_or_a_mistake_told(specs, data, value):
    spec = specs[data.draw(st.sampled_from(sorted(specs)))]
    place = data.draw(st.sampled_from(places(spec)))
    try:
        shard = shard_form.read(json.dumps(changed(spec, place, value)))
    except ValueError as error:
        lines = str(error).splitlines()
        strange = [line for line in lines if not line.startswith("--spec: ")]
    else:
        strange = []
        assert "/" not in shard.id
        assert shard.task_page in catalog.names("simulations" if shard.kind == "simulation" else "tasks")
    assert strange == []


def test_a_refused_spec_has_imported_nothing_heavy(specs):
    import subprocess

    spec = json.dumps(specs["training"] | {"task_page": "../../x"})
    program = (
        "import sys; from rnnlimits.planning import shard_form\n"
        "try: shard_form.read(sys.argv[1])\n"
        "except ValueError: print({'torch', 'numpy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, spec], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
