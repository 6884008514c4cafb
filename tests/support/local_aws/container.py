"""A multi-model container for tests, by the letter of the contract: `container.py`.

It holds as many models as CAPACITY says. A model is a file, answer.txt; the body `crash` ends the process,
`slow` takes long, `held` waits until the file GATE exists, `bad` is refused. A load takes LOAD_SECONDS; where
there is no room for it, the file FULL is written.
"""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])
CAPACITY = int(os.environ.get("CAPACITY", "9"))
loaded: dict[str, str] = {}


class Handler(BaseHTTPRequestHandler):
    """The four requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status: int, body: bytes = b"{}") -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", "toy")
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """Read the request's body."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self) -> None:
        """Answer /ping and /models/NAME."""
        self.answer(200 if self.path == "/ping" or self.path.split("/")[-1] in loaded else 404)

    def do_DELETE(self) -> None:
        """Unload."""
        self.answer(200 if loaded.pop(self.path.split("/")[-1], None) else 404)

    def do_POST(self) -> None:
        """Load or invoke."""
        content = self.body()
        if self.path == "/models":
            request = json.loads(content)
            if request["model_name"] in loaded:
                return self.answer(409)
            if len(loaded) >= CAPACITY:
                if "FULL" in os.environ:
                    Path(os.environ["FULL"]).touch()
                return self.answer(507)
            time.sleep(float(os.environ.get("LOAD_SECONDS", "0")))
            folder = BASE / request["url"].removeprefix("/opt/ml/")
            loaded[request["model_name"]] = (folder / "answer.txt").read_text()
            return self.answer(200)
        name = self.path.split("/")[2]
        if name not in loaded:
            return self.answer(404, b"not loaded")
        if content == b"crash":
            os._exit(1)
        if content == b"slow":
            time.sleep(5)
        while content == b"held" and not Path(os.environ["GATE"]).exists():
            time.sleep(0.02)
        if content == b"bad":
            return self.answer(400, b"three columns expected")
        target = self.headers["X-Amzn-SageMaker-Target-Model"]
        return self.answer(200, f"{loaded[name]} {target} {content.decode()}".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if os.environ.get("BROKEN"):
    raise SystemExit("the weights are missing")
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
