"""The command line: each step of the pipeline by hand; Snakemake types the same commands.

    look    what there is and where it comes from: list, plan, data, explain
    train   one job: a shard to its rows
    make    rows to tables, verdicts, figures, pages and the archive
    several what differs between two runs, and the rows of many in one archive: compare, merge

Nothing heavy is imported up here: torch and pandas come in inside the one command that needs them.
"""

import os
import sys
from typing import Annotated

import typer

from rnnlimits import __version__
from rnnlimits.cli import look, make, several, train
from rnnlimits.storage.plain_text import printable

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="What can a recurrent network learn to remember, and why does it forget?",
)
app.command("list")(look.list_pages)
for command in (
    look.plan, look.data, train.train, make.table, make.judge, look.explain, make.plot, make.report,
    make.verdicts, make.archive, several.compare, several.merge,
):  # fmt: skip
    app.command()(command)


def tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rnnlimits {__version__}")
        raise typer.Exit


@app.callback()
def before_any_command(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=tell_version, help="Show the version.")
    ] = False,
) -> None:
    """What can a recurrent network learn to remember, and why does it forget?"""


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
