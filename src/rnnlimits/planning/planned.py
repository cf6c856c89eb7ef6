"""What a run was planned with: a command of it works with the same, or not at all.

A file may be edited while a run is at work and be put back afterwards; what was made meanwhile would then
look like all the rest.  So the Snakefile tells each command what it has planned, and the command compares:

    rnnlimits train --code 3f2a...                               the code behind one shard
    rnnlimits table --planned config=3f2a...,claims=9a41...      what was read, and the code that reads it

A cluster's job has a Snakemake of its own, which plans anew.  A variable tells it what the first has planned.
"""

import functools
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rnnlimits import catalog
from rnnlimits.planning import provenance
from rnnlimits.planning.config.schema import Config
from rnnlimits.planning.shard import Shard

VARIABLE = "RNNLIMITS_PLANNED"
DIGITS = 16  # of a hash: enough to tell any two versions of a file apart
REMEDY = "start the run again"


def announce(config: Config, shards: Iterable[Shard], first: bool) -> None:
    """Called where Snakemake reads its rules: the first one says what it plans, others must find the same."""
    if first:
        behind = sorted({file for shard in shards for file in provenance.files(shard)})
        read = provenance.files_of_products(*provenance.MADE_WITH)
        plan = {"config": _of_config(config), "code": _of_files(behind), "texts": _of_files(read, texts=True)}
        os.environ[VARIABLE] = json.dumps(plan)
    elif (planned := _announced().get("config")) not in (None, found := _of_config(config)):
        raise ValueError(_other("the config", found, planned))


def code(shard: Shard) -> str:
    """The fingerprint that was planned for a shard, as `train --code` takes it; "edited" where it is lost."""
    return "edited" if edited(provenance.files(shard)) else provenance.fingerprint(shard)


def edited(files: Iterable[Path], texts: bool = False) -> list[str]:
    """Those of the files that say something else than when the run was planned, as far as that is known.

    With `texts`, in a docstring, too.
    """
    planned = _announced().get("texts" if texts else "code")
    return [
        name for name, digest in _of_files(files, texts).items() if planned and planned.get(name) != digest
    ]


def check_code(shard: Shard, planned: str | None) -> None:
    """A ValueError where the code behind a shard is not what was planned."""
    if planned is not None and (found := provenance.fingerprint(shard)) != planned:
        what = ", ".join(edited(provenance.files(shard))) or f"the code behind {shard.id}"
        raise ValueError(f"{_other(what, found, planned)}; nothing was trained")


def of(config: Config | None, *products: str) -> str:
    """What a command that makes these products has to find, as its `--planned` takes it."""
    return ",".join(f"{what}={digest}" for what, digest in _found(config, products).items())


def check(config: Config | None, products: Iterable[str], planned: str | None) -> None:
    """A ValueError where config, claims or code are not what was planned."""
    if planned is None:
        return
    found = _found(config, products)
    wanted = dict(part.partition("=")[::2] for part in planned.split(","))
    if wanted.keys() != found.keys():
        raise ValueError(
            f"--planned: got {planned!r}; expected {','.join(f'{what}=...' for what in found)}, as the "
            "Snakefile gives it; leave it out where you type a command yourself"
        )
    for what, digest in found.items():
        if digest != wanted[what]:
            files = provenance.files_of_products(*products) if what == "code" else []
            raise ValueError(
                _other(", ".join(edited(files, texts=True)) or f"the {what}", digest, wanted[what])
            )


def _found(config: Config | None, products: Iterable[str]) -> dict[str, str]:
    read = {} if config is None else {"config": _of_config(config), "claims": _digest(config.claims_content)}
    return read | {"code": provenance.fingerprint_of_products(*products)[:DIGITS]}


def _of_config(config: Config) -> str:
    return _digest(config.model_dump(mode="json"))


def _of_files(files: Iterable[Path], texts: bool = False) -> dict[str, str]:
    return {_name(file): provenance.digest_of(file, texts)[:DIGITS] for file in files}


def _digest(content: object) -> str:
    """Of what is said, not of how: a comment, or another order of the keys, is no edit."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _announced() -> dict[str, Any]:
    return _parsed(os.environ.get(VARIABLE) or "{}")


@functools.cache
def _parsed(text: str) -> dict[str, Any]:
    """Thousands of shards ask, and nobody changes it."""
    found: dict[str, Any] = json.loads(text)
    return found


@functools.cache
def _name(file: Path) -> str:
    return f"src/rnnlimits/{file.relative_to(catalog.PACKAGE).as_posix()}"


def _other(what: str, found: str, planned: str) -> str:
    hashes = f"got {found[:DIGITS]}; expected {planned[:DIGITS]}"
    return f"{what}: edited after this run was planned ({hashes}); {REMEDY}"
