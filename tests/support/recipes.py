"""The recipes for contributors, as steps."""

import re

from support.repository_copy import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


STEP = re.compile(
    r"Write `(?P<new>[^`]+)`:\n\n```\w+\n(?P<content>.*?)```"
    r"|Add (?:under `(?P<under>[^`]+)`|at the top) of `(?P<old>[^`]+)`:\n\n```yaml\n(?P<line>.*?)```"
    r"|\n```bash\n(?P<commands>.*?)```",
    re.DOTALL,
)


def section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
