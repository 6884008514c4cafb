"""A papermill engine that prints a line for each cell, and the progress of long ones, while they run."""

import time
from typing import Any

from jupyter_client import AsyncKernelManager
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

from helpers.progress import LINE

__all__ = ["register"]

NAME = "many-models"


def register() -> str:
    """Make the engine known to papermill and give its name."""
    papermill_engines.register(NAME, _Engine)
    return NAME


class _KernelManager(AsyncKernelManager):
    """Talks to kernels over this user's own files, not over TCP, to which others here could connect."""

    transport = "ipc"


class _Client(PapermillNotebookClient):
    """Prints what the cells stream and how far they are."""

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
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            _say(content["text"], deeper=True)
        elif LINE in content.get("metadata", {}):
            _say(content["metadata"][LINE], deeper=True)
        return super().process_message(message, *arguments)


class _Engine(NBClientEngine):
    """papermill's own engine, with the client above."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> NotebookNode:
        return _Client(
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=_KernelManager,
            timeout=None,
            startup_timeout=60,
        ).execute()


def _title(source: str) -> str:
    """The first line of a cell, which says what it does."""
    line = source.strip().split("\n", 1)[0]
    return line if len(line) <= 90 else f"{line[:87]}..."


def _say(text: str, deeper: bool = False) -> None:
    for line in text.rstrip().split("\n"):
        print(f"{'            ' if deeper else '  '}{line}", flush=True)
