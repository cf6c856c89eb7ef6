"""Options that several commands take."""

from pathlib import Path
from typing import Annotated, Any

import typer


def folder(text: str) -> Any:
    """An option that takes a folder."""
    return typer.Option(metavar="DIR", help=text)


Config = Annotated[Path, typer.Option("--config", metavar="FILE", help="The config, a YAML file.")]
Rows = Annotated[
    Path | None,
    typer.Option("--rows", metavar="DIR_OR_FILE", help="A folder or an archive.  [default: RESULTS/rows]"),
]
Planned = Annotated[
    str | None, typer.Option(metavar="DIGESTS", help="Refuse another config or code; the Snakefile sets it.")
]
Code = Annotated[
    str | None, typer.Option(metavar="FINGERPRINT", help="Refuse other code; the Snakefile sets it.")
]
Json = Annotated[bool, typer.Option("--json", help="One spec per line, as `train --spec` takes it.")]
Power = Annotated[
    str | None,
    typer.Option(metavar="CLAIM", help="The seeds that its checks would take, by the rows that are there."),
]
