"""Kernels as forks of a warm process, which has imported what the notebooks import.

A new kernel imports for one to two seconds in every notebook. The warm process does that once, while the run
begins. It has a single thread whenever it forks, and kernels share no state.
"""

import atexit
import contextlib
import gc
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

__all__ = ["Provisioner", "Server", "serve", "warm_up"]

# Not the SageMaker SDK, which reads the region and the address of AWS as soon as it is imported.
PRELOADED = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "matplotlib.pyplot",
    "helpers.data.checks",
    "helpers.data.profile",
    "helpers.deployment.performance.load",
    "helpers.deployment.performance.traffic",
    "helpers.image.builders",
    "helpers.pipeline.code.job_source",
    "helpers.plots.overview",
    "helpers.plots.pipelines",
    "helpers.plots.evaluations.quality",
    "helpers.runs.evaluations.metrics",
    "tabular.data.preparation.prepare",  # with the next two, helpers.data.checks judges a table
    "tabular.learning.defined",
    "tabular.learning.folds",
)
SETTINGS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # as a kernel sets it before any import
    # These libraries would start threads when they are imported.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OPENBLAS_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a notice of ipykernel's debugger
}
# Between two collections of garbage in a kernel; by default, they are a fifth of the time of its imports.
ALLOCATIONS = 50_000

LAUNCHER = "ipykernel_launcher"
# What `python -m ipykernel_launcher` does, for a kernel that is not a fork.
LAUNCH = f"""
import gc, runpy
gc.set_threshold({ALLOCATIONS})
runpy.run_module("{LAUNCHER}", run_name="__main__", alter_sys=True)
"""


class Server:
    """The warm process, as the process that launches kernels sees it."""

    def __init__(self) -> None:
        self._connection, others = Pipe()
        with others:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", f"from {__name__} import serve; serve({others.fileno()})"],
                stdin=subprocess.DEVNULL,
                env=os.environ | SETTINGS,
                pass_fds=[others.fileno()],
                start_new_session=True,  # an interrupt is not for it
            )
        self._lock = threading.Lock()
        atexit.register(self.close)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def close(self) -> None:
        """End it, and every kernel."""
        self._process.kill()
        self._process.wait()

    def ask(self, question: str, *given: Any) -> Any:
        """What the warm process answers.

        Raises:
            OSError, EOFError: it is gone.
        """
        with self._lock:
            self._connection.send((question, given))
            return self._connection.recv()


class Fork:
    """A kernel, with what `LocalProvisioner` uses of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, server: Server, pid: int) -> None:
        self._server, self.pid = server, pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it is running."""
        if self._code is None:
            try:
                self._code = self._server.ask("poll", self.pid)
            except (OSError, EOFError):  # the kernels end with the server
                self._code = -signal.SIGKILL
        return self._code

    wait = poll  # `LocalProvisioner` waits for what has ended

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Provisioner(LocalProvisioner):
    """Launches a kernel as a fork if `warm_up` was called, and it is one of this Python."""

    server: ClassVar[Server | None] = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Launch a kernel, and return how to connect to it."""
        if cmd[:3] != [sys.executable, "-m", LAUNCHER]:
            return await super().launch_kernel(cmd, **options)
        if self.server is None:
            return await super().launch_kernel([sys.executable, "-c", LAUNCH, *cmd[3:]], **options)
        folder = os.fspath(options.get("cwd") or Path.cwd())
        pid = self.server.ask("fork", options["env"], folder, cmd[2:])
        self.process = Fork(self.server, pid)
        self.pid, self.pgid, self.cwd = pid, pid, folder
        return self.connection_info


def warm_up() -> None:
    """Start the warm process, which lasts as long as this one; kernels are its forks from now on."""
    # System libraries of macOS do not survive a fork.
    if sys.platform == "linux" and Provisioner.server is None:
        Provisioner.server = Server()


def serve(descriptor: int) -> None:
    """What the warm process does: import, then fork kernels, until the other end of a pipe is closed."""
    connection = Connection(descriptor)
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it on import: with whom a kernel ends
    gc.disable()  # a fifth of the time of these imports would be collections
    for name in PRELOADED:
        with contextlib.suppress(Exception):  # a notebook that imports it says what is wrong, in its cell
            importlib.import_module(name)
    if pandas := sys.modules.get(
        "pandas"
    ):  # imported where no kernel runs, it takes a notebook for a terminal
        pandas.set_option("display.max_columns", 20)
    gc.freeze()  # a collection in a fork would copy every page
    gc.set_threshold(ALLOCATIONS)
    gc.enable()
    running: set[int] = set()
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            question, given = connection.recv()
            if question == "fork":
                pid = os.fork()
                if not pid:
                    connection.close()
                    _become_kernel(*given)
                running.add(pid)
                connection.send(pid)
            else:
                (pid,) = given
                ended, status = os.waitpid(pid, os.WNOHANG)
                running -= {ended}
                connection.send(os.waitstatus_to_exitcode(status) if ended else None)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _become_kernel(environment: Mapping[str, str], folder: str, arguments: list[str]) -> NoReturn:
    """Turn this fork into a kernel, and end with it."""
    code = 1
    try:
        from ipykernel import kernelapp

        os.setsid()
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        os.chdir(folder)
        sys.argv[:] = arguments
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()  # a fork continues with its parent's random numbers
        kernelapp.launch_new_instance()
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)
