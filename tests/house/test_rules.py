"""The rules of CONTRIBUTING.md: how long a function, a page and a file may be, and what stands in none."""

import ast
import re
from pathlib import Path

import pytest

from rnnlimits import catalog
from support.repository_copy import ROOT

SOURCES = sorted((ROOT / "src").rglob("*.py"))
FUNCTION_LINES = 40
FILE_LINES = 250
PAGE_LINES = {"architectures": 80, "tasks": 100}  # beside the imports
# Elman's page holds its four starts, which papers compare under its name.
LONGER_PAGES = {("architectures", "elman"): 100}


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def functions(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [node for node in tree if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def imports(file: Path) -> int:
    found = ast.parse(file.read_text(encoding="utf-8")).body
    statements = [node for node in found if isinstance(node, ast.Import | ast.ImportFrom)]
    return sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in statements)


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to its last line; decorators say something about it, and are no part of it."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


@pytest.mark.parametrize("file", SOURCES, ids=name)
def test_a_function_has_forty_lines_at_most(file):
    assert [(one.name, length(one)) for one in functions(file) if length(one) > FUNCTION_LINES] == []


@pytest.mark.parametrize("file", SOURCES, ids=name)
def test_a_file_has_two_hundred_and_fifty_lines_at_most(file):
    assert lines(file) <= FILE_LINES


@pytest.mark.parametrize("kind", PAGE_LINES)
def test_a_page_can_be_read_at_once(kind):
    limits = {page: LONGER_PAGES.get((kind, page), PAGE_LINES[kind]) for page in catalog.names(kind)}
    counted = {page: lines(file) - imports(file) for page in limits for file in [catalog.path(kind, page)]}
    assert {page: count for page, count in counted.items() if count > limits[page]} == {}


@pytest.mark.parametrize("file", SOURCES, ids=name)
def test_a_file_says_what_it_is_and_holds_no_banner_and_no_open_end(file):
    text = file.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert not re.search(r"#\s*(-{4,}|={4,}|\*{4,})|\b(TODO|FIXME|XXX)\b", text)
