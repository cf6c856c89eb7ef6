"""Who may import whom: a rule a folder, data flows one way, and no module loads both torch and pandas."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import rnnlimits
from rnnlimits import catalog
from rnnlimits.planning import provenance
from support.without_torch import TORCH, WITHOUT_TORCH

PACKAGE = Path(rnnlimits.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
PANDAS = {"pandas", "seaborn"}
HEAVY = sorted(TORCH | PANDAS | {"matplotlib", "numpy", "scipy", "sklearn"})

# Each folder with those that it may import besides itself, from the ground up; a module beside the folders:
# __init__, contracts and catalog belong to the ground, public and the folder cli to the top.
MAY_IMPORT: dict[str, set[str]] = {
    "storage": set(),
    "rows": {"storage"},
    "planning": {"rows", "storage"},
    "architectures": set(),
    "tasks": set(),
    "probes": {"architectures", "tasks"},
    "simulations": {"tasks"},
    "measure": {"rows", "architectures", "tasks", "probes"},
    "training": {"storage", "rows", "planning", "architectures", "tasks", "probes", "simulations"},
    "execution": {"storage", "rows", "planning", "training"},
    "analysis": {"storage", "rows", "planning"},
}
GROUND = {"__init__", "catalog", "contracts"}
# Each of them calls both sides of the rows, and imports them inside the function that needs them.
TOP = {"cli", "public"}
# Folders whose modules import nothing heavy when they are imported, and those that never do.
LIGHT = ("storage", "rows", "planning", "execution")
WITHOUT_PANDAS = tuple(room for room in MAY_IMPORT if room != "analysis")
MAY_LOAD_TORCH = ("architectures", "tasks", "probes", "measure", "simulations", "training")
CANNOT_CHANGE_A_NUMBER = ("storage", "planning", "execution", "__init__.py", "catalog.py", "cli")


@cache
def imports(file: Path) -> set[str]:
    """Everything that a file imports: at the top, inside a function, or for the type checker only."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import; write the whole name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own(file: Path) -> set[tuple[str, ...]]:
    """What it imports of this package: {("tasks", "base", "Task")}."""
    return {tuple(name.split(".")[1:]) for name in imports(file) if name.startswith("rnnlimits.")}


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def module(file: Path) -> str:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(["rnnlimits", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def places(parts: tuple[str, ...]) -> list[Path]:
    """The file of this package that a name stands for."""
    steps = [PACKAGE.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    files = [candidate for step in steps for candidate in (step.with_suffix(".py"), step / "__init__.py")]
    return [file for file in files if file.is_file()]


@cache
def needed(file: Path) -> frozenset[Path]:
    """What it imports of this package, the faces of folders that are passed on the way left out."""
    return frozenset(found[-1] for parts in own(file) if (found := places(parts))) - {file}


def reached(file: Path) -> set[Path]:
    found, waiting = set(), [file]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += needed(one)
    return found


def loads(file: Path, heavy: set[str]) -> bool:
    """Does it import one of these, itself or through a module of this package?"""
    return any({one.split(".")[0] for one in imports(other)} & heavy for other in reached(file))


def test_every_folder_has_a_rule_and_there_are_few():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders - {"cli"} == set(MAY_IMPORT)
    assert len(folders - {"cli"}) <= 11
    assert {path.stem for path in PACKAGE.glob("*.py")} == GROUND | (TOP - {"cli"})


@pytest.mark.parametrize("file", [file for file in FILES if room(file) in MAY_IMPORT], ids=name)
def test_a_folder_imports_only_what_its_rule_allows(file):
    others = {parts[0] for parts in own(file)} - {room(file)}
    assert others <= MAY_IMPORT[room(file)] | GROUND


@pytest.mark.parametrize("file", [file for file in FILES if room(file) in GROUND], ids=name)
def test_the_ground_imports_nothing_else_of_the_package(file):
    assert {parts[0] for parts in own(file)} <= GROUND


def test_no_two_modules_need_each_other():
    """Nor for the type checker alone: who reads one of a circle has to read them all."""
    for file in FILES:
        circle = {other for one in needed(file) for other in reached(one)} & {file}
        assert not circle, f"{name(file)} needs itself through {sorted(map(name, needed(file)))}"


@pytest.mark.parametrize("file", [file for file in FILES if room(file) not in TOP], ids=name)
def test_no_module_loads_both_torch_and_pandas(file):
    assert not (loads(file, TORCH) and loads(file, PANDAS))


@pytest.mark.parametrize("kind", catalog.NOUNS)
def test_pages_never_import_each_other(kind):
    """What they share is `base`, or a file whose name begins with an underscore."""
    for page in catalog.names(kind):
        file = catalog.path(kind, page)
        siblings = {other.stem for other in needed(file) if other.parent == file.parent}
        assert {one for one in siblings if not one.startswith("_")} <= {catalog.BASE}, file


def heavy_after(*modules: str) -> str:
    program = f"import sys, {', '.join(modules)}; print([name for name in {HEAVY} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("folder", LIGHT)
def test_a_light_folder_loads_nothing_heavy(folder):
    assert heavy_after(*(module(file) for file in FILES if room(file) == folder)).strip() == "[]"


def test_what_planning_reads_of_a_page_loads_nothing_heavy():
    """The catalog executes these imports of a page, and no other of this package."""
    light = [
        file
        for file in FILES
        if f"{module(file)}.".startswith(tuple(f"{part}." for part in catalog.LIGHT_PARTS))
    ]
    assert {"catalog.py", "contracts.py", "tasks/data/text.py"} <= set(map(name, light))
    assert heavy_after(*map(module, light)).strip() == "[]"


def test_the_command_line_and_a_simulation_load_nothing_heavy():
    assert heavy_after("rnnlimits.cli", "rnnlimits.public", "rnnlimits.training.simulation").strip() == "[]"


@pytest.mark.parametrize("file", [file for file in FILES if room(file) not in MAY_LOAD_TORCH], ids=name)
def test_torch_is_loaded_where_numbers_are_made_and_nowhere_else(file):
    if room(file) not in TOP | {"execution"}:  # they start the jobs, and so reach everything
        assert not loads(file, TORCH)


@pytest.mark.parametrize("file", [file for file in FILES if room(file) in WITHOUT_PANDAS], ids=name)
def test_pandas_is_loaded_right_of_the_rows_only(file):
    assert not loads(file, PANDAS)


def test_what_cannot_change_a_number_runs_no_shard_again():
    assert provenance.NEUTRAL == CANNOT_CHANGE_A_NUMBER


def test_everything_right_of_the_rows_works_without_torch():
    modules = ", ".join(module(file) for file in FILES if room(file) == "analysis")
    subprocess.run([sys.executable, "-c", f"{WITHOUT_TORCH}\nimport {modules}"], check=True)
