"""How the site is built: `make docs`.  It needs no network, and every warning is a mistake."""

import re
from itertools import groupby
from pathlib import Path

import rnnlimits

ROOT = Path(__file__).parents[1]

project = "rnnlimits"
author = "The rnnlimits authors"
copyright = "the rnnlimits authors"
version = release = rnnlimits.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["pictures.py"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "rnnlimits"
html_show_sphinx = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the source has them; a signature of many long types is hard to read
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # what torch says of its own `forward` helps nobody here

# Pages of the repository that lie outside docs/ are pages of the site, too.
INCLUDED = {"../config/README.md": "config.md", "../CONTRIBUTING.md": "contributing.md"}


def link_inside(app, docname: str, source: list[str]) -> None:
    for outside, page in INCLUDED.items():
        source[0] = source[0].replace(f"]({outside}", f"]({page}")


def plain_docstring(app, what, name, obj, options, lines: list[str]) -> None:
    """Our docstrings are plain text with `code` and indented formulas; Sphinx expects its own markup."""
    written: list[str] = []
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        written += [*_paragraph(paragraph.strip("\n").split("\n")), ""]
    lines[:] = written


def _paragraph(lines: list[str]) -> list[str]:
    """A run of indented lines is shown as it stands; so is a doctest."""
    if lines[0].lstrip().startswith((">>>", "Traceback")):
        return _as_it_stands(lines)
    runs = [(indented, [*run]) for indented, run in groupby(lines, key=lambda line: line.startswith("  "))]
    written = [
        _as_it_stands(run) if indented else _escaped("\n".join(run)).split("\n") for indented, run in runs
    ]
    return [line for part in written for line in part]


def _as_it_stands(lines: list[str]) -> list[str]:
    return ["", "::", "", *(f"    {line}" for line in lines), ""]


def _escaped(text: str) -> str:
    """`code` as Sphinx writes it, also over the end of a line, and every other sign as itself."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"`{one}`" if i % 2 else re.sub(r"([\\*_|`])", r"\\\1", one) for i, one in enumerate(pieces)
    )


def setup(app) -> None:
    app.connect("source-read", link_inside)
    app.connect("autodoc-process-docstring", plain_docstring)
