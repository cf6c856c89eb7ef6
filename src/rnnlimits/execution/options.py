"""Options that several commands take."""

from pathlib import Path
from typing import Annotated, Any

import typer

DEFAULT_CONFIG = Path("config/config.yaml")


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
Elsewhere = Annotated[
    str, typer.Option(help="With another machine's checkpoint: restart, or refuse.", metavar="restart|refuse")
]
KeepWeights = Annotated[
    str, typer.Option(help="Whose weights stay beside FILE: chosen, all or none.", metavar="WHICH")
]
LogAs = Annotated[str, typer.Option(help="How: none, csv, tensorboard, wandb or mlflow.", metavar="LOGGER")]
Code = Annotated[
    str | None, typer.Option(metavar="FINGERPRINT", help="Refuse other code; the Snakefile sets it.")
]
Json = Annotated[
    bool, typer.Option("--json", help="One spec per line, as `train --spec` takes it, with its seconds.")
]
Calibrate = Annotated[
    bool, typer.Option("--calibrate", help="First measure how fast this machine is, and keep it for later.")
]
Cores = Annotated[
    int | None,
    typer.Option("--cores", min=1, metavar="N", help="How many jobs at once.  [default: as many as cores]"),
]
Power = Annotated[
    str | None,
    typer.Option(metavar="CLAIM", help="The seeds that its checks would take, by the rows that are there."),
]
Tf32 = Annotated[bool, typer.Option("--tf32", help="Products on a GPU with 10 bits instead of 23.")]
JobsPerGpu = Annotated[
    int, typer.Option(min=1, metavar="N", help="How many jobs of this machine share a GPU.")
]
Memory = Annotated[
    int, typer.Option(metavar="MB", min=0, help="What this job may use.  [default: found here]")
]
Seeds = Annotated[
    str | None,
    typer.Option(metavar="FIRST-LAST", help="Train these seeds alone; FILE gets a part, to be joined."),
]
Parts = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Train nothing: join what --seeds has left; once for each part."),
]
