"""What a command right of the rows reads: the config, and the files of its rows, as they were planned."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlimits.execution import loaded_code, planned_rows
from rnnlimits.planning import planned as plan
from rnnlimits.planning import provenance

if TYPE_CHECKING:
    from rnnlimits.planning.config.schema import Config


@contextlib.contextmanager
def rows(
    path: Path, place: Path | None, planned: str | None = None, product: str | None = None, *,
    complete: bool = False, only: str | None = None,
) -> Iterator[tuple["Config", list[Path]]]:  # fmt: skip
    """The config, and the files of its rows for as long as they are read, to make one product of them."""
    with (
        config(path, planned, product) as loaded,
        planned_rows.of(loaded, place, complete, only, strict=planned is not None) as paths,
    ):
        yield loaded, paths


@contextlib.contextmanager
def config(path: Path, planned: str | None, product: str | None) -> Iterator["Config"]:
    """The config alone."""
    from rnnlimits.planning.load import load

    with _unchanged(planned, product, [path]):
        loaded = load(path)
        plan.check(loaded, [product] if product else [], planned)
        yield loaded


@contextlib.contextmanager
def code(planned: str | None, product: str) -> Iterator[None]:
    """Nothing but the code that makes the product."""
    with _unchanged(planned, product, []):
        plan.check(None, [product], planned)
        yield


@contextlib.contextmanager
def _unchanged(planned: str | None, product: str | None, read: list[Path]) -> Iterator[None]:
    """Of a command that somebody types nothing is promised."""
    if planned is None:
        yield
        return
    files = provenance.files_of_products(product) if product else []
    loaded_code.drop_stale_bytecode(files)
    with loaded_code.unchanged([*files, *read]):
        yield
