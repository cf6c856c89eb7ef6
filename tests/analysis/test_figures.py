"""What holds for every figure: the same table gives the same bytes, nothing is cut off or covered."""

import itertools
import shutil
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.legend import Legend
from matplotlib.text import Text

from rnnlimits import catalog
from rnnlimits.analysis import figures
from rnnlimits.analysis.figures import _style as style
from support import synthetic_tables
from support.figure_pages import draw, page

NAMES = catalog.names("figures")
MANY = tuple(synthetic_tables.FORGETS)
RUNS = {
    "four variants": synthetic_tables.build(),
    "ten variants": synthetic_tables.build(MANY, lengths=(20, 50, 100, 200, 400, 1000), sizes=(8, 32, 128)),
    "one of everything": synthetic_tables.build(("lstm",), lengths=(50,), sizes=(32,), seeds=1),
}

MEASURED = {
    "mean", "estimate", "median", "low", "high", "p10", "p90", "largest", "smallest", "bound",
    "standard_error", "chance", "updates_to_solve", "best_update", "seconds_training",
}  # fmt: skip


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def boxes(figure, artists):
    renderer = figure.canvas.get_renderer()
    return [artist.get_window_extent(renderer) for artist in artists]


def rendered(name, tables):
    """The figure after its layout has been worked out, at 100 dots per inch: 800 pixels wide."""
    figure = draw(name, tables)
    figure.dpi = 100
    FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", NAMES)
def test_no_text_shows_the_signs_of_a_formula(name, run):
    assert [text for text in texts(rendered(name, RUNS[run])) if "$" in text or "\\" in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_same_tables_in_any_order_give_the_same_bytes(name, tmp_path):
    tables = RUNS["four variants"]
    shuffled = {key: table.sample(frac=1, random_state=1) for key, table in tables.items()}
    for folder, version in (("one", tables), ("two", shuffled)):
        style.save(draw(name, version), tmp_path / folder / name)
    for kind in ("svg", "png"):
        one, two = ((tmp_path / folder / f"{name}.{kind}").read_bytes() for folder in ("one", "two"))
        assert len(one) > 1000
        assert one == two


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_table_gives_a_figure_that_says_so(name):
    columns_only = synthetic_tables.empty()
    never_written = {table: pd.DataFrame() for table in columns_only}
    for tables in (columns_only, never_written):
        assert "not measured in this run" in texts(draw(name, tables))
        assert page(name).caption(tables).startswith("No ")


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_off_and_no_title_or_legend_covers_anything(name, run):
    figure = rendered(name, RUNS[run])
    width, height = figure.get_size_inches() * 100
    assert width == 800
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())  # in inches
    assert min(drawn.x0, drawn.y0) > -0.02
    assert drawn.x1 < width / 100 + 0.02
    assert drawn.y1 < height / 100 + 0.02
    # Of two panels, neither the data nor the titles overlap; legends lie outside all of them.
    areas = [axes.patch for axes in figure.axes] + figure.findobj(Legend)
    for axes in figure.axes:
        title = axes.get_title(loc="left")
        areas += [
            child for child in axes.get_children() if title and getattr(child, "get_text", str)() == title
        ]
    for (one, a), (two, b) in itertools.combinations(zip(areas, boxes(figure, areas)), 2):
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
        assert not overlap, f"{one} covers {two}"


@pytest.mark.parametrize("name", NAMES)
def test_missing_values_leave_gaps_and_no_errors(name):
    generator = np.random.default_rng(0)
    holed = {}
    for key, table in RUNS["four variants"].items():
        measured = [column for column in table.columns if column in MEASURED]
        hole = generator.random((len(table), len(measured))) < 0.3
        holed[key] = table.assign(**table[measured].mask(hole)).sample(frac=0.8, random_state=2)
    assert len(draw(name, holed).axes) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_says_on_how_many_seeds_or_folds(name):
    caption = page(name).caption(RUNS["four variants"])
    assert ("5 folds" if name == "hidden_size_selection" else "3 seeds") in caption


def test_colour_marker_and_dashes_each_tell_variants_apart():
    found = style.looks(MANY)
    for quality in ("color", "marker", "dashes"):
        assert len({getattr(look, quality) for look in found.values()}) == len(MANY), quality


def test_a_page_of_the_package_looks_the_same_in_every_figure():
    assert style.looks(["gru", "lstm_chrono"])["gru"] == style.looks(MANY)["gru"]


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(matplotlib.rcParams)
    draw("length_limit", RUNS["one of everything"])
    assert dict(matplotlib.rcParams) == before


def test_all_figures_are_drawn_from_a_folder_of_tables(tmp_path):
    tables = synthetic_tables.write(RUNS["one of everything"], tmp_path / "tables")
    (tables / "jacobian_by_lag.csv").unlink()
    written = figures.plot_all(tables, tmp_path / "figures")
    assert [path.stem for path in written] == NAMES
    assert all(path.with_suffix(".png").stat().st_size > 1000 for path in written)
    at_once = figures.plot_all(tables, tmp_path / "at_once", processes=2)
    for suffix in (".svg", ".png"):
        assert [path.with_suffix(suffix).read_bytes() for path in at_once] == [
            path.with_suffix(suffix).read_bytes() for path in written
        ]
    assert figures.plot_all(tables, tmp_path / "one", only="cost") == [tmp_path / "one" / "cost.svg"]


def test_without_room_for_semaphores_the_figures_are_drawn_one_after_the_other(tmp_path):
    """A full /dev/shm, in a namespace of its own: the machine's is left alone."""
    full = "mount -t tmpfs -o size=4k tmpfs /dev/shm && head -c 4096 /dev/zero > /dev/shm/filler"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "sh", "-c", full]).returncode:
        pytest.skip("may not mount a file system here")
    synthetic_tables.write(synthetic_tables.build(), tmp_path / "tables")
    plot = f"{sys.executable} -m rnnlimits.cli plot --tables tables --out figures --processes 2"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{full} && {plot}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (
        "plot: no 2 processes at once ([Errno 28] No space left on device: is /dev/shm full?); "
        in done.stderr
    )
    assert {path.stem for path in (tmp_path / "figures").iterdir()} == set(catalog.names("figures"))


def test_an_unknown_figure_is_named_with_what_there_is(tmp_path):
    with pytest.raises(LookupError, match=r"no figure 'costs'; did you mean 'cost'"):
        figures.plot_all(tmp_path, tmp_path, only="costs")
