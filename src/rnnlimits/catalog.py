"""Finds the pages by name: a file in architectures/, tasks/, probes/, simulations/ or figures/ is one page.

Planning must know every page's options, but must not pay seconds for importing torch.  So a page's `Options`
is read without importing the page: its source is parsed, and only three things in it are executed: imports of
a few light modules, module-level `NAME = literal` lines, and `class Options`.  What `Options` uses must be
among them.

>>> "copy_memory" in names("tasks")
True
>>> pick("lstn", ["gru", "lstm"], noun="architecture")
Traceback (most recent call last):
LookupError: no architecture 'lstn'; did you mean 'lstm'? (known: gru, lstm)
"""

import ast
import difflib
import functools
import importlib
import sys
import types
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rnnlimits import contracts

PACKAGE = Path(__file__).parent
NOUNS = {
    "architectures": "architecture",
    "tasks": "task",
    "probes": "probe",
    "simulations": "simulation",
    "figures": "figure",
    "checks": "check",
}
FOLDERS = {folder: folder for folder in NOUNS} | {
    "figures": "analysis/figures",
    "checks": "analysis/claims/checks",
}
BASE = "base"  # what the pages of a folder share; more of it is in files whose names begin with an underscore
LIGHT_MODULES = ("__future__", "dataclasses", "typing", "math", "string")
LIGHT_PARTS = ("rnnlimits.catalog", "rnnlimits.contracts", "rnnlimits.tasks.data")  # with all in them


def names(folder: str) -> list[str]:
    """Every page of a folder, sorted."""
    found = (path.stem for path in (PACKAGE / FOLDERS[folder]).glob("[!_]*.py"))
    return sorted(name for name in found if name != BASE)


def tables() -> list[str]:
    """Every table, sorted: a function of analysis/tables that is decorated with what it is `made_of...`.

    >>> {"replicas", "test_results", "timings"} <= set(tables())
    True
    """
    return sorted(
        node.name
        for file in (PACKAGE / "analysis" / "tables").glob("[!_]*.py")
        for node in tree(file).body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(decorator).startswith("made_of") for decorator in node.decorator_list)
    )


def pick(name: str, known: Collection[str], noun: str, otherwise: str = "") -> str:
    """`name`, or an error that says what was meant and what there is."""
    if name in known:
        return name
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else otherwise or "take a known one"
    came = repr(name) if len(repr(name)) <= 60 else f"{repr(name)[:57]}..."
    raise LookupError(f"no {noun} {came}; {hint} (known: {', '.join(sorted(known))})")


def path(folder: str, name: str) -> Path:
    """The file of a page."""
    # A name that could be none of a module's is no page that somebody forgot to write.
    could_be = str(name).isidentifier() and len(str(name)) < 40
    new_file = f"add src/rnnlimits/{FOLDERS[folder]}/{name}.py or take a known one" if could_be else ""
    return PACKAGE / FOLDERS[folder] / f"{pick(name, names(folder), NOUNS[folder], otherwise=new_file)}.py"


@functools.cache
def tree(file: Path) -> ast.Module:
    """The syntax tree of a file; nobody changes it."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def summary(folder: str, name: str) -> str:
    """The first line of the page's docstring: its equation or its example."""
    return (ast.get_docstring(tree(path(folder, name))) or "").partition("\n")[0]


def methods(folder: str, name: str) -> set[str]:
    """The functions that the page's classes define: `fold` is there where a task can be cross-validated."""
    classes = [node for node in tree(path(folder, name)).body if isinstance(node, ast.ClassDef)]
    return {node.name for cls in classes for node in cls.body if isinstance(node, ast.FunctionDef)}


def has_recurrence(name: str) -> bool:
    """Does this architecture have a state that one step hands on to the next, of a fixed size?"""
    return bool(methods("architectures", name) & {"advance", "step", "coefficients"})


@functools.cache
def constant(folder: str, name: str, variable: str) -> Any:
    """What the page's classes, or those that they build on, set to a literal; None if they do not.

    >>> constant("architectures", "irnn", "kernel"), constant("tasks", "parity", "reads_last")
    ('elman', False)
    """
    file = path(folder, name)
    values = (_value(file, cls, variable) for cls in tree(file).body if isinstance(cls, ast.ClassDef))
    found = next(filter(None, values), None)
    return ast.literal_eval(found) if found is not None and _is_literal(found) else None


def _value(file: Path, cls: ast.ClassDef, variable: str) -> ast.expr | None:
    bases = (class_of(file, base.id) for base in cls.bases if isinstance(base, ast.Name))
    values = (_value(*base, variable) for base in bases if base)
    return dict(map(_assigned, cls.body)).get(variable) or next(filter(None, values), None)


def class_of(file: Path, name: str) -> tuple[Path, ast.ClassDef] | None:
    """A class that a file defines, or imports from another one of this package."""
    for node in tree(file).body:
        match node:
            case ast.ClassDef(name=found) if found == name:
                return file, node
            case ast.ImportFrom(module=str(module), names=names) if name in {one.name for one in names}:
                room, *parts = module.split(".")
                other = PACKAGE.joinpath(*parts).with_suffix(".py")
                return class_of(other, name) if room == "rnnlimits" and other.is_file() else None
    return None


@functools.cache
def options(folder: str, name: str) -> type:
    """The page's `Options`, read without importing the page.

    >>> options("architectures", "elman").__name__
    'Options'
    """
    file = path(folder, name)
    light = ast.Module([node for node in tree(file).body if _is_light(node)], type_ignores=[])
    # dataclasses and pydantic look annotations up through sys.modules: the excerpt needs a module of its own.
    excerpt = types.ModuleType(f"rnnlimits._options.{folder}.{name}")
    sys.modules[excerpt.__name__] = excerpt
    try:
        exec(compile(light, str(file), "exec"), excerpt.__dict__)
    except NameError as error:
        raise ValueError(
            f"{file}: class Options uses {error.name!r}, which planning cannot see; "
            f"it sees {', '.join((*LIGHT_MODULES, *LIGHT_PARTS))} and CAPITALS = literal"
        ) from error
    return contracts.checked(vars(excerpt).get("Options"), folder, file)


def check(name: str) -> type[contracts.CheckOptions]:
    """What a check of claims says of itself."""
    found: type[contracts.CheckOptions] = options("checks", name)
    return found


def _is_light(node: ast.stmt) -> bool:
    """May this top-level statement be executed for reading Options?"""
    match node:
        case ast.ClassDef(name="Options"):
            return True
        case ast.Import():
            return all(alias.name in LIGHT_MODULES for alias in node.names)
        case ast.ImportFrom(module=str(room)):
            parts = tuple(f"{part}." for part in LIGHT_PARTS)
            wanted = (f"{room}.{alias.name}." for alias in node.names)
            return room in LIGHT_MODULES or all(one.startswith(parts) for one in wanted)
    name, value = _assigned(node)
    return name.isupper() and value is not None and _is_literal(value)


def _assigned(node: ast.stmt) -> tuple[str, ast.expr | None]:
    """("NAME", value) of `NAME = value`, with a type or without."""
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            return name, value
    return "", None


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True


def make(options_class: type, values: dict[str, Any]) -> Any:
    """Options from plain values; JSON knows lists only, so these become the tuples that Options are made of.

    >>> make(options("architectures", "elman"), {}) == options("architectures", "elman")()
    True
    """
    return options_class(**{key: _frozen(value) for key, value in values.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def module(folder: str, name: str) -> types.ModuleType:
    """The page itself, imported: only here may torch or pandas come in."""
    return importlib.import_module(f"rnnlimits.{FOLDERS[folder].replace('/', '.')}.{path(folder, name).stem}")


def page_class(folder: str, name: str) -> type:
    """The one class of an architecture's or a task's page that its base class knows."""
    page = module(folder, name)
    base_name = {"architectures": "Architecture", "tasks": "Task"}[folder]
    base = getattr(importlib.import_module(f"rnnlimits.{folder}.base"), base_name)
    classes = [value for value in vars(page).values() if isinstance(value, type) and issubclass(value, base)]
    own = [cls for cls in classes if cls.__module__ == page.__name__]
    if len(own) != 1:
        raise LookupError(
            f"{page.__file__}: {len(own)} subclasses of {base_name}; a page defines exactly one"
        )
    return own[0]
