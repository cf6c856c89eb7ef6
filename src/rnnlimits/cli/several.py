"""Several runs: what differs between two, and the rows of many in one archive."""

from pathlib import Path
from typing import Annotated

import typer

from rnnlimits.storage.plain_text import printable

DIFFERENT = 3  # 1 is a mistake of the caller, 2 one that the command line finds
WHERE = "A results folder, an archive's folder, its name, or a rows file."


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=WHERE)],
    second: Annotated[str, typer.Argument(metavar="B", help="The same, of another run.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="All that differs, a CSV file.")] = None,
) -> None:
    """What differs between two runs: results, verdicts, config, code, versions, machine.

    Exit code 0: no number and no verdict does; 3: some do.
    """
    from rnnlimits.rows import places

    one, other = places.find(first), places.find(second)
    from rnnlimits.analysis import differences
    from rnnlimits.analysis.differences import shown

    found = differences.between(one, other)
    if out:
        differences.write(found, out)
    typer.echo(printable("\n".join(shown.lines(found))))
    if found.anything:
        raise typer.Exit(DIFFERENT)


def merge(
    runs: Annotated[list[str], typer.Argument(metavar="A B ...", help=WHERE)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The archive, a Parquet file.")],
    prefer: Annotated[
        str | None, typer.Option(metavar="FIRST|NAME", help="Whose rows count where two have different ones.")
    ] = None,
) -> None:
    """The rows of several runs in one archive, each shard from one of them; it is recorded from which."""
    from rnnlimits.rows import merging, places

    found = [places.find(run) for run in runs]
    if any(out.resolve() == file.resolve() for place in found for file in place.files):
        raise ValueError(f"merge: --out {out}: got a file that is read; name another one")
    merged = merging.choose([merging.read(place) for place in found], prefer)
    if merged.contradicted:
        from rnnlimits.analysis.differences import contradictions

        said = contradictions.lines(merged.contradicted, {place.label: place for place in found})
        typer.echo(printable("\n".join(said)), err=True)
    if undecided := merged.undecided:
        labels = " or ".join(dict.fromkeys(one.label for them in undecided.values() for one in them))
        shards = "1 shard has" if len(undecided) == 1 else f"{len(undecided)} shards have"
        raise ValueError(
            f"merge: {shards} different rows, listed above; nothing was written; say whose count: "
            f"--prefer {merging.FIRST}, or --prefer {labels}"
        )
    merging.write(merged, out)
    typer.echo(printable("\n".join(merging.told(merged, out))))
