"""The page as text: it says what the tables say, and plainly what is missing."""

import re
from html import unescape
from html.parser import HTMLParser

import pandas as pd
import pytest

from rnnlimits import catalog
from rnnlimits.analysis import figures, report
from rnnlimits.analysis.report import answer, display, names, reach
from rnnlimits.planning.load import load
from support import synthetic_run, synthetic_tables
from support.repository_copy import ROOT

VOID = {"meta", "link", "br", "hr", "img", "input"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return synthetic_run.make(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(run):
    return build(run)


def build(run, **changed):
    given = {
        "tables_dir": run.tables,
        "figures_dir": run.figures,
        "claims_csv": run.claims,
        "rows_paths": run.rows,
    }
    return report.build(run.config, **{**given, **changed})


def said(page, section):
    """The text of a section of the page, without its tags."""
    part = page.partition(f' id="{section}">')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


class Outline(HTMLParser):
    """Fails on a tag that is never closed or closed in the wrong place; collects ids and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.addresses = [], [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.addresses += [values[key] for key in ("href", "src", "xlink:href", "action") if key in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()


def outline(page):
    parser = Outline()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_tags_are_closed_ids_are_unique_and_links_lead_somewhere_on_the_page(page):
    found = outline(page)
    assert len(found.ids) == len(set(found.ids))
    for address in found.addresses:
        assert address.startswith("data:") or address[1:] in found.ids, address
    # References inside of figures: clip paths and markers.
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(found.ids)


def test_the_same_files_give_the_same_page_and_writing_adds_nothing(run, page, tmp_path):
    report.write(
        run.config, run.tables, run.figures, run.claims, reversed(run.rows), tmp_path / "new" / "page.html"
    )
    assert (tmp_path / "new" / "page.html").read_text(encoding="utf-8") == page


def test_the_answer_stands_first_and_its_numbers_are_those_of_the_tables(page):
    assert page.index('id="answer"') < page.index('id="verdicts"') < page.index('id="figures"')
    assert page.index('id="figures"') < page.index('id="tables"') < page.index('id="run"')
    text = said(page, "answer")
    assert "plain RNN (Elman) elman 6.58 [5.98, 7.31]" in text  # ln 10 / 0.35
    assert "Before training, the gradient of plain RNN (Elman) has faded to a tenth 6.6 steps back" in text
    assert "200 (3 of 3 seeds)" in text
    assert "100 (2 of 3 seeds)" in text
    assert "elman 32 units (test accuracy 0.93 [0.91, 0.95])" in text
    assert "of models that only count, five gram 2.31, bigram 3.45" in text
    assert "Of 4 published sentences: 1 reproduced, 1 contradicted, 1 undecided, 1 not run." in text


def test_a_variant_that_solves_no_length_is_named():
    tables = synthetic_tables.build()
    results = tables["test_results"]
    results.loc[(results.metric == "solved") & (results.variant == "gru"), "estimate"] = 0.0
    shown = reach.table(tables)
    learned = [column for column in shown.columns if column.figure == "length_limit"]
    assert [column.bars["gru"] for column in learned] == [reach.Bar("none", 0.0)] * 2
    assert sum("over none of those tried by GRU." in said for said in reach.sentences(shown)) == 2


def test_a_gradient_is_not_told_beyond_the_sequence_and_a_lost_one_not_at_all():
    tables = synthetic_tables.build()
    slopes, results = tables["gradient_slopes"], tables["test_results"]
    tables["gradient_slopes"] = slopes[(slopes.variant != "irnn") | (slopes.stage == "initial")]
    results.loc[results.variant == "irnn", "n_diverged"] = 3
    before, after, *_ = reach.table(tables).columns
    assert before.bars["irnn"] == reach.Bar("more than 200", 1.0)  # 576 by its slope
    assert after.bars["irnn"] == reach.Bar("no seed left: 3 diverged")
    assert "irnn" not in after.values


def test_every_architecture_has_a_name_and_a_variant_says_what_sets_it_apart(run):
    assert set(names.KNOWN) == set(catalog.names("architectures"))
    key = names.key(load("config/config.yaml"))
    assert key["lstm_forget_0"] == "forget bias 0.0"
    assert key["elman_orthogonal"] == "initialisation orthogonal"
    assert "lstm" not in key


def test_a_verdict_is_a_word_a_sign_and_everything_behind_it(page):
    text = said(page, "verdicts")
    for claim in synthetic_run.CLAIMS.itertuples():
        assert f"{report.SIGNS[claim.verdict]} {claim.verdict} {claim.title}" in text
    for part in ("convolution 0.98 [0.97, 0.99] &gt; lstm", "Holds if &lt; 0", "Training 1,000 updates of 64",
                 "Disputes Depends on the receptive field.", "Source A textbook, chapter 9",
                 "reduced: length_steps 64 of 1,000", "full (at the source&#39;s own sizes)"):  # fmt: skip
        assert part in text, part


def test_text_from_files_never_becomes_markup(page):
    assert "<script>document" not in page
    assert "&lt;script&gt;document.title = &#39;broken&#39;&lt;/script&gt; &amp; more" in page
    assert page.count("<script>") == 1


def test_missing_jobs_are_counted_and_named(run, page):
    assert "1 of 32 planned jobs have no rows" in page
    assert "memory.copy_memory.lstm.h64.t200" in page
    assert "31 of 32 jobs" in page
    assert "have no rows" not in build(run, rows_paths=[*run.rows, made_up_last_row(run)])


def made_up_last_row(run):
    """The rows file that `run` lacks."""
    from rnnlimits import rows
    from rnnlimits.planning import grid

    shard = next(shard for shard in grid.shards(run.config) if shard.id == "memory.copy_memory.lstm.h64.t200")
    path = run.tables.parent / "late" / f"{shard.id}.parquet"
    row = shard.row(
        split="test", stage="final", update=1, metric="loss", unit="nats", status="out_of_updates"
    )
    rows.write([row], synthetic_run.provenance(shard), path)
    return path


def test_an_empty_run_says_so_everywhere(tmp_path):
    run = synthetic_run.make(tmp_path, tables=synthetic_tables.empty())
    page = build(run, claims_csv=tmp_path / "no.csv")
    outline(page)
    assert said(page, "answer").count(answer.NOT_MEASURED) == 4
    assert "No claim was judged in this run." in said(page, "verdicts")
    assert "<figure>" not in page
    assert all(figures.page(name).TITLE in said(page, "not-measured") for name in catalog.names("figures"))
    assert "How to read it" not in page
    names = [title for title, _ in (*display.SHORT.values(), *display.LONG.values())]
    assert all(f"{name} : not measured in this run." in said(page, "tables") for name in names)


def test_a_figure_that_needs_it_says_in_a_paragraph_how_to_read_it(page):
    reading = catalog.module("figures", "gradient_laboratory").READING
    assert page.count(f"How to read it: {reading}") == 1


def test_a_figure_that_was_not_drawn_is_missed_by_name(run, tmp_path):
    page = build(run, figures_dir=tmp_path)
    assert page.count("This figure was not drawn in this run.") == len(catalog.names("figures"))
    assert "How much gradient reaches back through time?" in page


def test_how_it_was_run_comes_from_the_rows_and_the_config(page):
    text = said(page, "run")
    assert "python&nbsp;3.11.2" in page
    assert "laptop" in text
    assert "0123456789" in text
    assert "adding_sha256: 0a1b2c" in text
    assert "0.001, 0.003 1,000 × 64 31 of 32 15.5" in text  # learning rates, budget, jobs, minutes
    assert "hidden_sizes: - 32 - 64" in text


def test_results_of_all_architectures_stand_in_one_line():
    table = display.by_variant(synthetic_tables.build().get("test_results").query("primary"))
    assert {"elman", "gru", "irnn", "lstm"} <= set(table.columns)
    assert len(table) == 2 * 4 * 2 + 1  # tasks x lengths x sizes, and the text


def test_architectures_matched_by_parameters_share_a_line_although_their_sizes_differ():
    results = synthetic_tables.build().get("test_results").query("metric == 'solved' and task == 'adding'")
    lstm = results.variant == "lstm"
    matched = results.assign(parameters_target=results.hidden_size.map({32: 5000, 64: 20000}))
    matched.loc[lstm, "hidden_size"] = matched.hidden_size[lstm] // 2
    table = display.by_variant(matched)
    assert sorted(set(table.parameters_target)) == [5000, 20000]
    assert not table[["elman", "lstm"]].isna().any(axis=None)


def test_what_never_changes_is_said_once_and_deviations_are_shown():
    parameters = pd.DataFrame(
        [("s", "t", "gru", "gru", 8, 10, 110, 100, 10.0), ("s", "t", "lstm", "lstm", 6, 10, 95, 100, -5.0)],
        columns=synthetic_tables.COLUMNS["parameters"],
    )
    table = display.shown("parameters", parameters, "Parameters", "Note.")
    assert table.note == "Note. In all lines: study s, task t, T (steps) 10, parameters aimed at 100."
    assert table.headings == ["variant", "units", "parameters", "deviation (%)"]
    assert table.rows == [["gru", "8", "110", "10"], ["lstm", "6", "95", "−5"]]
    assert table.numeric == [False, True, True, True]


def test_a_very_long_table_is_cut_and_says_so():
    many = pd.DataFrame({"seed": range(display.MOST_ROWS + 5), "status": "solved"})
    table = display.shown("replicas", many, "Replicas", "Note.")
    assert len(table.rows) == display.MOST_ROWS
    assert "The first 1,000 of 1,005 lines." in table.note


def test_the_words_of_the_report_mean_what_the_glossary_says():
    template = (catalog.PACKAGE / "analysis" / "templates" / "glossary.html").read_text(encoding="utf-8")
    lines = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", template)
    shown = {word: unescape(re.sub(r"</?code>", "`", said)) for word, said in lines}
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert len(shown) > 10
    assert {word: said for word, said in shown.items() if f"| {word} | {said} |" not in glossary} == {}
