"""What there is, what would be done, and where a number comes from; none of these writes a result."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rnnlimits.execution.options import DEFAULT_CONFIG, Calibrate, Config, Cores, Json, Power, Rows
from rnnlimits.storage.plain_text import printable


def list_pages(
    asked: Annotated[
        str | None,
        typer.Argument(metavar="KIND|NAME", help="`tasks`, say, or `lstm`."),
    ] = None,
) -> None:
    """Show every architecture, task, probe, simulation, figure and check, with its options."""
    from rnnlimits.planning import page_list

    typer.echo(printable("\n".join(page_list.lines(asked))))


def plan(
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
    power: Power = None,
    rows: Rows = None,
    calibrate: Calibrate = False,
    cores: Cores = None,
    file: Annotated[Path | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Show the jobs of a config, the long ones first; trains nothing."""
    if file:
        raise ValueError(f"plan {file}: a config is given with --config: rnnlimits plan --config {file}")
    from rnnlimits.execution import machine_plan, planned_rows
    from rnnlimits.planning.load import load

    loaded = load(config)
    if power:
        from rnnlimits.analysis.claims import power_table

        with planned_rows.of(loaded, rows or planned_rows.archived(loaded)) as paths:
            typer.echo(printable("\n".join(power_table.lines(power, loaded, paths))))
        return
    typer.echo(printable("\n".join(machine_plan.lines(loaded, json, calibrate, cores))))


def data(
    config: Config = DEFAULT_CONFIG,
    folder: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Where downloaded data lie already.")
    ] = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing", help="Print the tasks without data alone, as RNNLIMITS_WITHOUT takes them."
        ),
    ] = False,
) -> None:
    """Fetch the data that a config's tasks need, and say which of them cannot be had here."""
    from rnnlimits.execution import data_at_hand
    from rnnlimits.planning.load import load
    from rnnlimits.tasks.data import downloads

    loaded = load(config)
    if given := folder or loaded.data:
        os.environ[downloads.DATA_VARIABLE] = str(given)
    gone = []
    for looked in data_at_hand.look(loaded):
        if looked.problem:
            gone.append(looked.page)
            typer.echo(printable(f"{looked.page}: {looked.problem}"), err=True)
        elif looked.facts and not missing:
            typer.echo(printable(f"{looked.page}: {', '.join(looked.facts)}"))
    if missing:
        typer.echo(",".join(gone))
    elif gone:
        raise typer.Exit(1)


def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A claim's id, a figure, a table or a shard.")],
    config: Config = DEFAULT_CONFIG,
    rows: Rows = None,
) -> None:
    """Back from a verdict, figure or table to its rows, and to the code and machine behind them."""
    from rnnlimits.execution import pipeline, reading
    from rnnlimits.planning import page_list
    from rnnlimits.planning.load import load

    kinds = [kind for kind in page_list.kinds_of(name) if kind != "figure"]
    if kinds and name not in pipeline.claims(load(config)):
        raise LookupError(
            f"explain: {name!r} is a page ({' and '.join(kinds)}); expected a claim, a figure, a table or a "
            f"shard; the options of a page: rnnlimits list {name}"
        )

    with reading.rows(config, rows) as (loaded, paths):
        from rnnlimits.analysis.explain import explain

        typer.echo(printable(explain(name, loaded, paths)), nl=False)
