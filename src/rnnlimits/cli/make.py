"""Rows to all that is read: tables, verdicts, figures, pages, and the archive of the rows themselves."""

from pathlib import Path
from typing import Annotated

import typer

from rnnlimits.execution.options import DEFAULT_CONFIG, Config, Planned, Rows, folder
from rnnlimits.storage.plain_text import printable


def table(
    out: Annotated[Path, folder("Where the tables go.")],
    config: Config = DEFAULT_CONFIG,
    rows: Rows = None,
    planned: Planned = None,
) -> None:
    """Rows to tidy tables: every mean with its interval and its number of seeds."""
    from rnnlimits.execution import reading

    with reading.rows(config, rows, planned, "tables") as (loaded, paths):
        from rnnlimits.analysis import tables

        tables.write(paths, out, loaded.confidence)


def judge(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The verdicts, a CSV file.")] = None,
    config: Config = DEFAULT_CONFIG,
    rows: Rows = None,
    details: Annotated[Path | None, folder("What the verdicts rest on goes here, as CSV files.")] = None,
    only: Annotated[str | None, typer.Option(metavar="ID", help="One claim instead of all.")] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="CLAIM", help="Print the arithmetic of one claim; writes nothing.")
    ] = None,
    planned: Planned = None,
) -> None:
    """Rows to verdicts: reproduced, contradicted, undecided or not run, for each claim."""
    if (out is None) is (explain is None):
        raise ValueError("judge: give --out FILE to write all verdicts, or --explain CLAIM to print one")
    from rnnlimits.execution import reading

    with reading.rows(config, rows, planned, "claims", only=only) as (loaded, paths):
        if explain:
            from rnnlimits.analysis.explain import arithmetic

            typer.echo(printable(arithmetic(explain, loaded, paths)), nl=False)
        elif out:
            from rnnlimits.analysis import claims

            claims.judge(paths, loaded.claims_path, out, loaded, details, only)


def plot(
    tables: Annotated[Path, folder("The tables.")],
    out: Annotated[Path, folder("Where the figures go.")],
    only: Annotated[str | None, typer.Option(metavar="NAME", help="One figure instead of all.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many figures are drawn at once.")] = 1,
    planned: Planned = None,
) -> None:
    """Tables to figures, each as SVG and PNG."""
    from rnnlimits.execution import reading

    with reading.code(planned, "figures", {"tables": tables}):
        from rnnlimits.analysis import figures

        figures.plot_all(tables, out, only, processes)


def report(
    tables: Annotated[Path, folder("The tables.")],
    figures: Annotated[Path, folder("The figures.")],
    claims: Annotated[Path, typer.Option(metavar="FILE", help="The verdicts.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page, an HTML file.")],
    config: Config = DEFAULT_CONFIG,
    rows: Rows = None,
    planned: Planned = None,
) -> None:
    """Everything on one page: verdicts, figures, tables, and how it was run."""
    from rnnlimits.execution import reading

    needed = {"tables": tables, "figures": figures, "claims": claims}
    with reading.rows(config, rows, planned, "report", needed=needed) as (loaded, paths):
        from rnnlimits.analysis import report

        report.write(loaded, tables, figures, claims, paths, out)


def verdicts(
    claims: Annotated[Path, typer.Option(metavar="FILE", help="The verdicts, as `judge --out` wrote them.")],
    details: Annotated[Path, folder("As `judge --details` wrote them.")],
    figures: Annotated[Path, folder("Where a figure of each claim goes.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page, an HTML file.")],
    config: Config = DEFAULT_CONFIG,
    planned: Planned = None,
) -> None:
    """A page of the verdicts: each claim with what its source measured, what we did, figure and disputes."""
    from rnnlimits.execution import reading

    needed = {"claims": claims, "details": details}
    # A mistake is told before pandas is loaded.
    with reading.config(config, planned, "verdicts", needed) as loaded:
        from rnnlimits.analysis import verdicts

        verdicts.write(loaded, claims, details, figures, out)


def archive(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The archive, a Parquet file.")],
    config: Config = DEFAULT_CONFIG,
    rows: Rows = None,
    planned: Planned = None,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Take what is there, of a run that goes on later.")
    ] = False,
) -> None:
    """All rows of a config, with the config, in one file: the results of record."""
    from rnnlimits.execution import reading
    from rnnlimits.rows import merge

    with reading.rows(config, rows, planned, complete=not incomplete) as (loaded, paths):
        merge(paths, out, loaded.model_dump(mode="json"))
