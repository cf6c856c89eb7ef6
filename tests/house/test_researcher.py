"""The worked cases of docs/researcher.md, run from top to bottom as a reader would."""

import re
import textwrap

from support.repository_copy import ROOT

PAGE = (ROOT / "docs" / "researcher.md").read_text(encoding="utf-8")
CASES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_case_runs_and_says_what_it_should(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(CASES) >= 6
    names: dict = {}
    for case in CASES:
        exec(compile(textwrap.dedent(case), "docs/researcher.md", "exec"), names)
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"a tenth of the gradient is left after \d+ steps", said[0])
    assert said[1].startswith("GRU: got bidirectional=True; expected")
    assert len(said) == 2
    assert (tmp_path / "reach.svg").stat().st_size > 10_000
    # tanh' < 1, so that a state keeps less than half of itself a step.
    decay = names["decay"]
    assert float(decay[decay.metric == "gradient_slope"].value.iloc[0]) < -0.693
    assert set(decay.variant) == {"leaky"}
    assert "gradient_slope" in set(names["whole"].metric)
    assert "gradient_slope" not in set(names["outside"].metric)
    assert names["ragged"].lag_steps.max() == 59
