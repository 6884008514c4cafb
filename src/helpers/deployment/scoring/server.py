"""A model server on this machine: the image's `serve` with one model, as a process of its own."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from helpers.deployment.scoring.rows import Request
from helpers.errors import BadInput, JobFailed

__all__ = ["Server", "refusal", "serving"]

START_SECONDS, STOP_SECONDS, ANSWER_SECONDS, POLL_SECONDS = 60, 10, 600, 0.05
BUSY_SECONDS = 120  # for which a request waits for memory that others take
ROW = re.compile(r"\bRow (\d+)")
PROBABILITIES = {"X-Amzn-SageMaker-Custom-Attributes": "probabilities=true"}


class Server:
    """The address of a running server; any thread may ask it."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._local = threading.local()

    def ask(self, request: Request, probabilities: bool) -> bytes:
        """The answer to a request, in CSV.

        Raises:
            BadInput: the model refuses a row; the message names the row of the table.
            JobFailed: the server fails.
        """
        headers = {"Content-Type": request.content_type, "Accept": "text/csv"}
        headers |= PROBABILITIES if probabilities else {}
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            status, answer = self.send("POST", "/invocations", request.body, headers)
            if status != 503 or time.monotonic() > deadline:
                break
            time.sleep(1)
        if status == 200:
            return answer
        said = _sentence(answer)
        if 400 <= status < 500:
            raise BadInput(refusal(said, request.numbers.to_pylist()))
        raise JobFailed(
            f"The model server answers {status} to row {request.numbers[0]} and those after it: {said}"
        )

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send a request over this thread's connection.

        Raises:
            JobFailed: the server does not answer.
        """
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = HTTPConnection(
                "127.0.0.1", self._port, timeout=ANSWER_SECONDS
            )
        try:
            connection.request(method, path, body, headers | {"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as error:
            connection.close()
            raise JobFailed(
                f"The model server no longer answers ({type(error).__name__}); run this again, with "
                "fewer other programs if it ran out of memory."
            ) from None


def _sentence(answer: bytes) -> str:
    try:
        return json.loads(answer)["error"]
    except (ValueError, LookupError, TypeError):
        return answer.decode(errors="replace")[:500]


def refusal(said: str, numbers: Sequence[int]) -> str:
    """What a server says about a row of a request, about the same row of the table, by its number there."""
    numbered = ROW.sub(lambda found: f"Row {numbers[int(found[1]) - 1]}", said, count=1)
    return f"The model refuses the table: {numbered}"


@contextmanager
def serving(base: Path) -> Iterator[Server]:
    """Run `serve` with the model in a folder's `model`, as a container has it under /opt/ml, and end it.

    Raises:
        JobFailed: it does not start; the message quotes its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, log = secrets.token_urlsafe(), base / "log.txt"
    environment = os.environ | {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_MULTI_MODEL": "false",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SERVE_HOST": "127.0.0.1",
        "SERVE_TOKEN": token,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tabular.serving.serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # an interrupt is for the caller, which then ends it
        )
    try:
        server = Server(port, token)
        _wait(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if server.send("GET", "/ping", b"", {})[0] == 200:
                return
        except JobFailed:  # it is not listening yet
            time.sleep(POLL_SECONDS)
    said = log.read_text(errors="replace").strip()[-500:]
    raise JobFailed(f"The model server does not start: {said or 'its log is empty'}")
