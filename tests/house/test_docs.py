"""The documentation: the site builds without a warning, without a network, and says what there is."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from rnnlimits import catalog
from support.recipes import headings
from support.repository_copy import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
MARKDOWN = [*sorted(ROOT.glob("*.md")), ROOT / "config" / "README.md", *PAGES]
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    missing = [name for name in ("sphinx", "furo", "myst_parser") if not find_spec(name)]
    if missing:
        pytest.skip(f"the extra `docs` is not installed: {', '.join(missing)}")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    places = ["--doctree-dir", str(out / "read"), str(DOCS), str(out / "html")]
    done = subprocess.run([*command, *places], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_the_site_has_every_page(site):
    assert {page.stem for page in PAGES} <= {page.stem for page in site.glob("*.html")}


def test_the_site_loads_nothing_from_elsewhere(site):
    """A link may lead away; a font, a style, a script or a picture may not."""
    for page in site.glob("*.html"):
        loaded = re.findall(r'<(?:script|img|source|iframe)[^>]*\bsrc="([^"]+)', page.read_text())
        loaded += re.findall(
            r'<link[^>]*rel="(?:stylesheet|preload|icon)"[^>]*href="([^"]+)', page.read_text()
        )
        assert [url for url in loaded if "//" in url] == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text()), style.name


def test_the_reference_says_what_the_bases_say(site):
    reference = (site / "api.html").read_text()
    for name in ("architectures.base.Recurrent.step", "tasks.base.Task.solved", "probes.base.Measurement"):
        assert f'id="rnnlimits.{name}"' in reference


@pytest.mark.parametrize("file", MARKDOWN, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_link_to_a_file_leads_to_one(file):
    """As a reader of the repository follows it, outside the site."""
    for target in LINK.findall(file.read_text(encoding="utf-8")):
        path = target.partition("#")[0]
        if path and not target.startswith(("http:", "https:", "mailto:")):
            assert (file.parent / path).exists(), target


def test_contributing_names_every_recipe():
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    anchors = {heading.lower().replace(" ", "-") for heading in headings()[1:]}
    assert set(re.findall(r"docs/recipes\.md#([\w-]+)", contributing)) == anchors


def test_every_probe_is_explained_with_a_picture():
    concepts = (DOCS / "concepts.md").read_text(encoding="utf-8")
    assert [name for name in catalog.names("probes") if f"`{name}`" not in concepts] == []
    shown = set(re.findall(r"\(pictures/(\w+)\.svg\)", concepts))
    assert shown == {picture.stem for picture in (DOCS / "pictures").glob("*.svg")}


def test_the_pictures_are_those_that_their_script_draws(tmp_path):
    draw = "import pathlib, sys; sys.path.insert(0, sys.argv[1]); import pictures; "
    draw += "pictures.write(pathlib.Path(sys.argv[2]))"
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        subprocess.run([sys.executable, "-c", draw, str(DOCS), str(tmp_path / place)], check=True)
    drawn = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}
    assert drawn == {file.name: file.read_bytes() for file in (tmp_path / "two").iterdir()}
    assert set(drawn) == {file.name for file in (DOCS / "pictures").iterdir()}


def test_the_glossary_gives_a_word_one_meaning():
    words = re.findall(r"^\| ([^|]+) \|", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    terms = [word for word in words if word != "word" and not word.startswith("---")]
    assert len(terms) > 40
    assert len(terms) == len(set(terms))
