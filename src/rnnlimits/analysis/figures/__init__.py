"""Tables ─► figures: one file per figure, found by its name."""

import functools
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rnnlimits import catalog


@dataclass(frozen=True)
class FigurePage:
    """What a figure's file holds; of the five names, the file may leave out the last."""

    TITLE: str  # the question that the figure answers: its heading
    TABLES: tuple[str, ...]  # the names of the tables that it reads
    plot: Callable[[dict[str, Any]], Any]  # those tables ─► matplotlib's Figure
    caption: Callable[[dict[str, Any]], str]  # what was measured, and on how many seeds
    how_to_read: Callable[[dict[str, Any]], str] = lambda tables: ""  # a paragraph, where a figure needs one


def page(name: str) -> FigurePage:
    """The page of a figure; LookupError where there is none, TypeError where it lacks one of its names."""
    held = vars(catalog.module("figures", name))
    return FigurePage(**{field.name: held[field.name] for field in fields(FigurePage) if field.name in held})


def load(tables_dir: str | Path, wanted: Iterable[str]) -> dict[str, Any]:
    """The wanted tables; one that was not written counts as empty, so that its figure can say so."""
    import pandas as pd

    paths = {name: Path(tables_dir) / f"{name}.csv" for name in wanted}
    return {name: pd.read_csv(path) if path.exists() else pd.DataFrame() for name, path in paths.items()}


def plot_all(
    tables_dir: str | Path, out_dir: str | Path, only: str | None = None, processes: int = 1
) -> list[Path]:
    """Draw every figure (or `only` one) into OUT_DIR/NAME.svg and .png; returns the SVG files."""
    names = [only] if only else catalog.names("figures")
    for name in names:
        catalog.module("figures", name)  # imported here once, and not in every process
    one = functools.partial(plot_one, tables_dir, out_dir)
    if processes == 1 or (pool := _several(processes)) is None:
        return [one(name) for name in names]
    with pool:
        return list(pool.map(one, names))


def _several(processes: int) -> ProcessPoolExecutor | None:
    """None where they cannot be kept apart: /dev/shm, where their semaphores lie, is full or not there."""
    try:
        return ProcessPoolExecutor(processes)
    except (OSError, ImportError) as error:
        said = f"plot: no {processes} processes at once ({error}: is /dev/shm full?)"
        print(f"{said}; the figures are drawn one after the other", file=sys.stderr)
        return None


def plot_one(tables_dir: str | Path, out_dir: str | Path, name: str) -> Path:
    from rnnlimits.analysis.figures import _style as style

    figure = page(name)
    stem = Path(out_dir) / name
    style.save(figure.plot(load(tables_dir, figure.TABLES)), stem)
    return stem.with_suffix(".svg")
