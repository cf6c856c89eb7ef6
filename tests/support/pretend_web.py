"""Stands in for the web: address -> content, or no answer."""

import pooch


class Server:
    def __init__(self, contents: dict[str, bytes]):
        self.contents = contents
        self.asked: list[str] = []

    def __call__(self, url, output_file, pooch):
        self.asked.append(url)
        if url not in self.contents:
            raise ConnectionError("no route\nto host")
        output_file.write(self.contents[url])


def serve(monkeypatch, contents: dict[str, bytes]) -> Server:
    server = Server(contents)
    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: server)
    return server
