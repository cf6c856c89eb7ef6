"""The worked cases of docs/researcher.md, run from top to bottom as a reader would."""

import re
import textwrap
from pathlib import Path

import pytest

from rnnlimits.execution import job
from rnnlimits.planning import grid
from rnnlimits.planning.job import Job
from rnnlimits.planning.load import load
from support.repository_copy import ROOT
from support.small_shards import budgeted

PAGE = (ROOT / "docs" / "researcher.md").read_text(encoding="utf-8")
CASES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)

(LOADED,) = re.findall(r'rnnlimits\.load\("([^"]+)"', PAGE)


def laptop_run() -> None:
    """What the page loads from, as `make results` leaves it but for a short training."""
    (shard,) = [one for one in grid.shards(load(ROOT / "config" / "config.yaml")) if one.id == LOADED]
    short = budgeted(shard, updates=20, validate_every=10, validation_sequences=8, test_sequences=300)
    job.run(Job(shard=short, out=Path("results/rows") / f"{LOADED}.parquet", keep_weights="chosen"))


def test_every_case_runs_and_says_what_it_should(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(CASES) >= 8
    laptop_run()
    capsys.readouterr()
    names: dict = {}
    for case in CASES:
        exec(compile(textwrap.dedent(case), "docs/researcher.md", "exec"), names)
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"a tenth of the gradient is left after \d+ steps", said[0])
    assert said[1].startswith("GRU: got bidirectional=True; expected")
    assert re.fullmatch(r"out_of_updates at learning rate [\d.]+, on test: [\d.]+", said[2])
    assert len(said) == 3
    assert names["again"] == pytest.approx(names["gru"].test_scores["loss"], rel=1e-5)
    assert "gradient_slope" in set(names["learnt"].metric)
    assert (tmp_path / "reach.svg").stat().st_size > 10_000
    # tanh' < 1, so that a state keeps less than half of itself a step.
    decay = names["decay"]
    assert float(decay[decay.metric == "gradient_slope"].value.iloc[0]) < -0.693
    assert set(decay.variant) == {"leaky"}
    assert "gradient_slope" in set(names["whole"].metric)
    assert "gradient_slope" not in set(names["outside"].metric)
    assert names["ragged"].lag_steps.max() == 59
