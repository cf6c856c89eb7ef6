"""The same attacks through Snakemake: what is refused starts no job, what is allowed is harmless."""

import html
import re

import pytest
import yaml

from support.browser import CHROMIUM, Browser
from support.repository_copy import Copy, fresh

# One worker makes the one run that these tests look at.
pytestmark = pytest.mark.xdist_group("hostile run")

NASTY = "a b;'$(touch PWNED)`touch PWNED`\"&*?[a]<>|"
MARKUP = (
    "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\"></td></style>"
)
TITLE = f"{MARKUP} =cmd() $\\frac$ {{{{ 7 * 7 }}}} \u202egnp"
STUDY = {"title": TITLE, "kind": "simulation", "simulations": {"curse_of_memory": {}}, "seeds": 2}
CONFIG = {"name": "test", "results": "results/test", "studies": {"study": STUDY}}
CLAIM = {
    "id": "an_id",
    "title": "<script>document.title='broken'</script>",
    "says": TITLE,
    "disputes": MARKUP,
    "source": {"key": "<i>Nobody</i> (1900)", "place": MARKUP},
    "type": "theory",
    "parts": [
        {"check": "at_least", "bound": 0, "study": "study", "where": {"metric": "variance_over_theory"}}
    ],
}
CLAIMS = {"sources": {"<i>Nobody</i> (1900)": MARKUP}, "claims": [CLAIM]}


def files(copy: Copy) -> dict[str, bytes]:
    """Everything but Snakemake's own notes and bytecode."""
    found = copy.files("**/*")
    return {name: found[name] for name in found if not re.search(r"(^|/)(\.snakemake|__pycache__)/", name)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of a config whose texts and paths are all meant to break something."""
    copy = fresh(tmp_path_factory.mktemp("hostile"))
    folder = copy.folder / NASTY
    folder.mkdir()
    config = CONFIG | {"claims": f"{NASTY}.yaml", "too_few_seeds": "undecided", "data": f"../{NASTY}"}
    (folder / "-config.yaml").write_text(yaml.safe_dump(config))
    (folder / f"{NASTY}.yaml").write_text(yaml.safe_dump(CLAIMS))
    copy.before = files(copy)
    copy.snakemake("--configfile", f"{NASTY}/-config.yaml")
    copy.printed = copy.snakemake_log
    return copy


def test_nothing_reaches_a_shell_and_nothing_is_written_outside_of_the_results(run):
    after = files(run)
    new = {name for name in after if run.before.get(name) != after[name]}
    assert "results/test/report.html" in new
    assert {name for name in new if not name.startswith("results/test/")} == set()
    assert run.before.keys() <= after.keys()


def test_markup_in_titles_and_claims_is_text_in_the_page(run):
    page = (run.folder / "results/test/report.html").read_text(encoding="utf-8")
    assert html.escape(MARKUP).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "<i>Nobody" not in page
    assert "{{ 7 * 7 }}" in page


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_browser_runs_nothing_of_it(run):
    browser = Browser((run.folder / "results/test/report.html").as_uri())
    try:
        assert browser.run("document.title").startswith("What can a recurrent network")
        assert browser.run("document.querySelectorAll('img, script').length") == 1
        assert TITLE.partition(" =")[0] in browser.run("document.body.textContent")
        assert [event for event in browser.events if event["method"] == "Runtime.exceptionThrown"] == []
    finally:
        browser.close()


REFUSED = [
    (
        "c.yaml",
        CONFIG | {"results": "results/$(touch PWNED)"},
        "c.yaml: results: got 'results/$(touch PWNED)'; ",
    ),
    (
        "c.yaml",
        CONFIG | {"results": "results/{shard}"},
        "c.yaml: results: got 'results/{shard}'; expected letters",
    ),
    (
        "c.yaml",
        CONFIG | {"claims": "{x}.yaml"},
        "c.yaml: claims: got '{x}.yaml'; expected a path without '{'",
    ),
    ("{x}.yaml", CONFIG, "--config: got '{x}.yaml'; expected a path without '{'"),
    (
        "c.yaml",
        CONFIG | {"studies": {"a;b": STUDY}},
        "c.yaml: studies.a;b: got 'a;b'; expected lower-case letters",
    ),
]


@pytest.mark.parametrize(("name", "config", "said"), REFUSED)
def test_what_is_refused_is_one_line_and_starts_no_job(tmp_path, name, config, said):
    copy = fresh(tmp_path)
    (tmp_path / name).write_text(yaml.safe_dump(config))
    before = files(copy)
    done = copy.snakemake("--configfile", name, check=False)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith(said)]
    assert "Traceback" not in done.stdout
    assert files(copy) == before
