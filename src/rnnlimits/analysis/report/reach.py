"""How far back: for every variant the steps until its gradient has faded, and what it learned to span.

A gradient that falls by a factor a step has a length: the steps after which a tenth of it is left, ln 10 over
its slope.  It is told up to the length of the sequences; what lies beyond was not seen.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from rnnlimits.analysis.figures import base
from rnnlimits.analysis.report.names import known

TENTH = math.log(10)
HALF = 0.5  # of the seeds
KEYS = ["study", "task", "length_steps"]


@dataclass(frozen=True)
class Bar:
    """A number of steps, and how much of the column's longest it is."""

    text: str
    share: float | None = None  # None: nothing to draw


@dataclass(frozen=True)
class Column:
    heading: str
    task: str  # in words
    note: str  # what it was measured on
    figure: str  # that shows the same
    steps: int  # the longest that could be seen
    bars: dict[str, Bar] = field(default_factory=dict)  # by variant
    values: dict[str, float] = field(default_factory=dict)  # steps, of those that have such a number


@dataclass(frozen=True)
class Reach:
    columns: list[Column]
    variants: list[tuple[str, str, str]]  # its name as people know it, its own name, its page


def table(tables: base.Tables) -> Reach:
    """The columns that this run measured, and a line for each variant that is in one of them."""
    columns = [*_fading(tables), *_learned(tables)]
    pages = _pages(tables)
    found = {variant for column in columns for variant in column.bars}
    order = sorted(found, key=lambda variant: (-sum(_share(column, variant) for column in columns), variant))
    return Reach(columns, [(known(pages[variant]), variant, pages[variant]) for variant in order])


def _share(column: Column, variant: str) -> float:
    bar = column.bars.get(variant)
    return bar.share or 0.0 if bar else 0.0


def _pages(tables: base.Tables) -> dict[str, str]:
    rows = pd.concat(
        [tables[name][["variant", "architecture"]] for name in ("gradient_slopes", "test_results")]
    )
    return dict(rows.astype(str).itertuples(index=False, name=None))


def _fading(tables: base.Tables) -> Iterator[Column]:
    slopes = tables["gradient_slopes"]
    if slopes.empty:
        return
    slopes = base.hardest(slopes[(slopes.quantity == "gradient") & slopes.slope.notna()])
    for stage, words in base.STAGES.items():
        parts = [part for _, part in slopes[slopes.stage == stage].groupby(KEYS)]
        if not parts:
            continue
        # Where most architectures were probed, and of such the longest sequences, stands for the stage.
        part = max(parts, key=lambda rows: (rows.variant.nunique(), rows.length_steps.max()))
        steps = int(part.length_steps.max())
        column = Column(
            f"Steps until a tenth of the gradient is left, {words}",
            base.words(str(part.task.iloc[0])),
            _where(part),
            "gradient_by_lag",
            steps,
        )
        for _, row in part.iterrows():
            column.bars[row.variant] = faded(row.slope, row.low, row.high, steps)
            within = row.slope < 0 and TENTH / -row.slope <= steps
            column.values[row.variant] = TENTH / -row.slope if within else math.inf
        if stage == "final":
            column.bars.update(_lost(tables["test_results"], part))
        yield column


def faded(slope: float, low: float, high: float, steps: int) -> Bar:
    """
    >>> faded(-0.46, -0.5, -0.42, 100)
    Bar(text='5.01 [4.61, 5.48]', share=0.05...)
    >>> faded(-0.001, -0.002, 0.001, 100), faded(0.1, 0.05, 0.15, 100).text
    (Bar(text='more than 100', share=1.0), 'it grows')
    """
    if low > 0:
        return Bar("it grows", 1.0)
    if slope >= 0 or TENTH / -slope > steps:
        return Bar(f"more than {steps:,}", 1.0)
    ends = [TENTH / -low, TENTH / -high if high < 0 else math.inf] if pd.notna(low) else []
    between = f" [{', '.join(_up_to(end, steps) for end in ends)}]" if ends else ""
    return Bar(f"{_up_to(TENTH / -slope, steps)}{between}", TENTH / -slope / steps)


def _up_to(value: float, steps: int) -> str:
    return f"{value:.3g}" if value <= steps else f"> {steps:,}"


def _lost(results: pd.DataFrame, part: pd.DataFrame) -> dict[str, Bar]:
    """Who was trained there and has no curve, as every seed diverged."""
    if results.empty:
        return {}
    there = results.merge(part[KEYS].drop_duplicates(), on=KEYS)
    gone = there[(there.n_diverged > 0) & ~there.variant.isin(part.variant)].drop_duplicates("variant")
    return {
        str(variant): Bar(f"no seed left: {diverged:g} diverged")
        for variant, diverged in zip(gone.variant, gone.n_diverged)
    }


def _where(part: pd.DataFrame) -> str:
    first = part.iloc[0]
    return f"{base.name(str(first.study), str(first.task))}, {base.setting(part)}, {base.seeds(part)}"


def _learned(tables: base.Tables) -> Iterator[Column]:
    results = tables["test_results"]
    if results.empty:
        return
    solved = base.largest(results[(results.metric == "solved") & results["estimate"].notna()])
    for (study, task), part in base.groups(solved):
        lengths = sorted(part.length_steps.unique())
        if len(lengths) < 2:
            continue
        tried = ", ".join(f"{length:g}" for length in lengths)
        note = f"{base.name(study, task)}, of {tried} steps, {base.size_in_words(part)}, {base.seeds(part)}"
        column = Column(
            f"Longest {base.words(task)} that most seeds solve",
            base.words(task),
            note,
            "length_limit",
            int(lengths[-1]),
        )
        for variant, rows in part.groupby("variant"):
            column.bars[str(variant)], column.values[str(variant)] = _longest(rows, column.steps)
        yield column


def _longest(rows: pd.DataFrame, steps: int) -> tuple[Bar, float]:
    """The longest that more than half of the seeds solve, with how many."""
    solving = rows[rows["estimate"] > HALF]
    if solving.empty:
        return Bar("none", 0.0), 0.0
    row = solving.sort_values("length_steps").iloc[-1]
    lost = f", {row.n_diverged:g} diverged" if row.n_diverged else ""
    many = f"{round(row['estimate'] * row.n):g} of {row.n:g} seeds{lost}"
    return Bar(f"{row.length_steps:,g} ({many})", row.length_steps / steps), float(row.length_steps)


def sentences(reach: Reach) -> Iterator[str]:
    """What a person would say of the table."""
    names = {
        variant: name if variant == page else f"{name} {variant}" for name, variant, page in reach.variants
    }
    for column in reach.columns:
        low, high = min(column.values.values(), default=0), max(column.values.values(), default=0)
        if low == high:
            continue
        at = {
            end: base.join(sorted(names[variant] for variant, steps in column.values.items() if steps == end))
            for end in (low, high)
        }
        yield (_of_learning if column.figure == "length_limit" else _of_fading)(column, at, low, high)


def _of_fading(column: Column, at: dict[float, str], low: float, high: float) -> str:
    """
    >>> column = Column("before training", "", "", "gradient_by_lag", 120)
    >>> print(_of_fading(column, {4.28: "GRU", math.inf: "IRNN"}, 4.28, math.inf))
    Before training, the gradient of GRU has faded to a tenth 4.3 steps back, that of IRNN not within 120.
    """
    far = f"not within {column.steps:,}" if high == math.inf else f"{high:.2g} steps back"
    stage = column.heading.rpartition(", ")[2].capitalize()
    near = f"the gradient of {at[low]} has faded to a tenth {low:.2g} steps back"
    return f"{stage}, {near}, that of {at[high]} {far}."


def _of_learning(column: Column, at: dict[float, str], low: float, high: float) -> str:
    few = f"over only {low:,.0f}" if low else "over none of those tried"
    return f"{column.task.capitalize()} is learned over {high:,.0f} steps by {at[high]}, {few} by {at[low]}."
