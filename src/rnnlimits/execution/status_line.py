"""One line that says how a run is getting on: renewed on a terminal, written once a minute elsewhere.

Whatever else is said to the person stands above it.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from rnnlimits.storage.plain_text import printable

RENEWED_S, WRITTEN_S, FIRST_S = 1.0, 60.0, 5.0
ERASED = "\r\x1b[K"  # back to the first column, and nothing to the right of it


class StatusLine:
    """`line` is asked for what to show; it may be asked at any time, by a thread of its own."""

    def __init__(self, stream: TextIO | None = None):
        self.stream = stream or sys.stderr
        self.renewed = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.line: Callable[[], str] | None = None
        self.shown = False
        self.over = threading.Event()
        self.lock = threading.RLock()

    def follow(self, line: Callable[[], str]) -> None:
        """From now on, until `close`."""
        self.line = line
        threading.Thread(target=self._renew, daemon=True).start()

    def say(self, text: str) -> None:
        """Lines that stay."""
        with self.lock:
            self._erase()
            self.stream.write(f"{printable(text)}\n")
            self.stream.flush()

    def close(self) -> None:
        """No more of it."""
        self.over.set()
        with self.lock:
            self._erase()

    def show(self) -> None:
        """The line, as it is now."""
        assert self.line is not None, "nothing is followed"
        text = printable(self.line())
        with self.lock:
            if self.over.is_set():
                return
            self._erase()
            if self.renewed:
                width = shutil.get_terminal_size().columns - 1
                self.stream.write(text if len(text) <= width else f"{text[: width - 1]}…")
                self.shown = True
            else:
                self.stream.write(f"{time.strftime('%H:%M')}  {text}\n")
            self.stream.flush()

    def _renew(self) -> None:
        wait_s = RENEWED_S if self.renewed else FIRST_S
        while not self.over.wait(wait_s):
            self.show()
            wait_s = RENEWED_S if self.renewed else WRITTEN_S

    def _erase(self) -> None:
        if self.shown:
            self.stream.write(ERASED)
            self.shown = False
