"""The image's `serve` command in a separate process on this machine, to evaluate models as served."""

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

from tabular.data.splits.held_out import as_csv
from tabular.portable.pickled import SWITCH
from tabular.spec.errors import BadInput

__all__ = ["ServerProcess", "rows_together"]

START_SECONDS = 60
CELLS_PER_REQUEST = 50_000  # far below the largest body that the server reads


def rows_together(rows: Sequence[Sequence[Any]]) -> int:
    """How many of these rows a request has, if nothing else is said."""
    return max(1, CELLS_PER_REQUEST // len(rows[0])) if rows else 1


class ServerProcess:
    """A server that starts on entering the context, is waited for before the first model, and ends with it.

    Args:
        pickles: the algorithms whose models it may unpickle.

    Raises:
        BadInput: if the server does not start, or refuses a model or rows; the message is the server's.
    """

    def __init__(self, pickles: Iterable[str] = ()) -> None:
        self.pickles = frozenset(pickles)

    def __enter__(self) -> "ServerProcess":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.token = secrets.token_urlsafe()  # a laptop has other users, who may connect
        # Without PYTHONPATH, to use the package installed in the image, not the one shipped with the job.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {
            "SAGEMAKER_MULTI_MODEL": "true",
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SERVE_HOST": "127.0.0.1",
            "SERVE_TOKEN": self.token,
            SWITCH: ",".join(sorted(self.pickles)),
        }
        self.process = subprocess.Popen([shutil.which("serve") or "serve"], env=environment, cwd="/")
        self._is_ready = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def load(self, name: str, folder: Path) -> None:
        """Load the model in a folder under a name, once the server has started."""
        if not self._is_ready:
            self._wait()
        with closing(self._connection()) as connection:
            self._request(connection, "POST", "/models", {"model_name": name, "url": str(folder)})

    def predict(
        self,
        name: str,
        rows: list[list[Any]],
        together: int | None = None,
        header: Sequence[str] | None = None,
    ) -> dict[str, list[Any]]:
        """The predictions for all rows, named as in the server's JSON.

        Args:
            name: the model's name.
            rows: the cells of each row.
            together: how many rows a request has; by default, as many as fit.
            header: the names of the columns to send CSV, or none of them for CSV without a header; by
                default, the rows are sent as JSON.
        """
        whole: dict[str, list[Any]] = {"predictions": [], "probabilities": []}
        step = together or rows_together(rows)
        with closing(self._connection()) as connection:
            for start in range(0, len(rows), step):
                some = rows[start : start + step]
                sent = some if header is None else as_csv(some, header)
                part = self._request(connection, "POST", f"/models/{name}/invoke", sent)
                for key, values in whole.items():
                    values.extend(part.get(key, []))
        return whole

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with closing(self._connection()) as connection:
                    self._request(connection, "GET", "/ping")
                self._is_ready = True
                return
            except OSError:
                time.sleep(0.02)
        raise BadInput(f"The server did not start within {START_SECONDS} seconds; its messages are above.")

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def _request(
        self, connection: http.client.HTTPConnection, method: str, path: str, content: object = None
    ) -> dict[str, Any]:
        """Send text as CSV, and anything else as JSON."""
        csv = isinstance(content, str)
        headers = {"Content-Type": "text/csv" if csv else "application/json", "Accept": "application/json"}
        headers["Authorization"] = f"Bearer {self.token}"
        body = None if content is None else content.encode() if csv else json.dumps(content).encode()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise BadInput(f"The server answers {response.status} to {method} {path}: {body.decode()[:500]}")
        return json.loads(body) if body else {}
