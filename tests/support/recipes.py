"""The recipes for contributors, as steps."""

import re

from support.repository_copy import ROOT

FILE = ROOT / "docs" / "recipes.md"
TEXT = FILE.read_text(encoding="utf-8")


STEP = re.compile(
    r"Write `(?P<new>[^`]+)`:\n\n```\w+\n(?P<content>.*?)```"
    r"|Add (?:under `(?P<under>[^`]+)`|at the top) of `(?P<old>[^`]+)`:\n\n```\w+\n(?P<line>.*?)```"
    r"|In\s`(?P<edited>[^`]+)` replace:\n\n```\w+\n(?P<before>.*?)```\n\nby:\n\n```\w+\n(?P<after>.*?)```"
    r"|\n```bash\n(?P<commands>.*?)```",
    re.DOTALL,
)


def section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def headings() -> list[str]:
    return re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
