"""One line that is renewed on a terminal, and written now and then elsewhere."""

import io
import time

from rnnlimits.execution import status_line
from rnnlimits.execution.status_line import ERASED, StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_line_is_erased_before_anything_else_stands_there(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("TERM", "xterm")
    status = StatusLine(Terminal())
    status.line = lambda: "61 % done, and much more than fits"
    status.show()
    status.say("failed: a job")
    status.show()
    status.close()
    shown = "61 % done, and muc…"
    assert status.stream.getvalue() == f"{shown}{ERASED}failed: a job\n{shown}{ERASED}"


def test_elsewhere_each_line_stays_and_begins_with_the_time():
    status = StatusLine(io.StringIO())
    status.line = lambda: "61 % done\x1b[2J"
    status.show()
    written = status.stream.getvalue()
    assert written.endswith("  61 % done\\x1b[2J\n"), "no command reaches a terminal"
    assert written[2] == ":"


def test_it_is_renewed_by_itself_until_it_is_closed(monkeypatch):
    monkeypatch.setattr(status_line, "RENEWED_S", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    status, asked = StatusLine(Terminal()), []

    def line() -> str:
        asked.append(None)
        return str(len(asked))

    status.follow(line)
    end_s = time.monotonic() + 10
    while len(asked) < 3:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    status.close()
    written = status.stream.getvalue()
    time.sleep(0.05)
    assert status.stream.getvalue() == written
    assert written.startswith(f"1{ERASED}2{ERASED}")
