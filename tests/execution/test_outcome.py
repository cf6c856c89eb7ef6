"""The last lines of a run: how many verdicts of which kind, how long it took, which page to open."""

from pathlib import Path

from rnnlimits.execution import outcome


def judged(file: Path, *verdicts: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("id,verdict\n" + "".join(f"c{n},{verdict}\n" for n, verdict in enumerate(verdicts)))


def test_verdicts_by_kind_minutes_and_the_page_to_open(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judged(Path("results/x/claims.csv"), "undecided", "reproduced", "not run", "reproduced")
    files = ["results/x/claims.csv", "results/x/verdicts.html", "results/x/report.html", "results/x/a.svg"]
    assert outcome.lines(files, 190.0).splitlines() == [
        "verdicts on 4 claims: 2 reproduced, 1 undecided, 1 not run",
        "done in 3.2 min",
        "open results/x/report.html or results/x/verdicts.html",
    ]


def test_of_one_claim_alone_its_own_verdict_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judged(Path("results/x/verdicts/only/C3/claims.csv"), "contradicted")
    assert outcome.lines(["results/x/verdicts/C3.html"], 5.0).splitlines() == [
        "verdicts on 1 claim: 1 contradicted", "done in 5 s", "open results/x/verdicts/C3.html",
    ]  # fmt: skip


def test_where_nothing_is_judged_and_no_page_is_made_the_time_is_all(tmp_path):
    judged(tmp_path / "claims.csv")
    assert outcome.lines([str(tmp_path / "claims.csv")], 12.0) == "done in 12 s"
