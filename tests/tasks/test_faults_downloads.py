"""A download that goes wrong over a real socket: nothing wrong is kept, and one message says what came."""

import functools
import hashlib
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnnlimits.tasks.data import downloads, text

TEXT = b"To be, or not to be, that is the question.\n" * 2000
PAGE = b"<!DOCTYPE html>\n<html><body>Please accept our terms.</body></html>"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Handler(BaseHTTPRequestHandler):
    answers: list[Answer]  # one after the other, the last for ever

    def do_GET(self):
        answers = type(self).answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *arguments):
        pass


def send(handler, content=TEXT, status=200, promised=None):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(content)


def broken_off(handler):
    send(handler, TEXT[:5000], promised=len(TEXT))


def broken_off_without_a_length(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(TEXT[:5000])


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(TEXT)
    except OSError:  # the client had enough
        handler.close_connection = True


def flipped(content: bytes) -> bytes:
    return content[:700] + bytes([content[700] ^ 1]) + content[701:]


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Sets what the two addresses answer; gives the folder that the text is kept in."""
    cache = tmp_path / "cache"
    monkeypatch.delenv(downloads.DATA_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(cache))
    monkeypatch.setattr(text, "TINY_SHAKESPEARE_SHA256", hashlib.sha256(TEXT).hexdigest())
    monkeypatch.setattr(text, "TINY_SHAKESPEARE_CHARACTERS", len(TEXT))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    own = type("Own", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(text, "TINY_SHAKESPEARE_URLS", (f"{address}/first", f"{address}/mirror"))
    text._read_corpus.cache_clear()

    def answer(*answers: Answer) -> Path:
        own.answers = list(answers)
        return cache

    yield answer
    server.shutdown()
    server.server_close()
    text._read_corpus.cache_clear()


FAULTS = {
    "broken off": (broken_off, "IncompleteRead"),
    "broken off, no length told": (broken_off_without_a_length, "does not match the known hash"),
    "an HTML page with 200": (functools.partial(send, content=PAGE), "got a web page; expected the text"),
    "an HTML page with 503": (functools.partial(send, content=PAGE, status=503), "503 Server Error"),
    "not there any more": (functools.partial(send, content=b"", status=404), "404 Client Error"),
    "empty": (functools.partial(send, content=b""), "does not match the known hash"),
    "a flipped bit": (functools.partial(send, content=flipped(TEXT)), "does not match the known hash"),
    "too long": (endless, "got more than 86,000 bytes; expected the text of that size"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_download_that_goes_wrong_leaves_nothing_and_says_what_came(serve, fault):
    answer, said = FAULTS[fault]
    cache = serve(answer)
    with pytest.raises(LookupError) as refused:
        text.corpus("tiny_shakespeare")
    lines = str(refused.value).splitlines()
    assert [line.strip() for line in lines if line.startswith("  h")] == list(text.TINY_SHAKESPEARE_URLS)
    assert sum(said in line for line in lines) == 2, lines  # of each address
    assert "set `data: FOLDER` in the config" in lines[-1]
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_the_mirror_makes_good_for_the_first_address_and_the_next_run_asks_nobody(serve, fault):
    cache = serve(FAULTS[fault][0], send)
    assert text.corpus("tiny_shakespeare").text.encode() == TEXT
    assert [path.read_bytes() for path in cache.iterdir()] == [TEXT]
    text._read_corpus.cache_clear()
    serve(functools.partial(send, status=500))
    assert text.corpus("tiny_shakespeare").text.encode() == TEXT


def test_every_download_is_over_https_and_pinned():
    assert all(url.startswith("https://") for url in text.TINY_SHAKESPEARE_URLS)
    assert re.fullmatch(r"[0-9a-f]{64}", text.TINY_SHAKESPEARE_SHA256)
    for file in Path(text.__file__).parent.rglob("*.py"):
        code = file.read_text(encoding="utf-8")
        assert not re.search(r"http://(?!www\.w3\.org/)", code), file
        # The one call that fetches anything names the sum.
        assert all("sha256:" in call for call in re.findall(r"pooch\.retrieve\([^)]*", code)), file
        assert not re.search(r"\burlopen\(|\burlretrieve\(|\brequests\.|\bhttpx\.", code), file
