"""Run the notebooks and store their outputs in notebooks/, so that they can be read without running anything.

It uses a new state of local_aws, so what is stored does not depend on earlier runs.
"""

import itertools
import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from commands.running import perform, planning
from helpers.errors import Interrupted, UserError
from helpers.runs.facts import MIME_TYPE
from helpers.storage import write_whole

__all__ = ["CHANGES", "store", "stored"]

# The notebooks' defaults, plus a packed search, a decision and a load test: so there is more to see.
CHANGES = {"SEARCH": "packed", "APPROVE": "approve", "LOAD_TEST": True}
KEPT = ("tags", "slideshow")  # of a cell's metadata
PNG = "image/png"
TIMES = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
RUN_IDS = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{4}\b")


def store() -> int:
    """Run all notebooks, store what they show, and return the exit code of the run.

    Raises:
        UserError: the run failed; the stored notebooks are unchanged.
    """
    notebooks = planning.chosen((), None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOCAL_AWS_HOME"] = str(Path(folder) / "local_aws")
        runs = Path(folder) / "runs"
        try:
            code = perform.run(notebooks, {"ENVIRONMENT": "local", **CHANGES}, runs)
        except Interrupted:  # nobody can resume it: its folder goes
            raise KeyboardInterrupt from None
        except UserError as error:
            raise type(error)(f"{error}\nThe stored notebooks are unchanged.") from None
        if code:
            raise UserError("A data set failed or was refused. The stored notebooks are unchanged.")
        for source in notebooks:
            executed = nbformat.read(next(runs.glob(f"*/{source.name}")), as_version=4)
            with write_whole(source) as part:
                nbformat.write(stored(executed), part)
    return code


def stored(executed: NotebookNode) -> NotebookNode:
    """An executed notebook without what differs in every run: IDs, times, papermill's metadata."""
    executed.metadata.pop("papermill", None)
    executed.cells = [c for c in executed.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    counts = itertools.count(1)
    for cell in executed.cells:
        cell.metadata = NotebookNode({name: cell.metadata[name] for name in KEPT if cell.metadata.get(name)})
        if cell.cell_type == "code":
            cell.execution_count = next(counts)
            kept = [output for output in cell.outputs if MIME_TYPE not in output.get("data", {})]
            cell.outputs = [_settled(output, cell.execution_count) for output in kept]
    return executed


def _settled(output: NotebookNode, count: int) -> NotebookNode:
    if "execution_count" in output:
        output.execution_count = count
    if "metadata" in output:
        about = output.metadata.get(PNG, {})  # its width and what is seen on it
        output.metadata = NotebookNode({PNG: about} if about else {})
    output.pop("transient", None)
    for kind, content in output.get("data", {}).items():
        if isinstance(content, str) and kind.startswith("text/"):
            output.data[kind] = RUN_IDS.sub("(id)", TIMES.sub("(time)", content))
    return output
