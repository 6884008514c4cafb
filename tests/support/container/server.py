"""The real `serve` command on a loopback port, and what SageMaker asks of it."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import HANGS
from support.container.jobs import BIN


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; header names are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANGS)
        content = body.encode() if isinstance(body, str) else body
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, content, names)
            response = connection.getresponse()
            return Answer(response.status, response.getheader("content-type", ""), response.read())
        finally:
            connection.close()

    def load(self, name: str, folder: Path | str) -> Answer:
        return self.ask("POST", "/models", json.dumps({"model_name": name, "url": str(folder)}))

    def unload(self, name: str) -> Answer:
        return self.ask("DELETE", f"/models/{name}")

    def invoke(
        self, name: str, body: Any, content_type: str = "", accept: str = "application/json"
    ) -> Answer:
        """Bytes and text are sent as CSV, anything else as JSON."""
        raw = isinstance(body, bytes | str)
        kind = content_type or ("text/csv" if raw else "application/json")
        content = body if raw else json.dumps(body)
        return self.ask("POST", f"/models/{name}/invoke", content, Content_Type=kind, Accept=accept)

    def begin(self, path: str, body: bytes) -> socket.socket:
        """Send the head of a request for CSV; returns when the server asks for the body.

        It does so once it has found the model: from then on, the request is under way.
        """
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nAccept: text/csv\r\n"
        head += f"Content-Type: text/csv\r\nContent-Length: {len(body)}\r\n\r\n"
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=HANGS)
        connection.sendall(head.encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        return connection


def rest_of(connection: socket.socket) -> Answer:
    """The answer to a request that was begun and whose body was sent."""
    with connection, http.client.HTTPResponse(connection) as response:
        response.begin()
        return Answer(response.status, response.getheader("content-type", ""), response.read())


@contextmanager
def serving(base: Path, multi_model: bool = True, **variables: str) -> Iterator[Served]:
    """Start `serve` as SageMaker does, wait for its first ping, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_MULTI_MODEL": str(multi_model).lower(),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SERVE_HOST": "127.0.0.1",
        **variables,
    }
    process = subprocess.Popen([str(BIN / "serve")], env=environment, stderr=subprocess.PIPE, text=True)
    server = Served(port, process)
    try:
        deadline = time.monotonic() + HANGS
        while True:
            try:
                assert server.ask("GET", "/ping").status == 200
                break
            except OSError:
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline, "no ping"
                time.sleep(0.02)
        yield server
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
