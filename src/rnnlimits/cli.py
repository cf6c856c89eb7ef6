"""The command line: each step of the pipeline by hand; Snakemake types the same commands.

Nothing heavy is imported up here: torch and pandas come in inside the one command that needs them.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rnnlimits.execution import options
from rnnlimits.execution.options import Code, Config, Elsewhere, Json, Planned, Power, Rows, Tf32, folder
from rnnlimits.storage.plain_text import printable

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="What can a recurrent network learn to remember, and why does it forget?",
)


DEFAULT_CONFIG = Path("config/config.yaml")


def main() -> None:
    """The entry point: what a user got wrong is one line on stderr and exit code 1, never a traceback."""
    try:
        if sys.argv[1:2] == ["train"] and "--spec" in sys.argv:
            from rnnlimits.execution import prefork

            if (code := prefork.hand_over()) is not None:
                sys.exit(code)
        app()
    except (ValueError, LookupError, OSError, MemoryError) as error:
        # A missing key or index is our mistake, not the user's: show where.
        if isinstance(error, KeyError | IndexError) or os.environ.get("RNNLIMITS_TRACEBACK"):
            raise
        typer.echo(printable(str(error)), err=True)
        sys.exit(1)


@app.command("list")
def list_pages() -> None:
    """Show every architecture, task, probe, simulation, figure and check, with its options."""
    from rnnlimits.planning import page_list

    typer.echo(printable("\n".join(page_list.lines())))


@app.command()
def plan(
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
    power: Power = None,
    rows: Rows = None,
) -> None:
    """Show the jobs of a config, the long ones first; trains nothing."""
    from rnnlimits.execution import pipeline, planned_rows
    from rnnlimits.planning import plan_table
    from rnnlimits.planning.load import load

    loaded = load(config)
    if power:
        from rnnlimits.analysis.claims import power_table

        with planned_rows.of(loaded, rows or planned_rows.archived(loaded)) as paths:
            typer.echo(printable("\n".join(power_table.lines(power, loaded, paths))))
        return
    jobs = pipeline.here(loaded)
    lines = (shard.to_json() for shard in jobs) if json else plan_table.lines(loaded, jobs)
    typer.echo(printable("\n".join(lines)))


@app.command()
def train(
    spec: Annotated[str, typer.Option(metavar="JSON", help="A shard, as `plan --json` prints it.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The rows file to write.")],
    code: Code = None,
    rows: Annotated[Path | None, folder("Other shards' rows; a refit reads them.")] = None,
    log: Annotated[Path | None, folder("Write metrics here too, for TensorBoard.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or any: as RNNLIMITS_GPU says.")] = "cpu",
    tf32: Tf32 = False,
    jobs_per_gpu: options.JobsPerGpu = 1,
    memory_mb: options.Memory = 0,
    checkpoints: Annotated[Path | None, folder("Keep here what a killed training goes on from.")] = None,
    checkpoint_every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How often, and on SIGTERM; 0: never.")
    ] = 60,
    checkpoint_elsewhere: Elsewhere = "restart",
    data: Annotated[Path | None, folder("Where downloaded data lie already.")] = None,
    seeds: options.Seeds = None,
    part: options.Parts = None,
) -> None:
    """Run one shard: train all its replicas, measure, write its rows."""
    from rnnlimits.catalog import pick
    from rnnlimits.execution import job
    from rnnlimits.planning import gpu, parts, shard_form
    from rnnlimits.planning.job import Job

    pick(device, ["cpu", "cuda", "any"], noun="device")
    pick(checkpoint_elsewhere, ["restart", "refuse"], noun="way to go on")
    if data:
        from rnnlimits.tasks.data import downloads

        os.environ[downloads.DATA_VARIABLE] = str(data)
    shard = shard_form.read(spec)
    job.run(
        Job(
            shard=shard, out=out, rows=rows, log=log, device=gpu.resolved(device), tf32=tf32,
            seeds=parts.asked(seeds, part, shard), parts=tuple(part or ()), jobs_per_gpu=jobs_per_gpu,
            memory_mb=memory_mb, checkpoints=checkpoints, code=code, checkpoint_every_s=checkpoint_every,
            checkpoint_elsewhere=checkpoint_elsewhere,
        )
    )  # fmt: skip


@app.command()
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


@app.command()
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


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A claim's id, a figure, a table or a shard.")],
    config: Config = DEFAULT_CONFIG,
    rows: Rows = None,
) -> None:
    """Back from a verdict, figure or table to its rows, and to the code and machine behind them."""
    from rnnlimits.execution import reading

    with reading.rows(config, rows) as (loaded, paths):
        from rnnlimits.analysis.explain import explain

        typer.echo(printable(explain(name, loaded, paths)), nl=False)


@app.command()
def plot(
    tables: Annotated[Path, folder("The tables.")],
    out: Annotated[Path, folder("Where the figures go.")],
    only: Annotated[str | None, typer.Option(metavar="NAME", help="One figure instead of all.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many figures are drawn at once.")] = 1,
    planned: Planned = None,
) -> None:
    """Tables to figures, each as SVG and PNG."""
    from rnnlimits.execution import reading

    with reading.code(planned, "figures"):
        from rnnlimits.analysis import figures

        figures.plot_all(tables, out, only, processes)


@app.command()
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

    with reading.rows(config, rows, planned, "report") as (loaded, paths):
        from rnnlimits.analysis import report

        report.write(loaded, tables, figures, claims, paths, out)


@app.command()
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

    with reading.config(config, planned, "verdicts") as loaded:  # a mistake is told before pandas is loaded
        from rnnlimits.analysis import verdicts

        verdicts.write(loaded, claims, details, figures, out)


@app.command()
def archive(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The archive, a Parquet file.")],
    config: Config = DEFAULT_CONFIG,
    rows: Rows = None,
    planned: Planned = None,
) -> None:
    """All rows of a config, with the config, in one file: the results of record."""
    from rnnlimits.execution import reading
    from rnnlimits.rows import merge

    with reading.rows(config, rows, planned, complete=True) as (loaded, paths):
        merge(paths, out, loaded.model_dump(mode="json"))


if __name__ == "__main__":
    main()
