"""The verdict page in a real browser: it asks for nothing, all can be read, links lead to their claims."""

import pytest

from rnnlimits.analysis import verdicts
from support import synthetic_verdicts
from support.browser import CHROMIUM, CONTRASTS, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; Debian: apt-get install chromium")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verdicts")
    made = synthetic_verdicts.make(folder)
    verdicts.write(made.config, made.claims, made.details, folder / "figures", folder / "verdicts.html")
    return (folder / "verdicts.html").as_uri()


@pytest.fixture
def page(url):
    browser = Browser(url)
    browser.emulate(width=800)
    yield browser
    browser.close()


def test_it_asks_for_nothing_and_has_nothing_to_complain_about(page, url):
    requests = [event["params"] for event in page.events if event["method"] == "Network.requestWillBeSent"]
    asked = [request["request"]["url"] for request in requests]
    assert [address for address in asked if not address.startswith("data:")] == [url]
    complaints = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
    assert [event for event in page.events if event["method"] in complaints] == []
    assert page.run("document.title").endswith("Run demonstration")


@pytest.mark.parametrize("width", [400, 800, 1200])
def test_nothing_but_tables_and_figures_scrolls_sideways(page, width):
    page.emulate(width=width)
    page.run("""document.querySelectorAll("details").forEach(d => d.open = true)""")
    assert page.run("document.documentElement.scrollWidth") <= width
    frames = """[...document.querySelectorAll("body *")].filter(e => e.scrollWidth > e.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(e).overflowX))"""
    assert page.run(f"{frames}.every(frame => frame.tabIndex === 0)")


def test_at_800_pixels_figures_need_no_scrolling_and_cut_off_no_text(page):
    shown = page.run(
        """[...document.querySelectorAll("figure svg")].map(svg => {
             const frame = svg.getBoundingClientRect();
             const card = svg.parentElement;
             const out = [...svg.querySelectorAll("text")].filter(text => {
               const box = text.getBoundingClientRect();
               return box.left < frame.left - 2 || box.right > frame.right + 2;
             });
             return [svg.id, card.scrollWidth - card.clientWidth, out.map(text => text.textContent)];
        })"""
    )
    assert len(shown) == 4
    for name, hidden, out in shown:
        assert hidden <= 1, name
        assert out == [], name


def test_each_claim_in_the_table_leads_to_its_section(page):
    links = page.run("""[...document.querySelectorAll("table.all a")].map(a => a.getAttribute("href"))""")
    assert len(links) == len(synthetic_verdicts.CLAIMS)
    for link in links:
        assert page.run(f"""document.querySelector("{link}").tagName""") == "H2"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_light_and_dark(page, scheme):
    page.emulate(scheme=scheme)
    measured = page.run(f"{CONTRASTS}('p, h2, dd, a:not(.skip), caption, figcaption, summary, .badge, td')")
    assert len(measured) > 50
    assert min(measured) >= 4.5
