"""Keeps a state of Terraform by HTTP, so that an apply stores it once, at its end.

In a file, Terraform would store it after each of a hundred resources, for a fifth of the time of an apply:
https://developer.hashicorp.com/terraform/language/backend/http.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["override"]


@contextmanager
def override() -> Iterator[str]:
    """Yield the text of an override file under which one configuration has its state here."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler())
    thread = threading.Thread(target=server.serve_forever, args=(0.2,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/state"
    try:
        yield f'terraform {{\n  backend "http" {{\n    address = "{address}"\n  }}\n}}\n'
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler() -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests about one state, which does not exist at first."""
    stored: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200 if stored else 404, *stored)

        def do_POST(self) -> None:
            stored[:] = [self.rfile.read(int(self.headers["Content-Length"]))]
            self._answer(200)

        def _answer(self, status: int, content: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    return Handler
