"""Pages are found by their file, and their options are known without importing them."""

import dataclasses
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from rnnlimits import catalog
from rnnlimits.planning.config.fields import Option
from rnnlimits.planning.config.fields import fields as option_fields

OPTIONED = ["architectures", "tasks", "probes", "simulations"]
PAGES = [(kind, name) for kind in OPTIONED for name in catalog.names(kind)]

PAGE = '''
"""y = x      nobody (2026)."""
from __future__ import annotations
from dataclasses import dataclass
from typing import Literal
from rnnlimits.contracts import TaskOptions
import a_module_that_is_not_there

WORDS = ("ä", "b")
EXPENSIVE = a_module_that_is_not_there.compute()

@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    word: Literal["ä", "b"] = "ä"  # ü is allowed in comments
    sizes: tuple[int, ...] = (1, 2)

    def first(self):
        return WORDS[0]

class Page:
    def fold(self): ...
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An empty package folder in place of the real one."""
    (tmp_path / "tasks").mkdir()
    monkeypatch.setattr(catalog, "PACKAGE", tmp_path)
    catalog.options.cache_clear()
    yield tmp_path
    catalog.options.cache_clear()


@pytest.mark.parametrize(("kind", "name"), PAGES)
def test_options_read_from_the_source_are_those_of_the_imported_page(kind, name):
    pytest.importorskip("torch")
    read, imported = catalog.options(kind, name), catalog.module(kind, name).Options
    assert dataclasses.asdict(read()) == dataclasses.asdict(imported())
    assert typing.get_type_hints(read) == typing.get_type_hints(imported)


@pytest.mark.parametrize(("kind", "name"), PAGES)
def test_options_are_frozen_keyword_only_and_complete_with_defaults(kind, name):
    options = catalog.options(kind, name)
    assert options.__dataclass_params__.frozen
    assert all(
        field.kw_only and field.default is not dataclasses.MISSING for field in dataclasses.fields(options)
    )


@pytest.mark.parametrize(("kind", "name"), PAGES)
def test_every_page_begins_with_what_it_is(kind, name):
    assert len(catalog.summary(kind, name)) > 10


@pytest.mark.parametrize("kind", ["architectures", "tasks"])
def test_a_page_defines_one_class_of_its_kind(kind):
    pytest.importorskip("torch")
    for name in catalog.names(kind):
        assert catalog.page_class(kind, name).__module__ == f"rnnlimits.{kind}.{name}"


def test_all_options_are_read_without_torch():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from rnnlimits import catalog\n"
        f"for kind, name in {PAGES}: catalog.options(kind, name)()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_new_file_is_a_new_page(package):
    (package / "tasks" / "echo.py").write_text(PAGE, encoding="utf-8")
    (package / "tasks" / "base.py").write_text("")
    assert catalog.names("tasks") == ["echo"]
    assert catalog.summary("tasks", "echo") == "y = x      nobody (2026)."
    assert catalog.methods("tasks", "echo") == {"first", "fold"}


def test_only_the_light_lines_of_a_page_are_executed(package):
    (package / "tasks" / "echo.py").write_text(PAGE, encoding="utf-8")
    assert catalog.options("tasks", "echo")().first() == "ä"


def test_what_planning_reads_of_a_class_may_stand_in_the_family_that_it_builds_on():
    pytest.importorskip("torch")
    for kind, facts in {"tasks": ["reads_last"], "architectures": ["kernel", "trained_matrix"]}.items():
        for name in catalog.names(kind):
            page = catalog.page_class(kind, name)
            assert {fact: catalog.constant(kind, name, fact) for fact in facts} == {
                fact: getattr(page, fact) for fact in facts
            }, name


def test_options_are_listed_with_choices_and_comments(package):
    (package / "tasks" / "echo.py").write_text(PAGE, encoding="utf-8")
    assert option_fields("tasks", "echo") == [
        Option("word", "ä", ("ä", "b"), "ü is allowed in comments"),
        Option("sizes", (1, 2), (), ""),
    ]


def test_lists_become_the_tuples_that_options_are_made_of(package):
    (package / "tasks" / "echo.py").write_text(PAGE, encoding="utf-8")
    assert catalog.make(catalog.options("tasks", "echo"), {"sizes": [3, 4]}).sizes == (3, 4)


def test_a_page_without_options_is_named(package):
    (package / "tasks" / "bare.py").write_text("'''Nothing.'''\n")
    with pytest.raises(ValueError, match=r"bare\.py: no class Options; add one"):
        catalog.options("tasks", "bare")


def test_options_that_say_nothing_to_planning_are_told_what_to_write(package):
    page = PAGE.replace("class Options(TaskOptions)", "class Options")
    (package / "tasks" / "dumb.py").write_text(page, encoding="utf-8")
    with pytest.raises(
        ValueError,
        match=r"dumb\.py: .* write `class Options\(TaskOptions\)`, with `from rnnlimits.contr",
    ):
        catalog.options("tasks", "dumb")


def test_options_that_need_what_planning_cannot_see_are_named(package):
    page = PAGE.replace("WORDS[0]", "0").replace("= (1, 2)", "= tuple(EXPENSIVE)")
    (package / "tasks" / "dear.py").write_text(page, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"dear\.py: class Options uses 'EXPENSIVE', which planning cannot see"
    ):
        catalog.options("tasks", "dear")


def test_a_misspelt_page_is_told_its_neighbour():
    with pytest.raises(LookupError, match=r"no architecture 'elmn'; did you mean 'elman'\? \(known: .*elman"):
        catalog.path("architectures", "elmn")


def test_a_page_unlike_any_other_is_told_which_file_to_add():
    with pytest.raises(
        LookupError, match=r"no task 'xyz'; add src/rnnlimits/tasks/xyz\.py or take a known one"
    ):
        catalog.path("tasks", "xyz")


def test_the_catalog_follows_a_copy_of_the_package(tmp_path):
    """Each copy of the package finds its own pages: nothing is registered anywhere else."""
    copy = tmp_path / "rnnlimits"
    shutil.copytree(Path(catalog.PACKAGE), copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tasks" / "echo.py").write_text(PAGE, encoding="utf-8")
    program = "from rnnlimits import catalog; print('echo' in catalog.names('tasks'))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
