"""Runs one notebook with papermill; prints a line for each cell, and the progress of long-running ones."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import papermill
from jupyter_client import AsyncKernelManager
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.iorw import LocalHandler, papermill_io

from commands.notebooks.kernels import Provisioner
from helpers.display.progress import LINE, RUN
from helpers.parameters.redaction import redacted
from helpers.runs.facts import MIME_TYPE

__all__ = ["execute"]

NAME = "many-models"
REDACTED = "redacted:"  # before the path of an executed notebook, so that papermill writes it as below
POLL_SECONDS = 0.1
SAVE_SECONDS = 1  # between two copies of a notebook that runs: writing one takes longer than most cells
MOST_BYTES = 70  # of a folder of sockets: their paths have at most 103 bytes on macOS (unix(4)), 107 on Linux


Hear = Callable[[Mapping[str, Any]], None]


def execute(
    source: Path, target: Path, values: Mapping[str, Any], hear: Hear, seconds: float | None = None
) -> None:
    """Run a notebook with these parameters; the executed copy is in target, complete or as far as it ran.

    Args:
        source: the notebook.
        target: the executed copy.
        values: the parameters.
        hear: gets each fact that the notebook leaves, and the id of the run that it starts, as it does so;
            for a line of progress, which leaves no fact, an empty mapping.
        seconds: how long it may take.

    Raises:
        papermill.exceptions.PapermillExecutionError: a cell failed.
        nbclient.exceptions.DeadKernelError: the kernel died, or was killed for lack of memory.
        TimeoutError: it took too long, as soon as the kernel is gone.
        KeyboardInterrupt: as soon as the kernel is gone.
    """
    interrupted = threading.Event()
    # Not in the main thread, where an interrupt could break nbclient's event loop between two messages.
    with (
        tempfile.TemporaryDirectory(prefix="kernel-", dir=_folder_of_sockets()) as sockets,
        ThreadPoolExecutor(1, "notebook") as pool,
    ):
        # Kernels write their connection files there; by default it is in HOME, which may be read-only.
        os.environ["JUPYTER_RUNTIME_DIR"] = sockets
        done: Future[None] = pool.submit(
            papermill.execute_notebook,
            str(source),
            f"{REDACTED}{target}",
            parameters=dict(values),
            engine_name=NAME,
            kernel_name="python3",
            cwd=str(Path.cwd()),
            progress_bar=False,
            interrupted=interrupted,
            sockets=sockets,
            hear=hear,
        )
        try:
            done.result(seconds)
        except (KeyboardInterrupt, TimeoutError):
            interrupted.set()
            done.exception()
            raise


def _folder_of_sockets() -> str:
    """The folder for temporary files, or /tmp if its path leaves no room for the name of a socket."""
    folder = tempfile.gettempdir()
    return folder if len(os.fsencode(folder)) <= MOST_BYTES else "/tmp"  # noqa: S108 - a new folder is made in it


class _KernelManager(AsyncKernelManager):
    """Talks to kernels through this user's socket files, not TCP, to which other users could connect.

    What it overrides is not public: seen on jupyter_client 8.10.
    """

    transport = "ipc"

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        """Choose what launches the kernel; jupyter_client has no other way than an entry point."""
        self.provisioner = Provisioner(kernel_id="", kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**options)

    async def _async_interrupt_kernel(self) -> None:
        """Do nothing: a shutdown begins with an interrupt, and an idle kernel may print a traceback."""


class _Client(PapermillNotebookClient):
    """Prints the output of the cells and their progress, and passes on the facts that they leave."""

    def __init__(
        self,
        manager: NotebookExecutionManager,
        interrupted: threading.Event,
        sockets: str,
        hear: Hear,
        **options: Any,
    ) -> None:
        super().__init__(manager, kernel_manager_class=_KernelManager, **options)
        self._interrupted, self._sockets, self._hear = interrupted, sockets, hear

    def create_kernel_manager(self) -> AsyncKernelManager:
        """The kernel's manager, its sockets in a folder of this run; by default, all runs share the cwd."""
        manager = super().create_kernel_manager()
        manager.ip = f"{self._sockets}/socket"
        return manager

    def papermill_execute_cells(self) -> None:
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended, self.km), daemon=True)
        watch.start()
        try:
            super().papermill_execute_cells()
        finally:
            ended.set()
            watch.join()

    def execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:
        begin = time.monotonic()
        try:
            return super().execute_cell(cell, cell_index, **options)
        finally:
            if cell.cell_type == "code" and cell.source.strip():
                _say(f"{time.monotonic() - begin:6.1f} s  {_title(cell.source)}")

    def process_message(
        self, message: dict[str, Any], *arguments: Any, **options: Any
    ) -> NotebookNode | None:
        content = message["content"]
        if RUN in content.get("metadata", {}):
            self._hear({"run_id": content["metadata"][RUN]})
        if MIME_TYPE in content.get("data", {}):
            self._hear(content["data"][MIME_TYPE])
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            _say(content["text"], deeper=True)
        elif LINE in content.get("metadata", {}):
            _say(content["metadata"][LINE], deeper=True)
            self._hear({})
        return super().process_message(message, *arguments)

    def _watch(self, ended: threading.Event, kernel: AsyncKernelManager) -> None:
        """Kill the kernel when this run is interrupted; nbclient then sees that it died, and gives up."""
        while not ended.wait(POLL_SECONDS):
            if self._interrupted.is_set():
                kernel.provisioner.process.kill()
                return


class _Engine(NBClientEngine):
    """papermill's own engine, with the client above."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> NotebookNode:
        client = _Client(
            nb_man,
            options["interrupted"],
            options["sockets"],
            options["hear"],
            kernel_name=kernel_name,
            timeout=None,
            startup_timeout=60,
            # Nothing is left to do after the last cell, and a kernel's own exit may abort: ipykernel 7.4
            # closes ZeroMQ sockets on which another of its threads may still be sending.
            shutdown_kernel="immediate",
        )
        nb_man.save = partial(_save, nb_man)
        try:
            return client.execute()
        finally:
            del nb_man.save  # papermill saves the complete notebook in any case


def _save(manager: NotebookExecutionManager, **_options: Any) -> None:
    """Save the notebook, unless that was just done: papermill asks for it twice for each cell."""
    if (manager.now() - manager.last_save_time).total_seconds() >= SAVE_SECONDS:
        NotebookExecutionManager.save(manager)


class _Redacted(LocalHandler):
    """Writes notebooks without the secrets of web addresses: parameters and outputs have those of tables."""

    def write(self, buf: str, path: str) -> None:
        super().write(redacted(buf), path.removeprefix(REDACTED))


papermill_engines.register(NAME, _Engine)
papermill_io.register(REDACTED, _Redacted())


def _title(source: str) -> str:
    """The first line of a cell, which says what it does."""
    line = source.strip().split("\n", 1)[0]
    return line if len(line) <= 90 else f"{line[:87]}..."


def _say(text: str, deeper: bool = False) -> None:
    for line in text.rstrip().split("\n"):
        print(f"{'            ' if deeper else '  '}{line}", flush=True)
