"""The last lines of a run: its verdicts by kind, how long it took, and the page to open."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rnnlimits.planning import duration

# The most telling first; others, if there ever are any, after them.
KINDS = ("reproduced", "contradicted", "undecided", "not run")


def lines(outputs: Iterable[str], seconds: float) -> str:
    """Of a run whose jobs have these files: what it has come to, in a few lines."""
    files = [Path(file) for file in outputs]
    judged = [file for file in files if file.name == "claims.csv"]
    pages = [file for file in files if file.suffix == ".html"]
    # A claim that is judged alone has its verdict beside its page.
    judged += [file.parent / "only" / file.stem / "claims.csv" for file in pages if not judged]
    # The report is the whole; it links to the others.
    pages.sort(key=lambda file: (file.name != "report.html", file.name))
    said = [verdicts(file) for file in judged if file.is_file()]
    opened = [f"open {' or '.join(map(str, pages))}"] if pages else []
    return "\n".join([*filter(None, said), f"done in {duration.in_words(seconds)}", *opened])


def verdicts(file: Path) -> str:
    """How many claims have which verdict; nothing where no claim is judged."""
    with file.open(encoding="utf-8", newline="") as table:
        counts = Counter(claim["verdict"] for claim in csv.DictReader(table))
    kinds = [*KINDS, *sorted(counts.keys() - {*KINDS})]
    told = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind])
    claims = "claim" if counts.total() == 1 else "claims"
    return f"verdicts on {counts.total()} {claims}: {told}" if told else ""
