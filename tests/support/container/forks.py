"""Programs as forks of a process that has imported what they import, for tests that start many of them."""

import contextlib
import ctypes
import importlib
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

__all__ = ["Fork", "Warm", "serve"]

# The command lines of the forks are written over the last argument, see _say.
PROGRAM = "import gc, sys; gc.disable(); sys.path.append(sys.argv[1]); from {} import serve; serve({}, {})"
LONGEST = 4096  # bytes of a command line
ARGUMENTS = 45, 46  # where they begin and end in memory: fields 48 and 49 of proc_pid_stat(5), without two


class Warm:
    """The process, which starts with its first fork.

    Args:
        program: The module of the program, whose function `main` is called without arguments.
        imports: What else the process imports.
    """

    def __init__(self, program: str, *imports: str) -> None:
        self._modules = [program, *imports]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(
        self,
        command: Sequence[str],
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: str,
        log: str | None = None,
    ) -> "Fork":
        """Start the program as this command with these arguments would; a log gets what it prints."""
        with self._lock:
            if self._process is None:
                self._begin()
            self._connection.send((dict(environment), folder, log, list(command), list(arguments)))
            return Fork(self, self._connection.recv())

    def ask(self, pid: int) -> int | None:
        """Return the exit code of a fork, or None if it is running."""
        with self._lock:
            self._connection.send(pid)
            return self._connection.recv()

    def close(self) -> None:
        """End the process, but no fork."""
        if self._process is not None:
            self._connection.close()
            self._process.wait()

    def _begin(self) -> None:
        self._connection, others = Pipe()
        program = PROGRAM.format(__name__, others.fileno(), self._modules)
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


class Fork:
    """A fork, with what is used of `subprocess.Popen`."""

    def __init__(self, warm: Warm, pid: int) -> None:
        self._warm, self.pid = warm, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._warm.ask(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def serve(descriptor: int, modules: Sequence[str]) -> None:
    """What the warm process does: import, then fork programs, until the other end of a pipe is closed."""
    connection = Connection(descriptor)
    program, *_ = map(importlib.import_module, modules)
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
            _become(*question)
            return program.main()  # and end as a program does


def _become(
    environment: Mapping[str, str], folder: str, log: str | None, command: list[str], arguments: list[str]
) -> None:
    """Turn this fork into a process that was started with a command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    if log is not None:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = [path for path in sys.path if path != sys.argv[1]]
    sys.argv[1:] = arguments
    _say([*command, *arguments])


def _say(command: Sequence[str]) -> None:
    """Let this process have a command line, by which tests find the processes of a state folder."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = (int(fields[place]) for place in ARGUMENTS)
    text = b"\0".join(map(os.fsencode, command))
    if len(text) >= end - begin:
        raise ValueError(f"The command line has {len(text)} bytes, and there is room for {end - begin}.")
    ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)
