"""A threaded HTTP server that keeps connections open.

werkzeug's own server closes every connection, which would cost a load test more than the work it measures.
"""

import io
import json
import socketserver
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from local_aws.core.faults import log_exception
from local_aws.core.moto import MotoRequestHandler
from local_aws.core.wire import Reply, Request

__all__ = ["Listener"]


class _Handler(MotoRequestHandler):
    """One connection. moto makes the WSGI environ; bodies are read and answers written here."""

    server: "Listener"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def run_wsgi(self) -> None:
        """Answer one request and leave the connection at the start of the next."""
        environ = self.make_environ()
        try:
            body = self._read_body(environ)
        except (OSError, ValueError) as error:
            self.close_connection = True
            self.send_error(400, f"The request body cannot be read: {error}")
            return
        environ.pop("wsgi.input_terminated", None)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        reply = self.server.answer(Request(environ))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        bodiless = reply.status in (204, 304)
        if not bodiless and not any(name.lower() == "content-length" for name in reply.headers):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if not bodiless and self.command != "HEAD":
            self.wfile.write(reply.body)

    def handle_expect_100(self) -> bool:
        """Answer `100 Continue` immediately: boto3 waits up to a second for it before it sends an object."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return environ["wsgi.input"].read()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length < 0:
            raise ValueError("negative Content-Length")
        body = self.rfile.read(length)
        if len(body) < length:
            raise OSError("the connection was closed too early")
        return body

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer requests that are not valid HTTP as AWS does: with a small document, not an HTML page."""
        content = json.dumps({"__type": "BadRequest", "message": message or explain or ""}).encode()
        self.close_connection = True
        self.request_version = self.protocol_version
        self.send_response(code)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Write the status line without logging it: a load test would log thousands of lines."""
        self.send_response_only(code, message)
        self.send_header("Server", "local_aws")
        self.send_header("Date", self.date_time_string())

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing here: errors are logged where they are handled."""

    def handle(self) -> None:
        """Answer requests until the client goes away."""
        try:
            BaseHTTPRequestHandler.handle(self)
        except (ConnectionError, TimeoutError):
            self.close_connection = True


class Listener(socketserver.ThreadingTCPServer):
    """Lets a function answer the requests to 127.0.0.1, with one thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # Required by werkzeug's request handler.
    ssl_context = None
    multithread = True
    multiprocess = False
    _server_version = "local_aws"

    def __init__(self, answer: Callable[[Request], Reply], port: int = 0) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The address that clients call."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong in a connection's thread."""
        log_exception()
