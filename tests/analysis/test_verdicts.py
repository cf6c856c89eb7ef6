"""The verdict report: every claim with what it rests on, the same bytes each time, and its figures."""

import re
import shutil

import pandas as pd
import pytest

from rnnlimits.analysis import report, verdicts
from rnnlimits.analysis.verdicts import figure, html, rows
from rnnlimits.planning import gpu
from support import synthetic_verdicts
from support.synthetic_verdicts import BROKEN


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verdicts")
    made = synthetic_verdicts.make(folder)
    verdicts.write(made.config, made.claims, made.details, folder / "figures", folder / "verdicts.html")
    return made


@pytest.fixture(scope="module")
def text(made):
    return (made.claims.parent / "verdicts.html").read_text(encoding="utf-8")


def section(text: str, claim: str) -> str:
    """The part of the page about one claim, its figure left out."""
    _, _, rest = text.partition(f'aria-labelledby="claim-{claim}"')
    return re.sub(r"<svg.*?</svg>", "", rest.partition("</section>")[0], flags=re.DOTALL)


def test_every_claim_is_in_the_table_with_its_verdict_as_sign_and_word(text):
    table = text.partition('<table class="all">')[2].partition("</table>")[0]
    for claim in synthetic_verdicts.CLAIMS.itertuples():
        (line,) = [line for line in table.split("</tr>") if f'href="#claim-{claim.id}"' in line]
        assert f"</span> {claim.verdict}</span>" in line
        assert f">{report.SIGNS[claim.verdict]}</span>" in line
        assert claim.scale in line
        assert f'id="claim-{claim.id}"' in text
    assert "5 claims, 2 reproduced, 1 contradicted, 1 undecided, 1 not run." in text


def test_a_claim_says_what_its_source_measured_and_what_we_did(text):
    said = section(text, "C1")
    for words in (
        "A gate helps.", "A (1997), A paper, figure 2", "0.1 against 0.2", "at the source's own sizes",
        "up to 1,000 updates of 64 sequences; seeds: 5", "survives 5 of 5", "lstm is lower",
        "lower by ≥ 0.01", "2.1 (positive control)", "without seed 0", "0.11 [0.09, 0.13]",
    ):  # fmt: skip
        assert words in said.replace("&#39;", "'"), words
    assert "What was tried" not in said
    contradicted = section(text, "C2")
    for words in (
        "Ten learning rates",
        "reduced: length_steps 20 of 1,000. Only short ones.",
        "Others could.",
    ):
        assert words in contradicted


def test_what_each_side_was_given_stands_side_by_side(text):
    said = re.sub(r"<[^>]+>|\s+", " ", section(text, "C1").partition("What each side was given")[2])
    said = " ".join(said.split())
    assert "claimed lstm 4,500 1,000 812 52,000 5 0.001, the largest tried" in said
    assert "compared with elman 4,486 1,000 1,000 64,000 5 0.001" in said


def test_a_claim_that_was_not_run_says_what_it_needs_and_has_no_figure(text, made):
    said = section(text, "C4")
    assert re.search(r"Needs a CUDA GPU: 2 jobs, [\d.]+ (h|days|min) on a GPU", said)
    assert "<figure>" not in said
    assert not (made.claims.parent / "figures" / "C4.svg").exists()
    assert "1 study waits for a GPU: 2 jobs" in text.partition("<table")[0]


def test_the_page_is_the_same_whether_there_is_a_gpu_or_not(text, made, monkeypatch):
    monkeypatch.setenv(gpu.VARIABLE, "1")
    folder = made.claims.parent
    assert html.build(made.config, made.claims, made.details, folder / "figures") == text


def test_no_text_of_a_claim_becomes_a_part_of_the_page(text):
    assert BROKEN not in text
    assert "&lt;script&gt;document.title = &#39;broken&#39;&lt;/script&gt; &amp; more" in section(text, "C3")
    assert text.count("<script>") == 1


def test_the_same_files_give_the_same_bytes(made, tmp_path, text):
    verdicts.write(made.config, made.claims, made.details, tmp_path / "figures", tmp_path / "verdicts.html")
    assert (tmp_path / "verdicts.html").read_text(encoding="utf-8") == text
    for drawn in (made.claims.parent / "figures").iterdir():
        assert (tmp_path / "figures" / drawn.name).read_bytes() == drawn.read_bytes(), drawn.name


def test_only_the_marked_parts_differ_where_only_seconds_do(made, tmp_path, text):
    details = shutil.copytree(made.details, tmp_path / "details")
    given = pd.read_csv(details / "fairness.csv")
    given.assign(seconds=[77.7, 66.6]).to_csv(details / "fairness.csv", index=False)
    slower = html.build(made.config, made.claims, details, made.claims.parent / "figures")
    assert "77.7" in slower
    assert slower != text
    marked = re.compile(r"<!-- From here on.*?<!-- To here. -->", re.DOTALL)
    assert marked.sub("", slower) == marked.sub("", text)


def test_without_details_of_another_kind_the_page_is_still_whole(made, tmp_path):
    details = shutil.copytree(made.details, tmp_path / "details")
    for name in ("fairness", "sensitivity"):
        (details / f"{name}.csv").unlink()
    claims = pd.read_csv(made.claims, keep_default_na=False)
    claims.drop(columns=["paper", "tried", "reduced", "sensitivity"]).to_csv(tmp_path / "c.csv", index=False)
    built = html.build(made.config, tmp_path / "c.csv", details, tmp_path / "none")
    assert "A gate helps." in built
    assert "What each side was given" not in built
    assert "<figure>" not in built


def test_a_page_without_claims_says_so(made, tmp_path):
    synthetic_verdicts.CLAIMS.head(0).to_csv(tmp_path / "claims.csv", index=False)
    verdicts.write(made.config, tmp_path / "claims.csv", made.details, tmp_path / "f", tmp_path / "v.html")
    assert "No claim was judged in this run." in (tmp_path / "v.html").read_text(encoding="utf-8")


@pytest.fixture
def panels():
    tables = synthetic_verdicts.FINDINGS, synthetic_verdicts.evidence()
    return lambda claim: rows.panels(*(table[table.claim == claim] for table in tables))


def test_a_figure_shows_each_seed_that_has_a_number_and_counts_the_others(panels):
    first, second = panels("C1")
    assert [len(line.values) for line in first.lines] == [4, 5]
    assert [line.missing for line in first.lines] == [1, 0]
    assert [line.label for line in first.lines] == ["lstm", "elman"]
    assert (first.title, first.measure) == ("adding, T 20, h 32", "test mean squared error")
    assert second.compares
    drawn = figure.plot("title", *tables_of("C1"))
    written = [text.get_text() for axes in drawn.axes for text in axes.get_yticklabels()]
    assert "lstm (1 of 5 without)" in written


def test_a_seed_whose_budget_ended_first_is_an_open_dot(panels):
    _, steps = panels("C1")
    assert [line.cut_off for line in steps.lines] == [[False, True, False, False, True], [False] * 5]
    drawn = figure.plot("title", *tables_of("C1"))
    (legend,) = drawn.legends
    assert "not solved by then" in [text.get_text() for text in legend.get_texts()]
    assert "not solved by then" not in [
        text.get_text() for text in figure.plot("title", *tables_of("C2")).legends[0].get_texts()
    ]


def test_what_was_judged_is_drawn_and_not_a_mean_of_ours(panels):
    (shares,) = panels("C2")
    assert shares.lines[0].interval[:3] == (1.0, 0.57, 1.0)  # Wilson's, which no bootstrap of ones would give
    assert shares.findings[0].bound == (-float("inf"), 0.2)
    (guesses,) = panels("C3")
    assert guesses.lines[0].interval.estimate == 20


def test_numbers_that_span_decades_are_drawn_on_a_logarithmic_axis():
    scales = {claim: [axes.get_xscale() for axes in figure.plot("", *tables_of(claim)).axes] for claim in
              ("C1", "C2", "C3", "C5")}  # fmt: skip
    assert scales == {
        "C1": ["linear", "linear", "log", "log"],
        "C2": ["linear"],
        "C3": ["log"],
        "C5": ["linear", "log"],
    }


def test_one_number_far_off_is_told_at_the_edge_and_does_not_squeeze_the_others():
    findings, evidence = tables_of("C1")
    of_part = evidence.part == evidence.part.min()
    evidence = pd.concat([evidence[of_part]] * 5).assign(seed=range(5 * of_part.sum()))
    evidence.loc[:, "value"] = [0.15 + 0.001 * i for i in range(len(evidence) - 1)] + [9.5]
    axes, *_ = figure.plot("title", findings, evidence).axes
    assert axes.get_xlim()[1] < 1
    assert "9.5" in [text.get_text() for text in axes.texts]


def test_shares_end_at_one_even_if_all_seeds_solve():
    axes, *_ = figure.plot("title", *tables_of("C2")).axes
    assert axes.get_xlim() == pytest.approx((-0.02, 1.02), abs=0.05)
    assert axes.get_xlim()[1] <= 1.02


def test_two_parts_that_ask_the_same_numbers_share_a_panel():
    findings, evidence = tables_of("C2")
    again = [table.assign(part=table.part + 1, finding=table.finding + 100) for table in (findings, evidence)]
    both = pd.concat([findings, again[0]]), pd.concat([evidence, again[1]])
    assert len(rows.panels(*both)) == len(rows.panels(findings, evidence))


def test_everything_that_a_figure_says_lies_within_it():
    for claim in ("C1", "C2", "C3", "C5"):
        drawn = figure.plot("A title of sixty characters, which is as long as one may be.", *tables_of(claim))
        drawn.draw_without_rendering()
        frame = drawn.bbox
        for axes in drawn.axes:
            box = axes.get_tightbbox()
            assert frame.x0 - 1 <= box.x0, claim
            assert box.x1 <= frame.x1 + 1, claim


def test_nothing_measured_is_no_figure():
    assert figure.plot("title", *tables_of("C4")) is None


def tables_of(claim: str) -> list[pd.DataFrame]:
    return [
        table[table.claim == claim] for table in (synthetic_verdicts.FINDINGS, synthetic_verdicts.evidence())
    ]
