"""The public names: few, typed, and imported when they are used."""

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rnnlimits
from rnnlimits import public
from rnnlimits.rows import COLUMNS
from support.repository_copy import ROOT

# Torch's layers are no part of it, so that this runs where there is no torch.
STUB = (Path(rnnlimits.__file__).parent / "__init__.pyi").read_text(encoding="utf-8")


def test_the_names_are_those_that_type_checkers_are_told():
    told = [line.split()[-1] for line in STUB.splitlines() if " import " in line]
    assert sorted(told) == rnnlimits.__all__
    assert set(rnnlimits.__all__) <= set(dir(rnnlimits))


def test_every_name_is_in_the_reference_with_a_case_that_is_run():
    researcher = (ROOT / "docs" / "researcher.md").read_text(encoding="utf-8")
    for name in rnnlimits.__all__:
        assert inspect.getdoc(getattr(rnnlimits, name)), name
        assert f"rnnlimits.{name}(" in researcher, name
    assert "rnnlimits.public" in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_an_installation_says_that_it_is_typed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["package-data"]["rnnlimits"] == ["py.typed", "*.pyi"]
    assert (ROOT / "src" / "rnnlimits" / "py.typed").exists()


def test_another_name_is_refused_with_the_names_that_there_are():
    with pytest.raises(
        AttributeError, match="has no attribute 'gradient_rich'; public are compare, gradient"
    ):
        rnnlimits.gradient_rich  # noqa: B018


def test_a_name_loads_nothing_heavy_before_it_is_called():
    program = (
        "import sys, rnnlimits; [getattr(rnnlimits, name) for name in rnnlimits.__all__]; "
        "print({'torch', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_functions_for_torch_say_what_they_take_alike():
    """A keyword has one meaning and one default in all of them."""
    seen: dict[str, object] = {}
    for name in set(rnnlimits.__all__) - {"compare"}:
        for parameter in inspect.signature(getattr(public, name)).parameters.values():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                assert seen.setdefault(parameter.name, parameter.default) == parameter.default, parameter.name
    assert {"state", "batch_first", "name"} <= set(seen)


def test_a_table_has_the_columns_and_types_of_an_archive():
    torch = pytest.importorskip("torch")
    from rnnlimits.analysis import tables

    table = rnnlimits.gradient_reach(torch.nn.GRU(2, 3, batch_first=True), torch.randn(2, 6, 2))
    archived = tables.read([ROOT / "results" / "archive" / "laptop" / "rows.parquet"])
    assert tuple(table.columns) == COLUMNS
    assert table.dtypes.to_dict() == archived.dtypes.to_dict()
    assert set(table.metric) <= set(archived.metric)
    assert set(table.parameters) == {3 * 3 * (2 + 3 + 2)}
