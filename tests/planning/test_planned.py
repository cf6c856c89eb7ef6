"""A command works with what its run was planned with, or says in one line what is another now."""

import shutil

import pytest

from rnnlimits import catalog
from rnnlimits.planning import grid, planned, provenance
from rnnlimits.planning.load import load
from support.repository_copy import ROOT

PAGE = "architectures/lstm.py"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that a test may edit, in a process that knows of no plan."""
    copy = tmp_path / "src" / "rnnlimits"
    shutil.copytree(catalog.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(catalog, "PACKAGE", copy)
    monkeypatch.setenv(planned.VARIABLE, "")
    provenance.forget()
    yield copy
    provenance.forget()


@pytest.fixture
def config(tmp_path):
    for name in ("smoke.yaml", "claims.yaml"):
        shutil.copy(ROOT / "config" / name, tmp_path)
    return tmp_path / "smoke.yaml"


def edit(file, old, new):
    text = file.read_text()
    assert old in text, f"{file} has changed; take another place to edit"
    file.write_text(text.replace(old, new, 1))
    provenance.forget()


def one(config, architecture):
    return next(shard for shard in grid.shards(load(config)) if shard.architecture == architecture)


def test_code_that_was_edited_since_the_plan_is_refused_by_the_name_of_its_file(package, config):
    shard = one(config, "lstm")
    planned.announce(load(config), [shard], first=True)
    code = planned.code(shard)
    planned.check_code(shard, code)
    edit(package / PAGE, "class LSTM(", "EDITED = 1\nclass LSTM(")
    with pytest.raises(ValueError, match=rf"^src/rnnlimits/{PAGE}: edited after this run was planned \(got "):
        planned.check_code(shard, code)
    edit(package / PAGE, "EDITED = 1\n", "")
    planned.check_code(shard, code)


def test_without_the_names_of_files_the_shard_is_named(package, config):
    shard = one(config, "lstm")
    with pytest.raises(ValueError, match=f"^the code behind {shard.id}: edited after this run was planned"):
        planned.check_code(shard, "another")
    planned.check_code(shard, None)


def test_a_snakemake_inside_a_cluster_s_job_gives_no_edited_code_as_planned(package, config):
    of_lstm, of_gru = one(config, "lstm"), one(config, "gru")
    planned.announce(load(config), [of_lstm, of_gru], first=True)
    before = planned.code(of_gru)
    edit(package / PAGE, "class LSTM(", "EDITED = 1\nclass LSTM(")
    planned.announce(load(config), [of_lstm, of_gru], first=False)
    assert planned.code(of_lstm) == "edited"
    assert planned.code(of_gru) == before, "its code is as it was"


def test_a_snakemake_inside_a_cluster_s_job_refuses_another_config(package, config):
    planned.announce(load(config), [], first=True)
    planned.announce(load(config), [], first=False)
    edit(config, "seeds: 2", "seeds: 3")
    with pytest.raises(ValueError, match=r"^the config: edited after this run was planned"):
        planned.announce(load(config), [], first=False)


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("smoke.yaml", "seeds: 2", "seeds: 3", "the config"),
        ("claims.yaml", "bound: ", "bound: 1", "the claims"),
    ],
)
def test_what_a_command_reads_is_compared_by_what_it_says(package, config, file, old, new, named):
    expected = planned.of(load(config), "claims")
    path = config.with_name(file)
    path.write_text(f"# a comment changes nothing\n{path.read_text()}")
    planned.check(load(config), ["claims"], expected)
    edit(path, old, new)
    with pytest.raises(
        ValueError, match=f"^{named}: edited after this run was planned .*; start the run again$"
    ):
        planned.check(load(config), ["claims"], expected)


def test_a_text_on_a_page_counts_for_the_command_that_writes_it(package, config):
    planned.announce(load(config), [], first=True)
    expected = planned.of(None, "figures")
    planned.check(None, ["figures"], expected)
    edit(package / "analysis/figures/cost.py", '"""', '"""Edited. ')
    with pytest.raises(ValueError, match=r"^src/rnnlimits/analysis/figures/cost\.py: edited after this run"):
        planned.check(None, ["figures"], expected)
    planned.check(None, ["figures"], None)


def test_digests_that_are_not_the_snakefile_s_are_one_line(package, config):
    with pytest.raises(
        ValueError, match=r"^--planned: got 'yes'; expected config=...,claims=...,code=..., as the"
    ):
        planned.check(load(config), ["tables"], "yes")
