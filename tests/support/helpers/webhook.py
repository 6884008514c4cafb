"""A receiver of webhooks on this machine, which remembers what it was sent."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Webhook", "webhook"]


class Webhook:
    """Answers each request with the next of `answers`, and with the last one from then on."""

    def __init__(self, answers: list[int]) -> None:
        self.received: list[tuple[str, Any]] = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append((self.path, json.loads(body)))
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/SECRET?key=SECRET"


@contextmanager
def webhook(*answers: int) -> Iterator[Webhook]:
    """A receiver that is up within the context."""
    hook = Webhook(list(answers or (200,)))
    thread = threading.Thread(target=hook.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        thread.join()
        hook.server.server_close()
