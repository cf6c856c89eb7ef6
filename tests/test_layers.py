"""Who may import whom: data flows one way, and no module loads both torch and pandas."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import rnnlimits

PACKAGE = Path(rnnlimits.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
TORCH = {"torch", "lightning"}
PANDAS = {"pandas", "seaborn"}
LIGHT = [
    "catalog",
    "claim_form",
    "claim_plan",
    "claim_shards",
    "cli",
    "config",
    "duration",
    "downloads",
    "feasibility",
    "gpu_slots",
    "grid",
    "integrity",
    "job",
    "locks",
    "mistakes",
    "out_of_memory",
    "pipeline",
    "path_rules",
    "plain_yaml",
    "plan_table",
    "planned_rows",
]
LIGHT += [
    "machine",
    "memory",
    "pages",
    "prefork",
    "prefork_server",
    "provenance",
    "rows",
    "run_lock",
    "selection",
    "shard_form",
    "simulate",
    "whole_files",
]

# A line for each part: what it may import besides itself. A new part is a decision, so it needs a new line.
MAY_IMPORT = {
    "__init__": set(),
    # Reading and planning.
    "mistakes": set(),
    "plain_yaml": {"mistakes"},
    "path_rules": {"mistakes"},
    "whole_files": set(),
    "locks": {"whole_files"},
    "run_lock": {"locks"},
    "integrity": set(),
    "rows": {"integrity", "locks", "whole_files"},
    "catalog": set(),
    "selection": set(),
    "downloads": set(),
    "datasets": {"downloads"},
    "grid": {"catalog", "rows"},
    "machine": set(),
    "memory": {"catalog", "grid"},
    "duration": {"catalog", "grid", "memory"},
    "claim_form": {"mistakes"},
    "claim_plan": {"catalog", "grid", "mistakes", "rows"},
    "claim_shards": {"grid"},
    "feasibility": {"catalog", "grid", "mistakes"},
    "pages": {"catalog", "mistakes"},
    "config": {
        "claim_form", "claim_plan", "feasibility", "grid", "mistakes", "pages", "path_rules", "plain_yaml",
    },
    "provenance": {"catalog", "grid"},
    "shard_form": {"catalog", "config", "feasibility", "grid", "mistakes", "pages", "rows"},
    "out_of_memory": {"grid", "machine", "memory"},
    "plan_table": {"config", "duration", "grid", "memory"},
    "planned_rows": {"grid", "integrity", "provenance", "rows"},
    "pipeline": {
        "catalog", "claim_shards", "config", "duration", "gpu_slots", "grid", "memory", "plain_yaml",
        "plan_table", "run_lock",
    },
    "prefork": set(),
    "prefork_server": {"catalog", "prefork", "provenance"},
    # Left of the rows.
    "kernels": set(),
    "architectures": {"catalog", "kernels"},
    "marked_pairs": set(),
    "mnist": {"datasets", "downloads"},
    "tasks": {"datasets", "marked_pairs", "mnist"},
    "simulations": {"datasets"},
    "model": {"architectures", "catalog", "grid", "tasks"},
    "probes": {"architectures", "model", "tasks"},
    "replicas": {"model", "tasks"},
    "evaluation": {"replicas", "tasks"},
    "schedules": set(),
    "norm_regulariser": set(),
    "graphs": set(),
    "gpu": {"architectures", "graphs", "kernels"},
    "gpu_slots": {"prefork"},
    "streams": {"tasks"},
    "checkpoints": {"whole_files"},
    "fitting": {
        "checkpoints", "evaluation", "graphs", "norm_regulariser", "replicas", "schedules", "streams",
        "tasks",
    },
    "trainer": {"fitting"},
    "simulate": {"catalog", "grid", "provenance", "rows"},
    "groups": {
        "checkpoints", "evaluation", "fitting", "grid", "machine", "memory", "model", "replicas", "tasks",
        "trainer",
    },
    "training": {
        "catalog", "checkpoints", "fitting", "gpu", "grid", "groups", "kernels", "machine", "memory", "model",
        "provenance", "replicas", "rows", "selection", "tasks",
    },
    "job": {
        "gpu_slots", "grid", "integrity", "out_of_memory", "planned_rows", "prefork", "rows", "simulate",
        "training",
    },
    # Right of the rows.
    "statistics": set(),
    "tables": {"rows", "selection", "statistics", "whole_files"},
    "claims": {"claim_form", "config", "grid", "mistakes", "plain_yaml", "statistics", "tables"},
    "figures": {"catalog", "whole_files"},
    "report": {"catalog", "config", "figures", "grid", "rows", "whole_files"},
    "verdicts": {
        "claim_form", "claim_shards", "config", "figures", "grid", "plain_yaml", "plan_table", "report",
        "statistics", "whole_files",
    },
    "explain": {
        "catalog", "claim_form", "claims", "config", "figures", "grid", "provenance", "rows", "tables",
    },
}  # fmt: skip

# A machine on which torch is not installed.
WITHOUT_TORCH = f"""
import sys
class Missing:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in {TORCH}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing)
"""


@cache
def imports(file: Path) -> set[str]:
    """Everything that a file imports, at the top or inside a function, but not for the type checker only."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import; write the whole name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own(file: Path) -> set[tuple[str, ...]]:
    """What it imports of this package: {("tasks", "base", "Task")}."""
    return {tuple(name.split(".")[1:]) for name in imports(file) if name.startswith("rnnlimits.")}


def part(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def loads(file: Path, heavy: set[str], seen: frozenset[Path] = frozenset()) -> bool:
    """Does it import one of these, itself or through a module of this package?"""
    if {one.split(".")[0] for one in imports(file)} & heavy:
        return True
    reached = {candidate for parts in own(file) for candidate in places(parts)} - seen
    return any(loads(other, heavy, seen | {file} | reached) for other in reached)


def places(parts: tuple[str, ...]) -> list[Path]:
    steps = [PACKAGE.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    files = [candidate for step in steps for candidate in (step.with_suffix(".py"), step / "__init__.py")]
    return [file for file in files if file.is_file()]


@pytest.mark.parametrize("file", [file for file in FILES if part(file) != "cli"], ids=name)
def test_a_part_imports_only_what_its_line_allows(file):
    others = {parts[0] for parts in own(file)} - {part(file)}
    assert others <= MAY_IMPORT[part(file)]


@pytest.mark.parametrize("file", [file for file in FILES if part(file) != "cli"], ids=name)
def test_no_module_loads_both_torch_and_pandas(file):
    assert not (loads(file, TORCH) and loads(file, PANDAS))


@pytest.mark.parametrize("kind", ["architectures", "tasks", "probes", "simulations", "figures"])
def test_pages_never_import_each_other(kind):
    shared = {"base", "depth", "style"}
    for file in (PACKAGE / kind).glob("*.py"):
        if file.stem not in {"__init__", *shared}:
            siblings = {parts[1] for parts in own(file) if parts[0] == kind}
            assert siblings <= shared, file


@pytest.mark.parametrize("module", LIGHT)
def test_planning_never_loads_torch_or_pandas(module):
    heavy = sorted(TORCH | PANDAS | {"matplotlib", "numpy", "scipy", "sklearn"})
    program = f"import sys, rnnlimits.{module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_right_of_the_rows_works_without_torch():
    right = [
        one for one in ("tables", "claims", "figures", "report", "verdicts", "explain") if places((one,))
    ]
    figures = [f"figures.{file.stem}" for file in (PACKAGE / "figures").glob("[!_]*.py")]
    modules = ", ".join(f"rnnlimits.{one}" for one in [*right, *figures])
    subprocess.run([sys.executable, "-c", f"{WITHOUT_TORCH}\nimport {modules}"], check=True)


def test_the_lines_name_parts_that_exist():
    parts = {part(file) for file in FILES} - {"cli"}
    assert parts <= set(MAY_IMPORT)
    assert {other for allowed in MAY_IMPORT.values() for other in allowed} <= set(MAY_IMPORT)
