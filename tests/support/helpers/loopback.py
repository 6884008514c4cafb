"""A web server on this machine, which answers for every https address that helpers.data.sources asks."""

import http.server
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from helpers.data import sources

REAL_WEB = sources.web


class Source:
    """Answers every path with one body, counts the requests, and remembers their headers."""

    def __init__(self) -> None:
        self.body, self.status, self.length = b"", 200, None
        self.headers: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked.append(dict(self.headers))
                known = "ETag" in source.headers and self.headers["If-None-Match"] == source.headers["ETag"]
                self.send_response(304 if known else source.status)
                for name, value in source.headers.items():
                    self.send_header(name, value)
                body = b"" if known else source.body
                length = len(body) if source.length is None else source.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return self.server.server_port


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return closed.getsockname()[1]


class _Loopback(HTTPAdapter):
    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        request.url = f"http://127.0.0.1:{self.port}{urlsplit(request.url).path}"
        return super().send(request, **{**options, "proxies": {}})


def answering(port: int) -> requests.Session:
    """The session that helpers.data.sources would ask the web by, whose https goes to this port instead."""
    session = REAL_WEB()
    session.mount("https://", _Loopback(port))
    return session
