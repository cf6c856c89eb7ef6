"""Tables ─► figures: one file per figure, found by its name. A page holds

TITLE     the question that the figure answers (a heading),
TABLES    the names of the tables it reads,
plot      tables -> Figure,
caption   tables -> what was measured, and on how many seeds,
how_to_read  tables -> a paragraph on how to read it; only a figure that needs one has this.
"""

import functools
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from rnnlimits import catalog


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
    if processes == 1:
        return [one(name) for name in names]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(one, names))


def plot_one(tables_dir: str | Path, out_dir: str | Path, name: str) -> Path:
    from rnnlimits.analysis.figures import _style as style

    page = catalog.module("figures", name)
    stem = Path(out_dir) / name
    style.save(page.plot(load(tables_dir, page.TABLES)), stem)
    return stem.with_suffix(".svg")
