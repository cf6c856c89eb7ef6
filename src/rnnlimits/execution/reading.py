"""What a command right of the rows reads: the config, and the files of its rows, as they were planned."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlimits import catalog
from rnnlimits.execution import loaded_code, pipeline, planned_rows
from rnnlimits.planning import planned as plan
from rnnlimits.planning import provenance

if TYPE_CHECKING:
    from rnnlimits.planning.config.schema import Config


NOTHING: Mapping[str, Path] = {}
REMEDY = "name what an earlier step wrote, or run `snakemake`, which makes all of it"


@contextlib.contextmanager
def rows(
    path: Path, place: Path | None, planned: str | None = None, product: str | None = None, *,
    complete: bool = False, only: str | None = None, needed: Mapping[str, Path] = NOTHING,
) -> Iterator[tuple["Config", list[Path]]]:  # fmt: skip
    """The config, and the files of its rows for as long as they are read, to make one product of them.

    `only` is the one claim to judge; what is `needed` beside, by the names of its options, must be there.
    """
    given = {} if place is None else {"rows": place}
    with config(path, planned, product, given | dict(needed)) as loaded:
        if only is not None:
            check_judged(loaded, only)
        with planned_rows.of(loaded, place, complete, only, strict=planned is not None) as paths:
            yield loaded, paths


def check_judged(loaded: "Config", claim: str) -> None:
    """Refuses a claim that the config does not judge."""
    try:
        catalog.pick(claim, list(pipeline.claims(loaded)), noun="claim")
    except LookupError as error:
        raise LookupError(f"{loaded.claims_path or 'the config'}: {error}") from error


def check_made(needed: Mapping[str, Path]) -> None:
    """Are these there, by the names of their options?  FileNotFoundError, one line, for all that are not."""
    if missing := [f"--{option} {path}" for option, path in needed.items() if not path.exists()]:
        raise FileNotFoundError(f"{', '.join(missing)}: not there; {REMEDY}")


@contextlib.contextmanager
def config(
    path: Path, planned: str | None, product: str | None, needed: Mapping[str, Path] = NOTHING
) -> Iterator["Config"]:
    """The config alone."""
    from rnnlimits.planning.load import load

    with _unchanged(planned, product, [path]):
        loaded = load(path)
        check_made(needed)
        plan.check(loaded, [product] if product else [], planned)
        yield loaded


@contextlib.contextmanager
def code(planned: str | None, product: str, needed: Mapping[str, Path] = NOTHING) -> Iterator[None]:
    """Nothing but the code that makes the product."""
    check_made(needed)
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
