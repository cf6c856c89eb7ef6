"""Which folders and files a config may name: none whose name Snakemake or a shell would read otherwise.

results: results/$(rm -r x)      refused: letters, digits, _, - and . only
data: /data/my texts             anything in one line without { }; it is quoted where it is used
"""

import re
from pathlib import PurePosixPath

from rnnlimits.planning.config.messages import mistake, short

# A part of a results folder: not hidden, no option of a command, no wildcard.
PART = re.compile(r"\w[\w.-]*")
LONGEST_BYTES = 200  # a file's name may have 255
# What the workflow writes it also removes, so it stays out of the repository's own folders.
NOT_FOR_RESULTS = ("benchmarks", "config", "docs", "results/archive", "src", "tests", "workflow")
# Snakemake takes what stands in braces for a wildcard; a message and a log hold a path in one line.
NOWHERE = re.compile(r"[{}\x00-\x1f\x7f-\x9f\u2028\u2029]")


def results_folder(text: str) -> str:
    """The folder that everything is written into, written in one way: below the working directory."""
    path = PurePosixPath(text)
    if not path.parts or ".." in path.parts or path.is_absolute() or "\\" in text:
        raise mistake(f"got {short(text)}; expected a relative folder below the working directory")
    if not all(map(PART.fullmatch, path.parts)) or len(text.encode()) > LONGEST_BYTES:
        wanted = f"letters, digits, _, - and ., in each part first a letter, {LONGEST_BYTES} bytes at most"
        raise mistake(f"got {short(text)}; expected {wanted}")
    if taken := [name for name in NOT_FOR_RESULTS if path.is_relative_to(name)]:
        raise mistake(f"got {short(text)}; expected another folder, as {taken[0]}/ holds other things")
    return str(path)


def plain_path(text: str) -> str:
    """A path that is only read; it may lie anywhere."""
    if problem := problem_of(text):
        raise mistake(problem)
    return text


def problem_of(text: str) -> str | None:
    """What is wrong with a path of the config's or of the command line's.

    >>> problem_of("my {texts}")
    "got 'my {texts}'; expected a path without '{'"
    >>> problem_of("my texts")
    """
    if not text:
        return "got ''; expected a path, or no such key"
    found = NOWHERE.search(text)
    return found and f"got {short(text)}; expected a path without {found[0]!r}"
