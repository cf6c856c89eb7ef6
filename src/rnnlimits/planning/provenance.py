"""Where a number comes from: the code behind a shard, and its spec.

The workflow engine cannot see an edit inside a package, so every training job carries a fingerprint of the
code that its numbers depend on: the modules that the trainer imports, and of the pages exactly those that the
shard names.  Editing `lstm.py` makes the LSTM shards run again and no other; editing a comment or a docstring
none.
"""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnlimits import catalog
from rnnlimits.planning.shard import Shard

# What finds, plans, stores and runs can change no number: these folders, and modules beside them.
NEUTRAL = ("storage", "planning", "execution", "__init__.py", "catalog.py", "cli")
# What is made of rows, and the folders that it is made with. What these import is found; pages, which are
# loaded by their names, are not, so their folders stand here too.
MADE_WITH = {
    "tables": ("analysis/tables",),
    "figures": ("analysis/figures",),
    "claims": ("analysis/claims", "analysis/claims/checks"),
    # Of a claim that waits for a GPU it says how long that takes, which the options of pages decide.
    "verdicts": (
        "analysis/verdicts", "analysis/templates", "analysis/claims/checks",
        "architectures", "tasks", "probes",
    ),
    # Captions and headings come from the pages of the figures, what a table holds from its own function.
    "report": ("analysis/report", "analysis/templates", "analysis/figures", "analysis/tables"),
}  # fmt: skip


def config_hash(shard: Shard) -> str:
    """sha256 of the resolved spec: equal for equal jobs, whatever config file they came from."""
    return hashlib.sha256(shard.to_json().encode()).hexdigest()


def fingerprint(shard: Shard) -> str:
    """sha256 of the syntax trees of all files behind a shard."""
    return _fingerprint(_roots(shard))


def fingerprint_of_model(shard: Shard) -> str:
    """The same of what its models are computed with, whoever trained them."""
    return _fingerprint(frozenset({catalog.PACKAGE / "architectures/_model.py", *_architectures(shard)}))


def fingerprint_of_products(*products: str) -> str:
    """The same for tables, figures, claims, verdicts or the report, with docstrings: some stand on a page."""
    return _digest(files_of_products(*products), docstrings=True)


def files_of_products(*products: str) -> list[Path]:
    """The files that tables, figures, claims, verdicts or the report depend on, sorted."""
    return files_in(*(folder for product in products for folder in MADE_WITH[product]))


def files_in(*folders: str) -> list[Path]:
    """Everything in these folders, and all that they import of any room, sorted.

    Of any room, since what stands on a page may come from anywhere: the time that `plan` estimates does.
    """
    found: set[Path] = set()
    for folder in folders:
        if not (here := set((catalog.PACKAGE / folder).glob("*.*"))):
            raise LookupError(f"no files in {folder}, seen from {catalog.PACKAGE}")
        found |= here
    code = frozenset(file for file in found if file.suffix == ".py")
    return sorted(_reached(code, everything=True) | found)


@functools.cache
def _fingerprint(roots: frozenset[Path]) -> str:
    """Thousands of shards have some tens of sets of files behind them."""
    return _digest(sorted(_reached(roots)))


def _digest(code_files: list[Path], docstrings: bool = False) -> str:
    digest = hashlib.sha256()
    for file in code_files:
        digest.update(f"{file.relative_to(catalog.PACKAGE).as_posix()} {_code(file, docstrings)}\n".encode())
    return digest.hexdigest()


@functools.cache
def digest_of(file: Path, docstrings: bool = False) -> str:
    """sha256 of one file's syntax tree; of a file that is no Python, of its text."""
    return _digest([file], docstrings)


def forget() -> None:
    """Read every file anew: for a process that has read some before it was known which ones count."""
    for cached in (_fingerprint, _page, _reached, _imports, _code, digest_of, catalog.tree):
        cached.cache_clear()


def files(shard: Shard) -> list[Path]:
    """The files that a shard's numbers depend on, sorted."""
    return sorted(_reached(_roots(shard)))


def _roots(shard: Shard) -> frozenset[Path]:
    """The module that runs the shard, and the pages that it loads by name."""
    if shard.kind == "simulation":
        return frozenset({catalog.PACKAGE / "training/simulation.py", _page("simulations", shard.task_page)})
    pages = {_page("tasks", shard.task_page), *_architectures(shard)}
    return frozenset(
        {catalog.PACKAGE / "training/protocol.py", *pages, *(_page("probes", name) for name in shard.probes)}
    )


def _architectures(shard: Shard) -> set[Path]:
    names = {shard.architecture, shard.architecture_options.get("of", shard.architecture)}
    return {_page("architectures", name) for name in names}


@functools.cache
def _page(kind: str, name: str) -> Path:
    """Looking into a folder for every shard would cost more than the rest of a fingerprint."""
    return catalog.path(kind, name)


@functools.cache
def _reached(roots: frozenset[Path], everything: bool = False) -> frozenset[Path]:
    """The roots and every file of this package that they import, at the top or inside a function.

    Without `everything`, those alone that can change a number.
    """
    found: set[Path] = set()
    waiting = set(roots)
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= {other for other in _imports(file) if everything or not _is_neutral(other)} - found
    return frozenset(found)


@functools.cache
def _imports(file: Path) -> frozenset[Path]:
    names = {name for node in ast.walk(catalog.tree(file)) for name in _imported_names(node)}
    parts = [name.split(".")[1:] for name in names if name.startswith("rnnlimits.")]
    return frozenset(path for part in parts for path in _module_files(part))


def _is_neutral(file: Path) -> bool:
    return file.relative_to(catalog.PACKAGE).parts[0] in NEUTRAL


def _imported_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        # `from rnnlimits import kernels` names a module only together with what is imported.
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_files(parts: list[str]) -> Iterator[Path]:
    """('tasks', 'base', 'Task') -> tasks/__init__.py, tasks/base.py: what importing it runs."""
    for depth in range(1, len(parts) + 1):
        place = catalog.PACKAGE.joinpath(*parts[:depth])
        if place.with_suffix(".py").is_file():
            yield place.with_suffix(".py")
        elif (place / "__init__.py").is_file():
            yield place / "__init__.py"


@functools.cache
def _code(file: Path, docstrings: bool) -> str:
    if file.suffix != ".py":
        return file.read_text(encoding="utf-8")
    return _outline(catalog.tree(file), docstrings)


def _outline(node: Any, docstrings: bool = False) -> str:
    """A syntax tree as text, without comments; unlike ast.dump, the same in every version of Python."""
    if isinstance(node, list):
        return f"[{','.join(_outline(one, docstrings) for one in node)}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(fields.get("body"), list) and not docstrings:
        fields["body"] = [statement for statement in fields["body"] if not _is_docstring(statement)]
    inner = ",".join(f"{name}={_outline(value, docstrings)}" for name, value in fields.items())
    return f"{type(node).__name__}({inner})"


def _is_docstring(node: ast.stmt) -> bool:
    """A string that stands alone does nothing, whether it opens a body or follows a field."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def repeated_by(shard: Shard, facts: dict[str, Any]) -> bool:
    """Would this job only repeat the one that the facts tell of?"""
    return (facts.get("config_hash"), facts.get("code_fingerprint")) == (
        config_hash(shard),
        fingerprint(shard),
    )
