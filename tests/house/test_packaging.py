"""What stands in several places says the same in each: versions, pins, profiles."""

import csv
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import rnnlimits
from support.repository_copy import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
LOCKED = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
PINS = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LOCKED)}
# The plugin slows every call of Snakemake, so whoever has a cluster installs it.
NOT_LOCKED = {"slurm"}


def supported() -> list[str]:
    """The oldest and the newest Python that the Makefile takes."""
    limits = re.findall(r"\((3), (\d+)\)", (ROOT / "Makefile").read_text())
    return [".".join(limit) for limit in limits]


def required(*extras: str) -> list[Requirement]:
    listed = [PROJECT["optional-dependencies"][extra] for extra in extras]
    return [Requirement(line) for lines in [PROJECT["dependencies"], *listed] for line in lines]


def test_the_lock_is_exact_and_names_neither_hosts_nor_folders():
    assert [line for line in LOCKED if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []


def test_conda_gets_the_same_pins():
    (from_pip,) = [part["pip"] for part in CONDA["dependencies"] if isinstance(part, dict)]
    assert from_pip == LOCKED


def test_the_lock_satisfies_the_project():
    extras = set(PROJECT["optional-dependencies"]) - NOT_LOCKED
    for one in required(*extras):
        assert one.specifier.contains(PINS[canonicalize_name(one.name)]), one


def test_the_python_of_conda_and_of_the_linters_is_the_oldest_supported():
    oldest, _ = supported()
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert f"python={oldest}" in CONDA["dependencies"]
    assert tools["mypy"]["python_version"] == oldest
    assert tools["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert SpecifierSet(PROJECT["requires-python"]).contains(Version(oldest))


def test_rebuilding_from_the_archive_needs_no_torch():
    light = {canonicalize_name(one.name) for one in required("workflow")}
    assert light.isdisjoint({"torch", "lightning", "scikit-learn", "numba"})


def test_the_citation_names_this_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == rnnlimits.__version__


def test_the_catalog_finds_what_it_asks_for():
    catalog = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    assert catalog["usage"]["report"] is True
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").is_file()
    # The top level shows it, too; either finds the default profile, which lies in the working directory.
    assert 'include: "workflow/Snakefile"' in (ROOT / "Snakefile").read_text()
    assert (ROOT / "profiles" / "default").is_dir()


def test_the_cluster_profile_keeps_what_the_default_profile_sets():
    profiles = ROOT / "profiles"
    default, slurm = (
        yaml.safe_load((profiles / name / "config.v9+.yaml").read_text()) for name in ("default", "slurm")
    )
    assert {key for key in default if slurm.get(key) != default[key]} == {"retries"}


def test_no_rule_retries_by_itself():
    for file in (ROOT / "workflow").rglob("*.smk"):
        assert not re.search(r"^ +retries:", file.read_text(), re.MULTILINE), file


def test_the_verdicts_of_the_readme_are_those_of_both_archives():
    """A line a claim, first those of the laptop run; where both runs judge a sentence, it is one line."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for archive in ("laptop", "replication"):
        with (ROOT / "results" / "archive" / archive / "claims.csv").open(
            encoding="utf-8", newline=""
        ) as file:
            judged = [claim for claim in csv.DictReader(file) if claim["verdict"] != "not run"]
        assert judged
        for claim in judged:
            line = lines.setdefault((claim["title"], claim["source"]), {})
            assert archive not in line, "two claims of a run under one title"
            line |= {archive: claim["verdict"], "number": claim["id"] if archive == "replication" else "–"}
    columns = ("laptop", "replication", "number")
    expected = [
        f"| {' | '.join([*claim, *(line.get(column, '–') for column in columns)])} |"
        for claim, line in lines.items()
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- verdicts")[2].partition("<!-- end of verdicts -->")[0]
    assert [line for line in table.splitlines()[3:] if line] == expected


@pytest.fixture
def makefile(tmp_path):
    """A folder with nothing but what decides whether the environment must be made."""
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    stamp = re.search(r"^touch (\.venv/.*)$", make(tmp_path, "-n", "environment").stdout, re.MULTILINE)
    assert stamp
    (tmp_path / stamp[1]).parent.mkdir()
    (tmp_path / stamp[1]).touch()
    return tmp_path, tmp_path / stamp[1]


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    # The tests themselves may run under make, whose variables are not meant for this one.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=folder, env=outer, capture_output=True, text=True)


def test_a_made_environment_is_not_made_again(makefile):
    folder, _ = makefile
    (folder / "requirements.lock").touch()
    assert make(folder, "-q", "environment").returncode == 0


def test_a_changed_lock_makes_the_environment_again(makefile):
    folder, _ = makefile
    with (folder / "requirements.lock").open("a") as lock:
        lock.write("a-new-package==1.0\n")
    assert make(folder, "-q", "environment").returncode == 1


def test_an_interrupted_environment_is_made_again(makefile):
    folder, stamp = makefile
    stamp.unlink()
    assert make(folder, "-q", "environment").returncode == 1


def test_the_makefile_takes_the_pythons_of_the_project_and_ci_tries_each():
    oldest, newest = supported()
    assert PROJECT["requires-python"] == f">={oldest}"
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    tried = ci["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert (tried[0], tried[-1]) == (oldest, newest)
    assert f"for Python {oldest} to {newest}" in (ROOT / "requirements.lock").read_text()


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (3, 15)])
def test_a_python_without_wheels_is_refused_with_one_line(tmp_path, version):
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    old = tmp_path / "python"
    pretend = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$2"\n')
    old.chmod(0o755)
    done = make(tmp_path, "environment", f"PYTHON={old}")
    assert done.returncode != 0
    (said,) = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert said.startswith(
        f"got Python 3.{version[1]}; expected 3.11 to 3.13, for which requirements.lock has wheels"
    )
    assert not (tmp_path / ".venv").exists()
