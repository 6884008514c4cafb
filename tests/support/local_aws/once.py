"""What all tests of a process read once: botocore's descriptions of services, and local_aws's imports."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.loaders import Loader

from local_aws.core.account import ACCOUNT_ID, ACCOUNT_VARIABLE
from local_aws.lifecycle import daemon
from local_aws.lifecycle.home import Home

__all__ = ["WarmServers", "serve", "share_descriptions"]

# The command lines of the servers are written over the second argument, see _say.
PROGRAM = "import gc, sys; gc.disable(); sys.path.append(sys.argv[1]); from {} import serve; serve({})"
LONGEST = 4096  # bytes of a command line
ARGUMENTS = 45, 46  # where they begin and end in memory: fields 48 and 49 of proc_pid_stat(5), without two


class _Shared(Loader):
    @property
    def search_paths(self) -> list[str]:
        """A copy, because every session of boto3 adds its own folder, which is there already."""
        return list(super().search_paths)


_MODELS = _Shared([f"{os.path.dirname(boto3.__file__)}/data"])  # noqa: PTH120


def share_descriptions() -> None:
    """Let all sessions have the same descriptions.

    Each session would read them again: half a tenth of a second for every client.
    """
    botocore.session.create_loader = lambda _path: _MODELS


class WarmServers:
    """Starts the servers of local_aws as forks of a process that has imported what they import.

    A server that starts by itself imports for most of a second. What `many-models` starts in a process of its
    own does that in the tests, too, and so do the servers of other accounts.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._launch = daemon._launch

    def launch(self, place: Home, arguments: list[str]) -> Any:
        """Stand in for the function of this name in `local_aws.lifecycle.daemon`."""
        if sys.platform != "linux" or place.account_id != ACCOUNT_ID:  # which moto reads when it is imported
            return self._launch(place, arguments)
        with self._lock:
            if self._process is None:
                self._start()
            command = [sys.executable, "-P", "-c", daemon._PROGRAM, *arguments]
            environment = {**os.environ, ACCOUNT_VARIABLE: place.account_id}
            self._connection.send((environment, str(place.folder), str(place.log), command))
            return _Fork(self, self._connection.recv())

    def ask(self, pid: int) -> int | None:
        """Return the exit code of a server, or None if it is running."""
        with self._lock:
            self._connection.send(pid)
            return self._connection.recv()

    def close(self) -> None:
        """End the process, but no server."""
        if self._process is not None:
            self._connection.close()
            self._process.wait()

    def _start(self) -> None:
        self._connection, others = Pipe()
        program = PROGRAM.format(__name__, others.fileno())
        # Where tests look for what belongs to a state folder, this process belongs to none.
        environment = {name: text for name, text in os.environ.items() if name != "LOCAL_AWS_HOME"}
        with others:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", program, str(Path(__file__).parents[2]), " " * LONGEST],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=[others.fileno()],
                cwd="/",
                start_new_session=True,
            )


class _Fork:
    """A server, with what `daemon` uses of `subprocess.Popen`."""

    def __init__(self, servers: WarmServers, pid: int) -> None:
        self._servers, self.pid = servers, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._servers.ask(self.pid)
        return self.returncode

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> None:
        while self.poll() is None:
            time.sleep(0.02)


def serve(descriptor: int) -> None:
    """What the warm process does: import, then fork servers, until the other end of a pipe is closed."""
    connection = Connection(descriptor)
    from local_aws.lifecycle.server import main

    ended: dict[int, int] = {}

    def reap(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                ended[found[0]] = os.waitstatus_to_exitcode(found[1])

    signal.signal(signal.SIGCHLD, reap)
    while True:
        try:
            question = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        if isinstance(question, int):
            connection.send(ended.get(question))
        elif pid := os.fork():
            connection.send(pid)
        else:
            connection.close()
            _become_server(*question)
            return main()  # and end as a program does


def _become_server(environment: Mapping[str, str], folder: str, log: str, command: Sequence[str]) -> None:
    """Turn this fork into what `daemon` starts."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = [path for path in sys.path if path != sys.argv[1]]
    sys.argv[:] = ["-c", *command[4:]]
    _say(command)


def _say(command: Sequence[str]) -> None:
    """Let this process have a command line, by which tests find the processes of a state folder."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = (int(fields[place]) for place in ARGUMENTS)
    text = b"\0".join(map(os.fsencode, command))
    if len(text) >= end - begin:
        raise ValueError(f"The command line has {len(text)} bytes, and there is room for {end - begin}.")
    ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)
