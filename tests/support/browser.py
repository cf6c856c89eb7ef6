"""A headless Chromium, spoken to over a pipe in its DevTools protocol: real keys, real layout, no driver."""

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --remote-debugging-pipe"
)

# WCAG 2: relative luminance, and the contrast of a text with the first solid ground behind it.
CONTRASTS = """(selector => {
  const parts = text => text.match(/[0-9.]+/g).map(Number);
  const light = text => {
    const [r, g, b] = parts(text).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    const color = getComputedStyle(e).backgroundColor;
    return parts(color)[3] === 0 ? ground(e.parentElement) : color;
  };
  return [...document.querySelectorAll(selector)].map(e => {
    const [dark, bright] = [light(getComputedStyle(e).color), light(ground(e))].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  });
})"""


class Browser:
    """One page of a fresh browser; `events` collects everything that the browser reports about it."""

    def __init__(self, url: str) -> None:
        self.events: list[dict] = []
        self._ids = itertools.count(1)
        self._folder = tempfile.mkdtemp()
        read, self._out = os.pipe()
        self._in, write = os.pipe()
        # The browser reads commands from file 3 and writes answers to file 4, so ours must lie above these.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read, write)]
        own = f"--user-data-dir={self._folder} about:blank 3<&{ends[0]} 4>&{ends[1]}"
        command = ["bash", "-c", f'exec "{CHROMIUM}" {FLAGS} {own}']
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=ends, stdout=quiet, stderr=quiet)
        for end in (read, write, *ends):
            os.close(end)
        self._waiting, self._session = b"", {}
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = {
            "sessionId": self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        }
        for domain in ("Page", "Network", "Log", "Runtime"):
            self(f"{domain}.enable")
        self("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._message())

    def __call__(self, method: str, **parameters):
        """A command of the protocol, and its answer."""
        number = next(self._ids)
        text = json.dumps({"id": number, "method": method, "params": parameters, **self._session})
        os.write(self._out, text.encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def run(self, script: str):
        """The value of a JavaScript expression in the page."""
        answer = self("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def emulate(self, width: int = 1200, scheme: str = "light") -> None:
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def pdf(self) -> bytes:
        return base64.b64decode(self("Page.printToPDF", printBackground=False)["data"])

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        for number in (self._in, self._out):
            os.close(number)
        shutil.rmtree(Path(self._folder), ignore_errors=True)

    def _message(self) -> dict:
        while b"\0" not in self._waiting:
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser has gone"
            self._waiting += chunk
        text, self._waiting = self._waiting.split(b"\0", 1)
        return json.loads(text)
