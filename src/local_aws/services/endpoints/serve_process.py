"""The container of an endpoint or a transform job: `serve` as a process, watched and restarted."""

import contextlib
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_aws.compute.workers import Command, Worker, Workers
from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.core.faults import log_exception
from local_aws.core.http_client import Answer, Connection
from local_aws.services.jobs.run import failure_reason

__all__ = ["Answer", "Container"]

_START_SECONDS = 240  # a container must answer /ping within four minutes of its start
_PING_SECONDS = 2
_POLL_SECONDS = 0.05
_RESTART_SECONDS = (0.1, 0.5, 1, 2, 5)


class Container:
    """A `serve` process that is kept running, and the connections to it."""

    def __init__(
        self,
        account: Account,
        workers: Workers,
        folder: Path,
        role_arn: str,
        environment: Mapping[str, str],
        command: Sequence[str] = ("serve",),
        multi_model: bool = True,
    ) -> None:
        self._account, self._workers, self.folder = account, workers, folder
        self._role_arn, self._environment, self._command = role_arn, dict(environment), command
        self._multi_model = multi_model
        self._connections: deque[Connection] = deque()  # idle, the one used last at the end
        self._closing = threading.Event()
        self._worker: Worker | None = None
        self._port, self._token = 0, secrets.token_urlsafe()
        self._watcher = threading.Thread(target=self._watch, name=f"endpoint-{folder.name}", daemon=True)
        self.log = folder / "log.txt"
        self.healthy = threading.Event()
        self.starts = 0

    def start(self) -> None:
        """Run `serve` until it is healthy.

        Raises:
            AwsError: It did not become healthy; the message has the log's last lines. Or it was closed.
        """
        if self._closing.is_set():
            raise AwsError("EndpointFailed", "The container was closed before it started.")
        (self.folder / "ml" / "models").mkdir(parents=True, exist_ok=True)
        self._launch()
        if not self._wait_until_healthy():
            self._end_worker()
            raise AwsError("EndpointFailed", failure_reason("The container did not pass its ping.", self.log))
        self._watcher.start()

    def close(self) -> None:
        """Stop the process."""
        self._closing.set()
        self.healthy.clear()
        self._end_worker()
        if self._watcher.is_alive():
            self._watcher.join()
        self._drop_connections()

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        seconds: float = 60,
    ) -> Answer:
        """Send a request to the container.

        Raises:
            TimeoutError: The container did not answer in time.
            ConnectionError: The container is not running, or closed the connection.
        """
        if not self.healthy.is_set():
            raise ConnectionError("the container is not in service")
        asked = {**(headers or {}), **self._authorization}
        try:
            connection = self._connection(seconds)
        except OSError as error:
            raise ConnectionError(str(error)) from error
        try:
            answer, is_open = connection.request(method, path, body, asked, seconds)
        except TimeoutError:
            connection.close()
            raise
        except OSError as error:
            connection.close()
            raise ConnectionError(str(error)) from error
        if is_open:
            self._connections.append(connection)
        else:
            connection.close()
        return answer

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _connection(self, seconds: float) -> Connection:
        """Return an open connection, or a new one."""
        with contextlib.suppress(IndexError):
            connection = self._connections.pop()
            if connection.port == self._port and not connection.is_closed:
                return connection
            connection.close()
        return Connection(self._port, seconds)

    def _launch(self) -> None:
        self._port = _free_port()
        environment = self._account.environment(
            self._role_arn,
            {
                **self._environment,
                "SAGEMAKER_MULTI_MODEL": "true" if self._multi_model else "false",
                "SAGEMAKER_BIND_TO_PORT": str(self._port),
                # Other users of this machine can connect, and so can pages in a browser.
                "SERVE_HOST": "127.0.0.1",
                "SERVE_TOKEN": self._token,
                "SAGEMAKER_SAFE_PORT_RANGE": "25000-25999",
                "SAGEMAKER_BASE_DIR": str(self.folder / "ml"),
            },
        )
        # A new process, not a fork of the warm one: it loads only the modules that it would load in its
        # image.
        self._worker = self._workers.start(
            Command(self._command, environment, self.folder, self.log, self.folder / "ml", fork=False)
        )
        self.starts += 1

    def _wait_until_healthy(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and not self._closing.is_set():
            if self._worker.wait(0) is not None:
                return False
            if self._ping():
                self.healthy.set()
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _ping(self) -> bool:
        try:
            connection = Connection(self._port, _PING_SECONDS)
        except OSError:
            return False
        try:
            answer, _ = connection.request("GET", "/ping", b"", self._authorization, _PING_SECONDS)
        except OSError:
            return False
        finally:
            connection.close()
        return answer[0] == 200

    def _watch(self) -> None:
        """Restart the container whenever it exits."""
        attempt = 0
        while not self._closing.is_set():
            self._worker.wait(None)
            self.healthy.clear()
            self._drop_connections()
            if self._closing.wait(_RESTART_SECONDS[min(attempt, len(_RESTART_SECONDS) - 1)]):
                return
            attempt = 0 if self._is_up_again() else attempt + 1
        self._end_worker()

    def _is_up_again(self) -> bool:
        try:
            self._launch()
        except OSError:  # such as a full disk, on which there is no log either; it is tried again
            log_exception()
            return False
        return self._wait_until_healthy()

    def _end_worker(self) -> None:
        if self._worker is not None:
            Workers.end(self._worker)

    def _drop_connections(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._connections.pop().close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
