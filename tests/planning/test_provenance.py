"""The fingerprint sees every line that can change a shard's numbers, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlimits import catalog
from rnnlimits.planning import grid, origin, provenance
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard
from support.repository_copy import ROOT

SHARDS = {shard.id: shard for shard in grid.shards(load(ROOT / "config" / "smoke.yaml"))}
# Folders, and the modules beside them, that can change no number.
NEUTRAL = set(provenance.NEUTRAL)
TRAINED = [shard for shard in SHARDS.values() if shard.kind == "training"]


def one(**columns: str) -> Shard:
    return next(
        shard
        for shard in SHARDS.values()
        if all(getattr(shard, name) == value for name, value in columns.items())
    )


def forget() -> None:
    provenance.forget()
    catalog.options.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that a test may edit."""
    copy = tmp_path / "rnnlimits"
    shutil.copytree(catalog.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(catalog, "PACKAGE", copy)
    forget()
    yield copy
    forget()


def rerun_by(package: Path, file: str, old: str, new: str) -> set[str]:
    """The shards whose fingerprint changes when `old` becomes `new` in a file."""
    before = {name: provenance.fingerprint(shard) for name, shard in SHARDS.items()}
    text = (package / file).read_text(encoding="utf-8")
    assert old in text, f"{file} has changed; take another line for this test"
    (package / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    forget()
    return {name for name, shard in SHARDS.items() if provenance.fingerprint(shard) != before[name]}


def test_a_comment_a_docstring_or_a_blank_line_reruns_nothing(package):
    file = "architectures/lstm.py"
    text = (package / file).read_text(encoding="utf-8")
    assert rerun_by(package, file, text, f"{text}\n\n# one more comment\n") == set()
    assert rerun_by(package, file, '"""', '"""Another docstring. ') == set()


def test_an_edit_in_a_page_reruns_the_shards_of_that_page_only(package):
    for kind, column in [
        ("architectures", "architecture"),
        ("tasks", "task_page"),
        ("simulations", "task_page"),
    ]:
        for name in catalog.names(kind):
            text = (package / kind / f"{name}.py").read_text(encoding="utf-8")
            of_page = {
                shard.id
                for shard in SHARDS.values()
                if getattr(shard, column) == name and (shard.kind == "simulation") == (kind == "simulations")
            }
            assert rerun_by(package, f"{kind}/{name}.py", text, f"{text}\nCHANGED = 1\n") == of_page


def test_an_edit_in_a_probe_reruns_the_shards_that_take_it(package):
    text = (package / "probes/lyapunov.py").read_text(encoding="utf-8")
    taken = {shard.id for shard in SHARDS.values() if "lyapunov" in shard.probes}
    assert rerun_by(package, "probes/lyapunov.py", text, f"{text}\nCHANGED = 1\n") == taken != set()


@pytest.mark.parametrize(
    "file",
    [
        "training/protocol.py",
        "training/replicas.py",
        "training/build.py",
        "architectures/_model.py",
        "architectures/base.py",
        "tasks/base.py",
    ],
)
def test_an_edit_in_the_trainer_reruns_everything_trained(package, file):
    text = (package / file).read_text(encoding="utf-8")
    trained = {shard.id for shard in SHARDS.values() if shard.kind != "simulation"}
    assert rerun_by(package, file, text, f"{text}\nCHANGED = 1\n") == trained


@pytest.mark.parametrize(
    "file",
    [
        "cli/train.py",
        "catalog.py",
        "planning/grid.py",
        "planning/provenance.py",
        "execution/job.py",
        "storage/locks.py",
        "analysis/tables/__init__.py",
    ],
)
def test_an_edit_in_what_cannot_change_a_number_reruns_nothing(package, file):
    text = (package / file).read_text(encoding="utf-8")
    assert rerun_by(package, file, text, f"{text}\nCHANGED = 1\n") == set()


@pytest.mark.parametrize(
    ("data", "task"), [("text", "character_language_model"), ("digits", "sequential_digits")]
)
def test_data_count_where_the_task_reads_them(package, data, task):
    text = (package / f"tasks/data/{data}.py").read_text(encoding="utf-8")
    rerun = rerun_by(package, f"tasks/data/{data}.py", text, f"{text}\nCHANGED = 1\n")
    assert {SHARDS[name].task_page for name in rerun} == {task}


EDITS = {
    # A file, and what is made anew when it says something else, be it in a docstring.
    "analysis/tables/training.py": {"tables", "report"},
    "analysis/figures/cost.py": {"figures", "report"},
    "analysis/figures/base.py": {"figures", "report", "verdicts"},
    # The verdict report reads what a check says of itself, so all that a check imports counts for it.
    "analysis/claims/finding.py": {"claims", "verdicts"},
    "analysis/claims/checks/ordering.py": {"claims", "verdicts"},
    "analysis/verdicts/display.py": {"verdicts"},
    "analysis/report/answer.py": {"report", "verdicts"},
    "analysis/templates/report.html": {"report", "verdicts"},
    "planning/plan_table.py": {"verdicts"},
    "planning/where.py": {"claims", "report", "verdicts"},
    "planning/config/claim_form.py": {"claims", "verdicts"},
    "probes/lyapunov.py": {"verdicts"},  # how long a job for a GPU takes
    "execution/run_lock.py": set(),
}


@pytest.mark.parametrize("file", EDITS)
def test_what_is_made_of_rows_is_made_anew_when_a_text_on_it_changes(package, file):
    before = {product: provenance.fingerprint_of_products(product) for product in provenance.MADE_WITH}
    text = (package / file).read_text(encoding="utf-8")
    first = '"""' if file.endswith(".py") else "<"
    assert first in text
    added = '"""Another sentence. ' if file.endswith(".py") else "<!-- more --><"
    (package / file).write_text(text.replace(first, added, 1), encoding="utf-8")
    forget()
    after = {product: provenance.fingerprint_of_products(product) for product in provenance.MADE_WITH}
    assert {product for product in before if before[product] != after[product]} == EDITS[file]


@pytest.mark.parametrize(("folder", "product"), [("checks", "claims"), ("checks", "verdicts")])
def test_every_page_counts_that_is_loaded_by_its_name(folder, product):
    known = provenance.files_in(*provenance.MADE_WITH[product])
    assert {catalog.path(folder, name) for name in catalog.names(folder)} <= set(known)


def test_a_folder_that_is_gone_is_no_empty_fingerprint():
    with pytest.raises(LookupError, match="no files in analysis/nothing"):
        provenance.files_in("analysis/claims", "analysis/nothing")


def test_a_new_value_reruns(package):
    assert rerun_by(package, "tasks/adding.py", "SOLVED_BELOW = 0.01", "SOLVED_BELOW = 0.02")


@pytest.mark.parametrize("study", ["chaos", "sequence_length", "language_model", "random_guessing"])
def test_the_fingerprint_knows_every_module_that_a_run_loads(study, tmp_path):
    """The completeness of the file list: run a shard and look at what Python has imported."""
    pytest.importorskip("torch")
    shard = one(study=study)
    program = (
        "import json, sys; from pathlib import Path; from rnnlimits.cli import train\n"
        f"train.train(spec={shard.to_json()!r}, out=Path({str(tmp_path / 'rows.parquet')!r}))\n"
        "modules = [m for name, m in sys.modules.items() if name.split('.')[0] == 'rnnlimits']\n"
        "print(json.dumps([m.__file__ for m in modules if hasattr(m, '__file__')]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {Path(file) for file in json.loads(done.stdout.splitlines()[-1])}
    # Importing a page runs the __init__ of its folder, which holds a docstring only.
    known = set(provenance.files(shard)) | set(catalog.PACKAGE.glob("**/__init__.py"))
    assert {file for file in loaded if file.relative_to(catalog.PACKAGE).parts[0] not in NEUTRAL} <= known


def test_the_spec_is_hashed_as_a_whole():
    hashes = {provenance.config_hash(shard) for shard in SHARDS.values()}
    assert len(hashes) == len(SHARDS)
    shard = TRAINED[0]
    assert provenance.config_hash(Shard.from_json(shard.to_json())) == provenance.config_hash(shard)


def test_provenance_names_code_machine_and_versions():
    found = origin.collect(TRAINED[0], "cpu")
    assert found["config_hash"] == provenance.config_hash(TRAINED[0])
    assert found["code_fingerprint"] == provenance.fingerprint(TRAINED[0])
    assert found["versions"]["python"] == sys.version.split()[0]
    assert {"rnnlimits", "numpy", "pyarrow"} <= set(found["versions"])
    assert found["device"].startswith("cpu: ")
    json.dumps(found)


def test_a_cluster_s_job_says_where_it_ran(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURMD_NODENAME", "gpu-03")
    found = origin.collect(TRAINED[0], "cpu")
    assert (found["slurm_job"], found["slurm_node"]) == ("4711", "gpu-03")
    monkeypatch.delenv("SLURM_JOB_ID")
    assert "slurm_job" not in origin.collect(TRAINED[0], "cpu")


def test_provenance_is_complete_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    origin._git.cache_clear()
    found = origin.collect(TRAINED[0], "cpu")
    origin._git.cache_clear()
    assert (found["git_commit"], found["git_clean"]) == (None, None)


def test_a_checkout_of_another_user_has_an_unknown_commit_and_that_is_said(monkeypatch, tmp_path):
    git = tmp_path / "git"
    git.write_text(
        "#!/bin/sh\necho \"fatal: detected dubious ownership in repository at '/x'\" >&2\nexit 128\n"
    )
    git.chmod(0o755)
    origin._git.cache_clear()
    assert origin.warning() is None or shutil.which("git") is None
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    origin._git.cache_clear()
    found, told = origin.collect(TRAINED[0], "cpu"), origin.warning()
    origin._git.cache_clear()
    assert found["git_commit"] is None
    assert found["git_refused"] == "the checkout belongs to another user"
    assert told.startswith(
        f"{Path(origin.__file__).parent}: the checkout belongs to another user, so git does"
    )


def test_collecting_imports_nothing_heavy():
    program = (
        "import sys; from rnnlimits.planning import origin; from rnnlimits.planning.shard import Shard\n"
        f"origin.collect(Shard.from_json({TRAINED[0].to_json()!r}), 'cpu')\n"
        "print([name for name in ('torch', 'pandas', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
