"""Processes for jobs, forked from a warm process.

A fresh Python that imports scikit-learn, XGBoost and LightGBM takes 4 to 12 seconds before a job's own work
begins. The fork server imports them once. Each job is a fork of it, so jobs share no state.
"""

import contextlib
import functools
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Protocol

from local_aws.compute import bytecode
from local_aws.compute.guard import mount_as_opt_ml

__all__ = [
    "CORES_FILE",
    "ONE_THREAD",
    "TERMINATION_SECONDS",
    "Command",
    "GuardedWorker",
    "Worker",
    "Workers",
    "can_mount_opt_ml",
]

_PRELOAD = "local_aws.compute.preload"  # with all that it imports
# Jobs run side by side, so each uses one thread. The variable CORES_FILE names a file that says how many a
# job that can use more may use at the moment: see local_aws.services.jobs.slots.
CORES_FILE = "CORES_FILE"
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}
_GUARD = Path(__file__).with_name("guard.py")
TERMINATION_SECONDS = 10
_MOST_BYTES = 60  # of a folder in which multiprocessing makes sockets, whose paths have at most 103 (unix(4))


@functools.cache
def can_mount_opt_ml() -> bool:
    """Return whether this system lets a command have its own /opt/ml."""
    # As the guard itself starts: its module alone, without this package's imports.
    probe = "import sys; sys.path.append(sys.argv[1]); import guard; guard.mount_as_opt_ml(sys.argv[2])"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-I", "-S", "-c", probe, str(_GUARD.parent), folder]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Command:
    """What to run, and where.

    Attributes:
        words: The command; the first word is looked up in the environment's PATH.
        environment: The complete environment.
        folder: The working directory.
        log: The file to which its output is appended.
        opt_ml: The folder that it sees as /opt/ml, if the system allows that; None for no /opt/ml.
        fork: Whether a Python console script may be a fork of the warm process.
    """

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    opt_ml: Path | None
    fork: bool = True


class Worker(Protocol):
    """A running command, which leads its own process group."""

    pid: int

    def wait(self, seconds: float | None) -> int | None:
        """Return the exit code, or None if the command is still running after this many seconds."""


class Workers:
    """Starts commands: Python console scripts as forks of a warm process, all others as new processes.

    Args:
        preload: Whether the warm process imports `preload`; otherwise each job does its own imports.
        compiled: Where forks keep what they compile of their code; None to compile it each time.
    """

    def __init__(self, preload: bool = True, compiled: Path | None = None) -> None:
        self._compiled = compiled
        if len(os.fsencode(tempfile.gettempdir())) > _MOST_BYTES:
            tempfile.tempdir = "/tmp"  # noqa: S108 - multiprocessing makes a folder of its own in it
        os.environ.update(ONE_THREAD)  # before the fork server starts, because it inherits it
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        # System libraries of macOS do not survive a fork once they have started threads.
        warm = preload and sys.platform != "darwin"
        self._context.set_forkserver_preload([_PRELOAD] if warm else [])

    def warm_up(self) -> None:
        """Start the fork server, so that the first job finds its imports done or in progress."""
        forkserver.ensure_running()

    @staticmethod
    def close() -> None:
        """Kill the fork server, which would otherwise finish its imports first.

        multiprocessing has no public interface for this. A test checks it; it works on CPython 3.11 to 3.13.
        """
        server = forkserver._forkserver
        with server._lock:
            if server._forkserver_pid is not None:
                os.kill(server._forkserver_pid, signal.SIGKILL)
                os.waitpid(server._forkserver_pid, 0)

    @property
    def has_private_opt_ml(self) -> bool:
        """Whether this system lets each command have its own /opt/ml."""
        return can_mount_opt_ml()

    def start(self, command: Command) -> Worker:
        """Start a command."""
        command = replace(
            command,
            environment={**ONE_THREAD, **command.environment},
            opt_ml=command.opt_ml if self.has_private_opt_ml else None,
        )
        script = _console_script(command.words[0], command.environment["PATH"]) if command.fork else None
        if script is None:
            return GuardedWorker(command)
        return _ForkedWorker(self._context, script, command, self._compiled)

    @staticmethod
    def end(worker: Worker, seconds: float = TERMINATION_SECONDS) -> None:
        """Stop a worker's whole process group: first with SIGTERM, then, after some seconds, with SIGKILL.

        Without any seconds, there is no SIGTERM.
        """
        steps = ((signal.SIGTERM, seconds), (signal.SIGKILL, None))
        for number, patience in steps if seconds else steps[1:]:
            if worker.wait(0) is None:
                _signal_group(worker.pid, number) or _signal_process(worker.pid, number)
                worker.wait(patience)
        _signal_group(worker.pid, signal.SIGKILL)  # what the command may have left behind


class GuardedWorker:
    """Any command, under a guard that kills it when the server ends."""

    def __init__(self, command: Command) -> None:
        mount = ["--opt-ml", str(command.opt_ml)] if command.opt_ml else []
        with command.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *mount, *command.words],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(command.environment),
                cwd=command.folder,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def wait(self, seconds: float | None) -> int | None:
        """Return the exit code, or None if the command is still running after this many seconds."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._process.stdin.close()
        return code


class _ForkedWorker:
    """A Python console script in a fork of the warm process."""

    # multiprocessing polls all its children whenever one starts. If two threads poll the same child, they
    # race for its exit code, and the loser gets a made-up one; so every poll happens under this lock.
    _polling = threading.Lock()

    def __init__(
        self, context: ForkServerContext, script: EntryPoint, command: Command, compiled: Path | None
    ) -> None:
        self._process = context.Process(target=_run_script, args=(script.value, command, compiled))
        with self._polling:
            self._process.start()
        self.pid = self._process.pid

    def wait(self, seconds: float | None) -> int | None:
        connection.wait([self._process.sentinel], seconds)
        with self._polling:
            code = self._process.exitcode
        return code if code is None or code >= 0 else 128 - code


def _console_script(name: str, path: str) -> EntryPoint | None:
    """Return the entry point behind a command if it is a console script of the running Python."""
    found = shutil.which(name, path=path)
    if not found or Path(found).parent != Path(sys.executable).parent:
        return None
    return next(iter(entry_points(group="console_scripts", name=Path(found).name)), None)


def _run_script(target: str, command: Command, compiled: Path | None) -> None:
    """Turn this fork into the job."""
    os.setsid()
    if command.opt_ml:
        mount_as_opt_ml(str(command.opt_ml))
    _die_with_server()
    output = os.open(command.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, descriptor in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, descriptor)
    sys.stdout.reconfigure(line_buffering=True)
    os.environ.clear()
    os.environ.update(command.environment)
    time.tzset()
    os.chdir(command.folder)
    sys.argv[:] = command.words
    sys.path[:0] = [entry for entry in command.environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if compiled:
        bytecode.keep(compiled, command.folder)
    if "numpy" in sys.modules:
        # A fork continues its parent's random numbers, so every job would get the same ones.
        sys.modules["numpy"].random.seed()
    try:
        result = EntryPoint("script", target, "console_scripts").load()()
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        print(f"{shlex.quote(command.words[0])} raised the exception above", file=sys.stderr)
        sys.exit(1)
    sys.exit(result)


def _die_with_server() -> None:
    """Kill this process group when the server ends, even after kill -9."""

    def wait() -> None:
        multiprocessing.parent_process().join()  # the server, although the fork server forked this process
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _signal_group(pid: int, number: int) -> bool:
    """Signal a process group; return whether it exists."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS raises this for a group whose processes have all ended
        return False
    return True


def _signal_process(pid: int, number: int) -> None:
    """Signal a process that has not created its group yet."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
