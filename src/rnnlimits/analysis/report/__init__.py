"""Tables, figures, verdicts ─► one HTML page that stands alone: no network, no font, no script needed.

The page says when it was run by what the rows say, never by the clock: the same rows give the same bytes.
Two equal runs give the same rows and so the same page, but for times, hosts and versions: what shows these
stands between two comments that say so.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from rnnlimits import catalog
from rnnlimits.analysis import figures
from rnnlimits.analysis.figures.base import NOT_MEASURED
from rnnlimits.analysis.report import answer, display, names, reach, run, uses
from rnnlimits.planning.config.schema import Config
from rnnlimits.storage.whole_files import write_text

# The order in which the figures tell the story; others follow by name.
STORY = (
    "demand_and_supply", "gradient_by_lag", "gradient_laboratory", "input_reach", "jacobian_bound",
    "length_limit", "size_length_map", "learning_curves", "hidden_size_selection", "language_model", "cost",
)  # fmt: skip
# A verdict is told by its word and its sign; the colour only repeats it.
SIGNS = {"reproduced": "✓", "contradicted": "✗", "undecided": "?", "not run": "–"}
SCALES = {"full": "at the source's own sizes"}
MOST_SHARDS = 4  # named with a verdict


@dataclass(frozen=True)
class Shown:
    """A figure of the page."""

    name: str
    title: str
    caption: str
    reading: str  # a paragraph on how to read it, of a page that has `reading`
    svg: Markup | None  # None: it was not drawn
    timed: bool  # it shows how long something took, in which two equal runs differ

    @property
    def measured(self) -> bool:
        """Of what a run did not measure, the page names the figure and leaves its empty box out."""
        return self.svg is None or NOT_MEASURED not in self.svg


def write(
    config: Config,
    tables_dir: str | Path,
    figures_dir: str | Path,
    claims_csv: str | Path,
    rows_paths: Sequence[str | Path],
    out: str | Path,
) -> None:
    """The page as a file."""
    write_text(out, build(config, tables_dir, figures_dir, claims_csv, rows_paths))


def build(
    config: Config,
    tables_dir: str | Path,
    figures_dir: str | Path,
    claims_csv: str | Path,
    rows_paths: Sequence[str | Path],
) -> str:
    """The page as text."""
    tables = figures.load(tables_dir, [*_table_names(), *display.FILES_ONLY])
    claims = _claims(Path(claims_csv))
    shown = reach.table(tables)
    drawn = _figures(tables, Path(figures_dir))
    return (
        environment()
        .get_template("report.html")
        .render(
            name=config.name,
            confidence=f"{100 * config.confidence:g} %",
            reach=shown,
            key=names.key(config),
            answers=answer.answers(tables, claims, shown),
            uses=uses.uses(tables),
            claims=claims.to_dict("records"),
            traced=traced,
            explain=lambda name: explained(name, config, rows_paths),
            signs=SIGNS,
            scales=SCALES,
            figures=[figure for figure in drawn if figure.measured],
            not_measured=[figure for figure in drawn if not figure.measured],
            short=display.short(tables),
            long=display.long(tables),
            files_only=[(name, len(tables[name])) for name in display.FILES_ONLY],
            run=run.describe(config, run.provenance(rows_paths)),
        )
    )


def environment() -> jinja2.Environment:
    """The templates: every text is escaped, and a name that a template lacks is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("rnnlimits.analysis"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )


def _table_names() -> list[str]:
    drawn = [name for figure in catalog.names("figures") for name in figures.page(figure).TABLES]
    shown = [name for name in (*display.SHORT, *display.LONG) if name not in ("results", "solved")]
    return sorted({*drawn, *shown})


def explained(name: str, config: Config, rows_paths: Sequence[str | Path]) -> str:
    """The command that explains a name of this very page: with its config, and with its archive of rows."""
    files = [Path(path) for path in rows_paths]
    is_archive = len(files) == 1 and files[0].parent != Path(config.results) / "rows"
    rows = ["--rows", str(files[0])] if is_archive else []
    return shlex.join(["rnnlimits", "explain", name, *config.options, *rows])


def _claims(path: Path) -> pd.DataFrame:
    """The verdicts, as texts; none where nothing was judged."""
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame()


def traced(shards: str | None) -> str:
    """
    >>> traced("s.a s.b"), traced("a b c d e f"), traced("")
    (': rows of s.a, s.b', ': rows of a, b, c, d and 2 other jobs', '')
    """
    first, others = (shards or "").split()[:MOST_SHARDS], (shards or "").split()[MOST_SHARDS:]
    more = f" and {len(others)} other job{'s' * (len(others) > 1)}" if others else ""
    return f": rows of {', '.join(first)}{more}" if first else ""


def _figures(tables: dict[str, Any], folder: Path) -> list[Shown]:
    names = catalog.names("figures")
    shown = []
    for name in [*(name for name in STORY if name in names), *(name for name in names if name not in STORY)]:
        page = figures.page(name)
        file = folder / f"{name}.svg"
        svg = inline(file.read_text(encoding="utf-8"), name, page.TITLE) if file.exists() else None
        own = {key: tables[key] for key in page.TABLES}
        timed = "timings" in page.TABLES
        shown.append(Shown(name, page.TITLE, page.caption(own), page.how_to_read(own), svg, timed))
    return shown


def inline(svg: str, name: str, title: str) -> Markup:
    """An SVG file as a part of an HTML page: its ids are unique, its style reaches no further than itself.

    >>> start = '<?xml version="1.0"?><svg width="8pt" height="4pt" viewBox="0 0 8 4"><style>*{}</style>'
    >>> drawn = '<g id="axes"/><path id="a"/><use href="#a"/></svg>'
    >>> print(inline(start + drawn, "cost", "What?").partition("<style>")[2])
    #svg-cost *{}</style><g/><path id="cost-a"/><use href="#cost-a"/></svg>
    """
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'(url\(|href=")#', rf"\1#{name}-", svg)
    svg = re.sub(r"(<style[^>]*>)\*", rf"\1#svg-{name} *", svg)
    # Its size comes from the page; the box keeps the proportions.
    svg = re.sub(r' (?:width|height)="[^"]*"', "", svg, count=2)
    label = escape(title)
    return Markup(svg.replace("<svg", f'<svg id="svg-{name}" role="img" aria-label="{label}"', 1))
