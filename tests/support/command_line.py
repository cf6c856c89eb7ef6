"""`rnnlimits ...` in this process."""

import sys

from rnnlimits import cli


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of `rnnlimits ...`, in this process."""
    monkeypatch.setattr(sys, "argv", ["rnnlimits", *map(str, arguments)])
    try:
        cli.main()
        code = 0
    except SystemExit as leave:
        code = int(leave.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err
