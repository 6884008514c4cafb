"""A SageMaker runtime on this machine, whose answers a test announces."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Runtime", "running"]

FIELDS = {
    "X-Amzn-SageMaker-Target-Model": "TargetModel",
    "X-Amzn-SageMaker-Custom-Attributes": "CustomAttributes",
    "Content-Type": "ContentType",
    "Accept": "Accept",
}


class Runtime:
    """Answers as announced, one after the other, and keeps what it was asked.

    Attributes:
        url: Its address.
        asked: What was asked, by the names of InvokeEndpoint's fields.
        headers: The headers of the last request.
        connections: How many connections were made to it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.forget()

    def forget(self) -> None:
        """Drop what was announced and asked."""
        self.asked: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.connections = 0
        self._announced: list[tuple[int, dict[str, str], bytes] | None] = []

    @property
    def pending(self) -> int:
        """How many announced answers nobody has asked for."""
        return len(self._announced)

    def answers(self, body: bytes, content_type: str = "text/csv", **headers: str) -> None:
        """Announce an answer."""
        self._announced.append((200, {"Content-Type": content_type, **headers}, body))

    def fails(self, code: str, message: str = "", status: int = 400, **fields: Any) -> None:
        """Announce a refusal as AWS writes it."""
        body = json.dumps({"Message": message, **fields}).encode()
        self._announced.append((status, {"x-amzn-ErrorType": f"{code}:http://internal/"}, body))

    def breaks(self) -> None:
        """Announce that the connection is closed without an answer."""
        self._announced.append(None)

    def reply(self, endpoint: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        """Note a request and return the next answer; one that nobody announced is a 500."""
        named = {field: headers[name] for name, field in FIELDS.items() if name in headers}
        self.asked.append({"EndpointName": endpoint, "Body": body, **named})
        self.headers = {name.lower(): value for name, value in headers.items()}
        return self._announced.pop(0) if self._announced else (500, {}, b"nothing was announced")


@contextlib.contextmanager
def running() -> Iterator[Runtime]:
    """Run one in a thread."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            runtime.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = runtime.reply(self.path.split("/")[2], self.headers, body)
            if reply is None:
                self.close_connection = True
                return
            status, headers, content = reply
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    runtime = Runtime(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield runtime
    finally:
        server.shutdown()
        server.server_close()
