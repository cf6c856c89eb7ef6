"""Rows of another code, another config or other data are never read without a word."""

import dataclasses
from pathlib import Path

import pytest

from rnnlimits import rows
from rnnlimits.execution import planned_rows
from rnnlimits.planning import grid, provenance
from rnnlimits.planning.job import Job
from rnnlimits.planning.load import load

CONFIG = """
name: tiny
results: results
studies:
  short:
    title: Two jobs
    kind: training
    tasks: {adding: {}}
    architectures: {elman: {}, gru: {}}
    lengths: [6]
    hidden_sizes: [4]
    seeds: 2
    learning_rates: [0.01]
    budget: {updates: 60}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path / "config.yaml"


def write(config, **of_elman):
    """Rows files as the jobs would write them, but for what is said of one of them."""
    loaded = load(config)
    for shard in grid.shards(loaded):
        facts = {
            "config_hash": provenance.config_hash(shard),
            "code_fingerprint": provenance.fingerprint(shard),
            "facts": {"text_sha256": "a" * 64},
        }
        own = of_elman if shard.variant == "elman" else {}
        rows.write([], facts | own, f"{loaded.results}/rows/{shard.id}.parquet", shard.id)
    return loaded


def read(loaded, **options) -> int:
    with planned_rows.of(loaded, None, **options) as paths:
        return len(paths)


def test_rows_as_they_were_planned_are_read_without_a_word(config, capsys):
    assert read(write(config), strict=True) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("key", ["config_hash", "code_fingerprint"])
def test_a_run_refuses_rows_of_another_plan_and_names_them(config, key):
    loaded = write(config, **{key: "another"})
    name = "short.adding.elman.h4.t6"
    with pytest.raises(
        ValueError, match=rf"rows: the rows of {name} were made by other code or .*; remove them"
    ):
        read(loaded, strict=True)
    with pytest.raises(ValueError, match=rf"start the run again: .*rows/{name}\.parquet$"):
        read(loaded, strict=True)


def test_who_types_a_command_is_told_and_gets_what_is_there(config, capsys):
    assert read(write(config, code_fingerprint="another")) == 2
    told = capsys.readouterr().err
    assert told.endswith("were made by other code or another config than there is now; going on with them\n")
    assert told.count("\n") == 1


def test_a_run_refuses_rows_that_were_measured_on_different_data(config, capsys):
    loaded = write(config, facts={"text_sha256": "b" * 64})
    with pytest.raises(
        ValueError, match=r"rows: adding was measured on other data in some shards \(text_sha256"
    ):
        read(loaded, strict=True)
    assert read(loaded) == 2
    assert "short.adding.elman.h4.t6 on bbbbbbbbbbbb" in capsys.readouterr().err


def test_a_refit_refuses_folds_that_other_code_has_measured(config):
    loaded = write(config, code_fingerprint="another")
    gru, elman = (
        next(one for one in grid.shards(loaded) if one.variant == name) for name in ("gru", "elman")
    )
    folder = Path(loaded.results) / "rows"
    for shard in (gru, elman):
        refit = dataclasses.replace(shard, needs=[shard.id])
        job = Job(shard=refit, out=Path("refit.parquet"), rows=folder, code=provenance.fingerprint(shard))
        if shard is gru:
            planned_rows.check_needs(job)
            continue
        planned_rows.check_needs(dataclasses.replace(job, code=None))
        with pytest.raises(ValueError, match=rf"the rows of {elman.id} were made by other code"):
            planned_rows.check_needs(job)


def test_rows_that_one_claim_does_not_rest_on_do_not_count_for_it(config, monkeypatch):
    loaded = write(config, code_fingerprint="another")
    part = {"study": "short", "where": {"variant": "gru"}}
    other = {"study": "short", "where": {"variant": "elman"}}
    claims = {"of_gru": {"parts": [part]}, "of_both": {"parts": [part, other]}}
    monkeypatch.setattr(planned_rows.pipeline, "claims", lambda config: claims)
    assert read(loaded, strict=True, only="of_gru") == 2
    with pytest.raises(ValueError, match="were made by other code"):
        read(loaded, strict=True, only="of_both")
    assert read(loaded, strict=True, only="of_none") == 2
