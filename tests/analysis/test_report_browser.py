"""The page in a real browser: it asks for nothing, shows all, and is read by key, on paper, in the dark."""

import itertools
import re
import shutil
import subprocess

import pytest

from rnnlimits import catalog
from rnnlimits.analysis import report
from support import synthetic_run
from support.browser import CHROMIUM, CONTRASTS, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; Debian: apt-get install chromium")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    run = synthetic_run.make(folder)
    report.write(run.config, run.tables, run.figures, run.claims, run.rows, folder / "report.html")
    return (folder / "report.html").as_uri()


@pytest.fixture
def page(url):
    browser = Browser(url)
    browser.emulate()
    yield browser
    browser.close()


def test_it_asks_for_nothing_and_has_nothing_to_complain_about(page, url):
    requests = [event["params"] for event in page.events if event["method"] == "Network.requestWillBeSent"]
    asked = [request["request"]["url"] for request in requests]
    assert [address for address in asked if not address.startswith("data:")] == [url]
    complaints = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
    assert [event for event in page.events if event["method"] in complaints] == []
    assert page.run("document.title") == "What can a recurrent network learn to remember? Run demonstration"


def test_every_figure_is_rendered_with_its_text(page):
    shown = page.run(
        """[...document.querySelectorAll("figure svg")].map(svg => {
             const box = svg.getBoundingClientRect();
             const texts = svg.querySelectorAll("text").length;
             return [svg.id, box.width, box.height, texts, svg.getAttribute("aria-label")];
        })"""
    )
    assert len(shown) == len(catalog.names("figures"))
    for name, width, height, texts, label in shown:
        assert width > 500, name
        assert height > 100, name
        assert texts > 10, name
        assert label.endswith("?")


def test_headings_form_an_outline_and_sections_are_landmarks(page):
    levels = page.run("""[...document.querySelectorAll("h1,h2,h3,h4")].map(h => +h.tagName[1])""")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.run("""["header","nav","main","footer"].every(tag => document.querySelector(tag))""")
    named = (
        """part.getAttribute("aria-label") || document.getElementById(part.getAttribute("aria-labelledby"))"""
    )
    assert page.run(f"""[...document.querySelectorAll("section,nav,[role=region]")].every(part => {named})""")


def test_tables_have_captions_and_scopes(page):
    captions = page.run("""[...document.querySelectorAll("table")].map(t => t.caption?.textContent.trim())""")
    assert len(captions) > 8
    assert all(captions)
    assert page.run("""document.querySelectorAll("th:not([scope])").length""") == 0


@pytest.mark.parametrize("width", [400, 800, 1200])
def test_nothing_but_tables_and_figures_scrolls_sideways(page, width):
    page.emulate(width=width)
    page.run("""document.querySelectorAll("details").forEach(d => d.open = true)""")
    assert page.run("document.documentElement.scrollWidth") <= width
    # What is too wide can be scrolled inside its frame, and the frame can be reached by key.
    frames = """[...document.querySelectorAll("body *")].filter(e => e.scrollWidth > e.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(e).overflowX))"""
    assert page.run(f"{frames}.every(frame => frame.tabIndex === 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_light_and_dark_and_figures_keep_a_light_ground(page, scheme):
    page.emulate(scheme=scheme)
    red = int(re.findall(r"[0-9]+", page.run("getComputedStyle(document.body).backgroundColor"))[0])
    assert (red < 60) if scheme == "dark" else (red > 240)
    measured = page.run(f"{CONTRASTS}('p, h2, a:not(.skip), caption, figcaption, summary, .badge, td')")
    assert len(measured) > 50
    assert min(measured) >= 4.5
    cards = page.run(
        """[...document.querySelectorAll(".card")].map(c => getComputedStyle(c).backgroundColor)"""
    )
    assert set(cards) == {"rgb(255, 255, 255)"}


def test_the_tab_key_reaches_the_skip_link_first_and_every_fold(page):
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
    outlined = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
    assert page.run(outlined)
    reached = 0
    for _ in range(150):
        page.press("Tab")
        if page.run("document.activeElement.tagName") == "SUMMARY":
            assert page.run(outlined)
            page.press("Enter")
            assert page.run("document.activeElement.parentElement.open")
            page.press("Enter")
            reached += 1
        if page.run("document.activeElement === document.body"):
            break
    assert reached == page.run("""document.querySelectorAll("summary").length""") >= 5


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext; Debian: poppler-utils")
def test_on_paper_the_folds_are_open(page, tmp_path):
    (tmp_path / "report.pdf").write_bytes(page.pdf())
    command = ["pdftotext", "-layout", str(tmp_path / "report.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for claim in synthetic_run.CLAIMS.itertuples():
        assert claim.verdict in text
        assert " ".join(claim.measured.split()[:3]) in text
    assert "Which hidden size does cross-validation choose?" in text
    assert "learning_rates:" in text  # the config
    assert page.run("""document.querySelectorAll("details[open]").length""") == 0
