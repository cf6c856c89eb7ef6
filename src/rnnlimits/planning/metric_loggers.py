"""Where the numbers of every update go beside the rows, by the word in a config: `log: csv`.

Lightning's own loggers write them.  They change no row, and a package that one of them wants is no part of
this project: `none` and `csv` want none.
"""

from importlib.util import find_spec
from typing import Literal, get_args

Kind = Literal["none", "csv", "tensorboard", "wandb", "mlflow"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The modules of which one must be there, the usual one first; each has the name of its package.
WANTED = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "mlflow": ("mlflow",)}


def check(kind: str) -> None:
    """ValueError, in one line, where its package is missing.

    >>> check("csv")
    """
    wanted = WANTED.get(kind, ())
    if wanted and not any(map(find_spec, wanted)):
        raise ValueError(
            f"log: {kind}: the package {wanted[0]} is not installed here; `pip install {wanted[0]}`, or set "
            "`log: csv`"
        )
